using Pipeline.Contracts;
using Pipeline.Datasets.Auditing;
using Pipeline.Datasets.Splitting;
using Pipeline.Datasets.Synthesis;
using Pipeline.Datasets.Validation;

namespace Pipeline.Datasets.Building;

/// <summary>
/// Parts to a dataset: what says the same is taken out, what is nearly the same is kept on one side, the files are
/// written.
/// </summary>
internal sealed class DatasetAssembler(DatasetRequest request, DatasetPlan plan, PartRows rows, SyntheticRows? made)
{
    private readonly ProjectSettings _settings = request.Settings with { Task = plan.Task };
    private readonly LabelSet? _labels = plan.Spellings is null
        ? null
        : LabelSet.From(plan.Spellings, plan.SpellingsAreSaid);
    private readonly SortedDictionary<string, long> _replaced = new(StringComparer.Ordinal);
    private IReadOnlyList<LabelConflict> _conflicts = [];
    private readonly List<string> _notes = [.. plan.Notes, .. made?.Notes ?? []];
    private readonly string _id = made is { Rows.Count: > 0 }
        ? ContentHash.ShortOf(plan.DatasetId, ContractJson.Write(made.Rows))
        : plan.DatasetId; // a model may write other rows next time

    /// <summary>Writes the dataset into a folder, the manifest last.</summary>
    public DatasetBuild Assemble(string folder)
    {
        Directory.CreateDirectory(folder);
        var files = new Dictionary<string, string>(StringComparer.Ordinal);
        List<int> tests = Of(RowKind.TestSet);
        (List<int> left, int[] clusters) = TakeOut(tests);
        NearDuplicateCounts near = Count(folder, left, clusters, files);
        Split[] places = StratifiedSplit.Divide(
            [.. left.Select(i => rows.Accepted[i].Split)],
            clusters,
            _settings.Split.Validation,
            request.TestFile is null ? _settings.Split.Test : 0
        );
        List<(RowLine Line, Split Split)> lines =
            plan.Task == ProjectSettings.TextTask ? Pieces(tests, left, places) : Lines(tests, left, places);
        List<int> learned = Made(lines);
        lines.InsertRange(
            lines.FindLastIndex(l => l.Split == Split.Train) + 1,
            learned.Select(i => (rows.Accepted[i].Line, Split.Train))
        );
        files[BlobLayout.RejectedFile] = rows.FinishRejected();
        DatasetAudit audit = Write(folder, lines, near.Conflicting, files);
        files[BlobLayout.AuditFile] = WriteJson(folder, BlobLayout.AuditFile, audit);
        DatasetManifest manifest = Manifest([.. tests, .. left, .. learned], near, lines, files, Summaries(learned));
        WriteJson(folder, BlobLayout.ManifestFile, manifest);
        return new DatasetBuild(manifest, folder, FaultOf(manifest) ?? FaultOf(audit), audit);
    }

    /// <summary>
    /// Takes out rows that nearly repeat a test row, or where that is asked an earlier row, and clusters the rest. Each
    /// time it clusters what is left anew, until nothing more goes: what has gone may have joined others.
    /// </summary>
    private (List<int> Left, int[] Clusters) TakeOut(List<int> tests)
    {
        bool drop = _settings.Validation.NearDuplicates == ValidationSettings.Drop;
        List<int> left = Of(RowKind.Dropped);
        while (true)
        {
            List<int> all = [.. tests, .. left];
            int[] first = rows.Cluster(all.Select(i => rows.Accepted[i].Line));
            bool Goes(int i) => i >= tests.Count && (first[i] < tests.Count || (drop && first[i] != i));
            List<int> gone = [.. Enumerable.Range(0, all.Count).Where(Goes)];
            if (gone.Count == 0)
            {
                int[] clusters = [.. first.Skip(tests.Count).Select(f => f - tests.Count)];
                return (left, clusters);
            }

            foreach (int i in gone)
            {
                rows.RejectNear(all[i], all[first[i]]);
            }

            left = [.. all.Where((_, i) => i >= tests.Count && !Goes(i))];
        }
    }

    private List<int> Of(RowKind kind) =>
        [.. Enumerable.Range(0, rows.Accepted.Count).Where(i => rows.Accepted[i].Kind == kind)];

