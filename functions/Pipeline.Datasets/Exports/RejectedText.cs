using Pipeline.Contracts;
using Pipeline.Datasets.Ingestion.Layouts;
using Pipeline.Datasets.Ingestion.Rows;
using Pipeline.Datasets.Synthesis;
using Pipeline.Datasets.Validation;

namespace Pipeline.Datasets.Exports;

/// <summary>The text of a rejected row, as it would be asked.</summary>
public static class RejectedText
{
    /// <summary>Finds it.</summary>
    /// <param name="row">The row.</param>
    /// <param name="manifest">Of its dataset.</param>
    /// <returns>The text, cleaned; <c>null</c>: the row's question is not one text of one column.</returns>
    public static string? Read(RejectedRow row, DatasetManifest manifest)
    {
        ArgumentNullException.ThrowIfNull(row);
        ArgumentNullException.ThrowIfNull(manifest);
        bool isSynthetic = row.Reason == RejectionReason.LabelDisputed;
        if (
            !isSynthetic
            && (
                manifest.Layout is not (DatasetManifest.TextAndLabel or DatasetManifest.TextsAlone)
                || manifest.Settings.Columns.AlsoText.Count > 0
            )
        )
        {
            return null;
        }

        string column = isSynthetic ? SyntheticLayout.Text : manifest.Columns.Text;
        (string text, RowContent? refusal) = TextValue.Read(
            new RawRow(row.Source, row.Fields, null)[column],
            column,
            RejectionReason.MissingText
        );
        string clean = TextCleaning.Clean(text);
        return refusal is null && clean.Length > 0 ? clean : null;
    }

    /// <summary>The answer of a synthetic row that was rejected; <c>null</c>: it is another row.</summary>
    public static string? AnswerOf(RejectedRow row)
    {
        ArgumentNullException.ThrowIfNull(row);
        return row.Reason == RejectionReason.LabelDisputed
            ? row.Fields.GetValueOrDefault(SyntheticLayout.Answer)
            : null;
    }
}
