using Pipeline.Contracts;

namespace Pipeline.Datasets.Building;

/// <summary>Why nothing can be trained on a dataset that was built.</summary>
internal static class DatasetFault
{
    /// <summary>The fault of a dataset; <c>null</c>: it can be trained on.</summary>
    public static DatasetException? From(DatasetManifest manifest, DatasetAudit audit) => From(manifest) ?? From(audit);

    private static DatasetException? From(DatasetManifest manifest)
    {
        RowCounts rows = manifest.Rows;
        int guards = manifest.Guard?.Rows ?? 0;
        int accepted = rows.Accepted - guards;
        if (accepted == 0 && manifest.Settings.Review.Unlabelled)
        {
            return new DatasetException(
                DatasetFaultCode.NothingAccepted,
                $"None of the {rows.Read} texts has an answer yet: people give them in the project's review queue."
            );
        }

        if (accepted == 0)
        {
            return new DatasetException(
                DatasetFaultCode.NothingAccepted,
                $"All {rows.Read - guards} rows were rejected ({Listed(manifest.Reasons)}); see "
                    + $"{BlobLayout.RejectedFile}."
            );
        }

        if (manifest.Task == TaskKind.Classification && manifest.Labels.Count < 2)
        {
            return new DatasetException(
                DatasetFaultCode.OneLabel,
                $"Every accepted row has the label '{manifest.Labels[0]}'; "
                    + "at least two labels are needed to learn a difference."
            );
        }

        if (manifest.Guard is { Rows: 0 } guard)
        {
            return new DatasetException(
                DatasetFaultCode.NothingAccepted,
                $"No row of the guard set '{guard.File}' can be used ({Listed(manifest.Reasons)}); see "
                    + $"{BlobLayout.RejectedFile}. Mend it, or leave promotion.guard out."
            );
        }

        if (rows.Train > 0 && rows.Test > 0)
        {
            return null;
        }

        string reasons = manifest.Reasons.Count > 0 ? $" ({Listed(manifest.Reasons)})" : "";
        string near =
            manifest.NearDuplicates.Rows > 0
                ? $"; {manifest.NearDuplicates.Rows} of them are nearly the same as others, and those are never parted"
                : "";
        return new DatasetException(
            DatasetFaultCode.NothingAccepted,
            $"{accepted} accepted rows leave {rows.Train} to train and {rows.Test} to test on"
                + $"{reasons}{near}; more rows are needed."
        );
    }

    private static DatasetException? From(DatasetAudit audit) =>
        audit.Passed()
            ? null
            : new DatasetException(
                DatasetFaultCode.AuditFailed,
                string.Join(
                    " ",
                    audit
                        .Checks.Where(c => c.Level == AuditLevel.Red)
                        .Select(c => $"The audit stops here: {c.Name}: {c.Value}, {c.Detail}; {c.Fix}.")
                )
            );

    private static string Listed(IReadOnlyDictionary<string, int> reasons) =>
        string.Join(", ", reasons.Select(r => $"{r.Key} {r.Value}"));
}