    /// <summary>
    /// Made rows that are learned from: those that do not nearly repeat what is held out, nor each other or a learned
    /// row where near-duplicates are dropped.
    /// </summary>
    private List<int> Made(List<(RowLine Line, Split Split)> lines)
    {
        bool drop = _settings.Validation.NearDuplicates == ValidationSettings.Drop;
        List<int> left = Of(RowKind.Made);
        if (left.Count == 0)
        {
            return left;
        }

        List<int> human = [.. Of(RowKind.TestSet), .. Of(RowKind.Dropped)];
        Dictionary<int, int> rowOf = human.ToDictionary(i => rows.Accepted[i].Line.Signature); // of a signature
        while (left.Count > 0)
        {
            // Held-out lines come first: where one is in a cluster it is the first of it.
            List<(RowLine Line, Split Split)> all =
            [
                .. lines.Where(l => l.Split != Split.Train),
                .. lines.Where(l => l.Split == Split.Train),
                .. left.Select(i => (rows.Accepted[i].Line, Split.Train)),
            ];
            int[] first = rows.Cluster(all.Select(l => l.Line));
            int from = all.Count - left.Count;
            bool Goes(int i) => all[first[i]].Split != Split.Train || (drop && first[i] != i);
            List<int> gone = [.. Enumerable.Range(from, left.Count).Where(Goes)];
            if (gone.Count == 0)
            {
                break;
            }

            foreach (int i in gone)
            {
                int like = first[i] >= from ? left[first[i] - from] : rowOf[all[first[i]].Line.Signature];
                rows.RejectNear(left[i - from], like);
            }

            left = [.. left.Where((_, i) => !Goes(from + i))];
        }

        return left;
    }

    private List<SynthesisSummary> Summaries(List<int> learned)
    {
        Dictionary<string, int> rowsOf = learned
            .CountBy(i => rows.Example(rows.Accepted[i].Line).Synthetic!.Generator, StringComparer.Ordinal)
            .ToDictionary(StringComparer.Ordinal);
        return [.. (made?.Summaries ?? []).Select(s => s with { Learned = rowsOf.GetValueOrDefault(s.Generator) })];
    }

    private NearDuplicateCounts Count(string folder, List<int> left, int[] clusters, Dictionary<string, string> files)
    {
        List<List<int>> several =
        [
            .. left.Zip(clusters).GroupBy(r => r.Second, r => r.First).Select(g => g.ToList()).Where(g => g.Count > 1),
        ];
        (files[BlobLayout.ConflictsFile], int conflicting, _conflicts) = LabelConflicts.Write(
            Path.Combine(folder, BlobLayout.ConflictsFile),
            rows,
            several
        );
        return new NearDuplicateCounts(
            several.Count,
            several.Sum(g => g.Count),
            several.Select(g => g.Count).DefaultIfEmpty().Max(),
            conflicting
        );
    }

    private List<(RowLine Line, Split Split)> Lines(List<int> tests, List<int> left, Split[] places) =>
        [
            .. left.Select((i, at) => (rows.Accepted[i].Line, places[at])),
            .. tests.Select(i => (rows.Accepted[i].Line, Split.Test)),
        ];

    /// <summary>
    /// Plain texts in pieces that fit. Held-out pieces that nearly repeat one to learn, such as a heading that many
    /// texts share, are left away.
    /// </summary>
    private List<(RowLine Line, Split Split)> Pieces(List<int> tests, List<int> left, Split[] places)
    {
        IEnumerable<(RowLine Line, Split Split)> Of(int i, Split split) =>
            rows.Accepted[i].Pieces is { Count: > 0 } pieces
                ? pieces.Select(p => (p, split))
                : [(rows.Accepted[i].Line, split)];
        List<(RowLine Line, Split Split)> pieces =
        [
            .. left.SelectMany((i, at) => Of(i, places[at])),
            .. tests.SelectMany(i => Of(i, Split.Test)),
        ];
        int before = pieces.Count;
        while (true)
        {
            HashSet<int> gone = Leaks(pieces, validationToo: true);
            if (gone.Count == 0)
            {
                break;
            }

            pieces = [.. pieces.Where((_, i) => !gone.Contains(i))];
        }

        if (pieces.Count < before)
        {
            _notes.Add(
                $"{before - pieces.Count} held-out pieces nearly repeat a piece to learn and are asked of no model."
            );
        }

        return pieces;
    }

    /// <summary>Held-out lines that are nearly the same as one to learn.</summary>
    private HashSet<int> Leaks(List<(RowLine Line, Split Split)> lines, bool validationToo)
    {
        int[] first = rows.Cluster(lines.Select(l => l.Line));
        HashSet<int> learned =
        [
            .. Enumerable.Range(0, first.Length).Where(i => lines[i].Split == Split.Train).Select(i => first[i]),
        ];
        return
        [
            .. Enumerable
                .Range(0, first.Length)
                .Where(i =>
                    (lines[i].Split == Split.Test || (validationToo && lines[i].Split == Split.Validation))
                    && learned.Contains(first[i])
                ),
        ];
    }

    private DatasetAudit Write(
        string folder,
        List<(RowLine Line, Split Split)> lines,
        int conflicting,
        Dictionary<string, string> files
    )
    {
        string[] names = [BlobLayout.TrainFile, BlobLayout.ValidationFile, BlobLayout.TestFile];
        HashedFile[] outputs = [.. names.Select(n => new HashedFile(Path.Combine(folder, n)))];
        try
        {
            var audit = new TokenAudit(_settings, request.Encoder.Template.EndToken, request.Shape);
            HashSet<int> leaks = Leaks(lines, validationToo: false);
            List<string> sample = [];
            int step = LanguageSample.Step(lines.Count);
            foreach ((int number, (RowLine line, Split split)) in lines.Index())
            {
                byte[] bytes = rows.Read(line);
                outputs[(int)split].WriteLine(bytes);
                CountReplaced(bytes);
                if (number % step == 0)
                {
                    sample.Add(RowValidator.PromptText(ContractJson.Read<Example>(bytes).Messages));
                }

                audit.Add(
                    split,
                    line.Label < 0 ? null : _labels!.Labels[line.Label],
                    line.Measure,
                    leaks.Contains(number),
                    () => rows.Example(line).Id
                );
            }

            for (int i = 0; i < names.Length; i++)
            {
                files[names[i]] = outputs[i].Finish();
            }

            return audit.Audit(_id, LanguageSample.Of(sample), conflicting, _conflicts);
        }
        finally
        {
            Array.ForEach(outputs, o => o.Dispose());
        }
    }

