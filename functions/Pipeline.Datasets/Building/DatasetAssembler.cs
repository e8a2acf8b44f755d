using Pipeline.Contracts;
using Pipeline.Datasets.Auditing;
using Pipeline.Datasets.Splitting;
using Pipeline.Datasets.Synthesis;
using Pipeline.Datasets.Validation;

namespace Pipeline.Datasets.Building;

/// <summary>
/// Puts a dataset together from its rows: what repeats is rejected, the rest split, synthetic rows join the training
/// rows, and everything is written, the manifest last.
/// </summary>
/// <param name="request">What the dataset is made of.</param>
/// <param name="plan">Its plan.</param>
/// <param name="rows">The rows of all parts.</param>
/// <param name="synthetic">Synthetic rows; <c>null</c>: none.</param>
internal sealed class DatasetAssembler(
    DatasetRequest request,
    DatasetPlan plan,
    PartRows rows,
    SyntheticRows? synthetic
)
{
    private readonly ProjectSettings _settings = request.Settings with { Task = plan.Task };
    private readonly LabelSet? _labels = plan.Labels();
    private readonly List<string> _notes = [.. plan.Notes, .. synthetic?.Notes ?? []];
    private readonly string _id = synthetic is { Rows.Count: > 0 }
        ? ContentHash.ShortOf(plan.DatasetId, ContractJson.Write(synthetic.Rows))
        : plan.DatasetId; // a model may write other rows next time

    /// <summary>Writes the dataset into a folder.</summary>
    public DatasetBuild Assemble(string folder)
    {
        Directory.CreateDirectory(folder);
        var filter = new NearDuplicateFilter(rows, _settings.Validation.NearDuplicates == NearDuplicateRule.Drop);
        List<int> guards = rows.OfKind(RowKind.Guard);
        List<int> tests = rows.OfKind(RowKind.TestSet);
        (List<int> validations, _) = filter.Filter(RowKind.ValidationSet, [.. guards, .. tests]);
        (List<int> left, int[] clusters) = filter.Filter(RowKind.Dropped, [.. guards, .. tests, .. validations]);
        guards = WithKnownLabels(guards, [.. tests, .. validations, .. left]);
        ClusterReport near = ReportClusters(folder, left, clusters);
        Split[] sides = StratifiedSplit.Divide(
            [.. left.Select(i => rows.Accepted[i].Split)],
            clusters,
            validations.Count == 0 ? _settings.Split.Validation : 0,
            request.TestFile is null && tests.Count == 0 ? _settings.Split.Test : 0
        );
        NoteMissingSides(tests, validations);
        List<SplitLine> lines =
            plan.Task == TaskKind.Text
                ? Pieces(filter, tests, validations, left, sides)
                :
                [
                    .. left.Select((i, at) => new SplitLine(rows.Accepted[i].Line, sides[at])),
                    .. validations.Select(i => new SplitLine(rows.Accepted[i].Line, Split.Validation)),
                    .. tests.Select(i => new SplitLine(rows.Accepted[i].Line, Split.Test)),
                ];
        List<int> learned = filter.FilterLearned(lines, guards);
        lines.InsertRange(
            lines.FindLastIndex(l => l.Split == Split.Train) + 1,
            learned.Select(i => new SplitLine(rows.Accepted[i].Line, Split.Train))
        );
        string rejected = rows.FinishRejected();
        var audit = new TokenAudit(_settings, request.Encoder.Template.EndToken, request.Shape);
        var writer = new SplitWriter(rows, _labels, _settings.Privacy);
        HashSet<int> leaks = filter.Leaks(lines, validationToo: false);
        var files = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            [BlobLayout.ConflictsFile] = near.Sha256,
            [BlobLayout.RejectedFile] = rejected,
        };
        List<string> sample = writer.Write(folder, lines, leaks, audit, files);
        writer.WriteGuard(folder, request.GuardFile is null ? null : guards, files);
        DatasetAudit audited = audit.Build(_id, LanguageSample.Detect(sample), near.Counts.Conflicting, near.Conflicts);
        files[BlobLayout.AuditFile] = ManifestWriter.WriteJson(folder, BlobLayout.AuditFile, audited);
        DatasetManifest manifest = new ManifestWriter(request, plan, rows, _labels).Write(
            folder,
            new ManifestContent(
                _id,
                [.. tests, .. validations, .. left, .. learned],
                guards,
                lines,
                near.Counts,
                files,
                Summaries(learned),
                writer.Replaced,
                _notes
            )
        );
        return new DatasetBuild(manifest, folder, DatasetFault.From(manifest, audited), audited);
    }

    /// <summary>The guard's rows, without those whose label no other row has.</summary>
    private List<int> WithKnownLabels(List<int> guards, IEnumerable<int> others)
    {
        HashSet<int> known = [.. others.Select(i => rows.Accepted[i].Split.Label), -1];
        foreach (int row in guards.Where(i => !known.Contains(rows.Accepted[i].Split.Label)))
        {
            rows.RejectUnknownLabel(row);
        }

        return [.. guards.Where(i => known.Contains(rows.Accepted[i].Split.Label))];
    }

    /// <summary>Counts clusters of several rows, and writes those that bear different labels.</summary>
    private ClusterReport ReportClusters(string folder, List<int> left, int[] clusters)
    {
        List<List<int>> several =
        [
            .. left.Zip(clusters).GroupBy(r => r.Second, r => r.First).Select(g => g.ToList()).Where(g => g.Count > 1),
        ];
        (string sha256, int conflicting, IReadOnlyList<LabelConflict> conflicts) = LabelConflicts.Write(
            Path.Combine(folder, BlobLayout.ConflictsFile),
            rows,
            several
        );
        var counts = new NearDuplicateCounts(
            several.Count,
            several.Sum(g => g.Count),
            several.Select(g => g.Count).DefaultIfEmpty().Max(),
            conflicting
        );
        return new ClusterReport(counts, conflicts, sha256);
    }

    /// <summary>Says which side the data's own split lacks: it is taken from the rows to train on.</summary>
    private void NoteMissingSides(List<int> tests, List<int> validations)
    {
        if (!plan.HasOwnSplit)
        {
            return;
        }

        if (tests.Count == 0)
        {
            _notes.Add("Its own split has no test rows that can be used; a share of its training rows is held out.");
        }

        if (validations.Count == 0 && _settings.Split.Validation > 0)
        {
            _notes.Add("Its own split has no validation rows; a share of its training rows is used.");
        }
    }

    /// <summary>Plain texts in pieces that fit, without held-out pieces that nearly repeat one to learn.</summary>
    private List<SplitLine> Pieces(
        NearDuplicateFilter filter,
        List<int> tests,
        List<int> validations,
        List<int> left,
        Split[] sides
    )
    {
        IEnumerable<SplitLine> PiecesOf(int i, Split side) =>
            rows.Accepted[i].Pieces is { Count: > 0 } pieces
                ? pieces.Select(p => new SplitLine(p, side))
                : [new SplitLine(rows.Accepted[i].Line, side)];
        List<SplitLine> pieces =
        [
            .. left.SelectMany((i, at) => PiecesOf(i, sides[at])),
            .. validations.SelectMany(i => PiecesOf(i, Split.Validation)),
            .. tests.SelectMany(i => PiecesOf(i, Split.Test)),
        ];
        List<SplitLine> filtered = filter.FilterPieces(pieces);
        if (filtered.Count < pieces.Count)
        {
            _notes.Add(
                $"{pieces.Count - filtered.Count} held-out pieces nearly repeat a piece to learn "
                    + "and are not evaluated."
            );
        }

        return filtered;
    }

    private List<SynthesisSummary> Summaries(List<int> learned)
    {
        Dictionary<string, int> rowsOf = learned
            .Where(i => rows.Accepted[i].Kind == RowKind.Synthetic)
            .CountBy(i => rows.Example(rows.Accepted[i].Line).Synthetic!.Generator, StringComparer.Ordinal)
            .ToDictionary(StringComparer.Ordinal);
        return
        [
            .. (synthetic?.Summaries ?? []).Select(s => s with { Learned = rowsOf.GetValueOrDefault(s.Generator) }),
        ];
    }

    private sealed record ClusterReport(
        NearDuplicateCounts Counts,
        IReadOnlyList<LabelConflict> Conflicts,
        string Sha256
    );
}