    private void CountReplaced(byte[] line)
    {
        if (_settings.Privacy.Mode == PrivacySettings.Keep)
        {
            return;
        }

        foreach ((string type, int count) in ContractJson.Read<Example>(line).Replaced ?? new Dictionary<string, int>())
        {
            _replaced[type] = _replaced.GetValueOrDefault(type) + count;
        }
    }

    private DatasetManifest Manifest(
        List<int> accepted,
        NearDuplicateCounts near,
        List<(RowLine Line, Split Split)> lines,
        Dictionary<string, string> files,
        List<SynthesisSummary> synthesis
    )
    {
        SortedDictionary<string, int> labels = new(
            accepted
                .Select(i => rows.Accepted[i].Split.Label)
                .Where(l => l >= 0)
                .CountBy(l => l)
                .ToDictionary(l => _labels!.Labels[l.Key], l => l.Value),
            StringComparer.Ordinal
        );
        int duplicates =
            rows.Reasons.GetValueOrDefault(RejectionReason.Duplicate)
            + rows.Reasons.GetValueOrDefault(RejectionReason.NearDuplicate);
        int Of(Split split) => lines.Count(l => l.Split == split);
        return new DatasetManifest
        {
            DatasetId = _id,
            Synthesis = synthesis,
            Replaced = _replaced,
            Project = request.Project,
            Task = plan.Task,
            Labels = [.. labels.Keys],
            SystemPrompt = plan.SystemPrompt ?? "",
            Columns = plan.Columns,
            Layout = plan.Layout,
            Notes = _notes,
            Sources = plan.Sources,
            Rows = new RowCounts(
                rows.Count,
                accepted.Count,
                rows.Reasons.Values.Sum() - duplicates,
                duplicates,
                Of(Split.Train),
                Of(Split.Validation),
                Of(Split.Test)
            ),
            Reasons = rows.Reasons,
            NearDuplicates = near,
            RowsByLabel = labels,
            Base = _settings.Base,
            Template = request.Encoder.Template.Name,
            TokenizerSha256 = request.TokenizerSha256,
            LongestTokens = rows.LongestTokens(_settings.Validation.MaxTokens),
            Files = files,
            Settings = _settings,
        };
    }

    private static string WriteJson<T>(string folder, string name, T value)
    {
        byte[] bytes = ContractJson.WriteUtf8(value, indented: true);
        File.WriteAllBytes(Path.Combine(folder, name), bytes);
        return ContentHash.Of(bytes);
    }

    private static DatasetException? FaultOf(DatasetManifest manifest)
    {
        if (manifest.Rows.Accepted == 0)
        {
            return new DatasetException(
                DatasetException.NothingAccepted,
                $"All {manifest.Rows.Read} rows were rejected ({Said(manifest.Reasons)}); see {BlobLayout.RejectedFile}."
            );
        }

        if (manifest.Task == ProjectSettings.ClassificationTask && manifest.Labels.Count < 2)
        {
            return new DatasetException(
                DatasetException.OneLabel,
                $"Every accepted row has the label '{manifest.Labels[0]}'; at least two labels are needed to learn a difference."
            );
        }

        return manifest.Rows.Train == 0 || manifest.Rows.Test == 0
            ? new DatasetException(
                DatasetException.NothingAccepted,
                $"{manifest.Rows.Accepted} accepted rows leave {manifest.Rows.Train} to train and {manifest.Rows.Test} to test on{(manifest.Reasons.Count > 0 ? $" ({Said(manifest.Reasons)})" : "")}{(manifest.NearDuplicates.Rows > 0 ? $"; {manifest.NearDuplicates.Rows} of them are nearly the same as others, and those are never parted" : "")}; more rows are needed."
            )
            : null;
    }

    private static DatasetException? FaultOf(DatasetAudit audit) =>
        audit.Passed()
            ? null
            : new DatasetException(
                DatasetException.AuditFailed,
                string.Join(
                    " ",
                    audit
                        .Checks.Where(c => c.Level == AuditCheck.Red)
                        .Select(c => $"The audit stops here: {c.Name}: {c.Value}, {c.Detail}; {c.Fix}.")
                )
            );

    private static string Said(IReadOnlyDictionary<string, int> reasons) =>
        string.Join(", ", reasons.Select(r => $"{r.Key} {r.Value}"));
}
