using Pipeline.Contracts;
using Pipeline.Datasets.Splitting;

namespace Pipeline.Datasets.Auditing;

/// <summary>
/// Holds a finished dataset against what training needs, row by row, as the encoder that training uses has measured
/// them.
/// </summary>
/// <param name="settings">The project's settings.</param>
/// <param name="endToken">The template's end token, for messages.</param>
/// <param name="shape">The base's shape; <c>null</c>: not known, and no memory is reckoned.</param>
public sealed class TokenAudit(ProjectSettings settings, string endToken, BaseShape? shape)
{
    private const int RowsNamed = 5;
    private const int Bins = 16;
    private const double OtherLanguages = 0.1;
    private readonly Counted[] _splits = [new(), new(), new()];
    private readonly SortedDictionary<string, Counted> _labels = new(StringComparer.Ordinal);
    private readonly SortedDictionary<string, int[]> _rowsOf = new(StringComparer.Ordinal); // of a label, by split
    private readonly Wrong _long = new(),
        _empty = new(),
        _endless = new(),
        _begun = new(),
        _unreadable = new(),
        _leaking = new();

    /// <summary>Takes up a row of the dataset.</summary>
    /// <param name="split">Where it stands.</param>
    /// <param name="label">Its label, where the task has some.</param>
    /// <param name="measure">Its tokens.</param>
    /// <param name="leaks">Whether it is held out and nearly stands among the training rows.</param>
    /// <param name="id">Its id, asked for when it is to be named.</param>
    public void Add(Split split, string? label, RowMeasure measure, bool leaks, Func<string> id)
    {
        _splits[(int)split].Add(measure);
        if (label is not null)
        {
            if (!_rowsOf.TryGetValue(label, out int[]? rows))
            {
                _rowsOf[label] = rows = new int[3];
            }

            rows[(int)split]++;
            if (split == Split.Train)
            {
                (_labels.TryGetValue(label, out Counted? counted) ? counted : _labels[label] = new Counted()).Add(
                    measure
                );
            }
        }

        _long.Add(measure.Tokens > settings.Validation.MaxTokens, id);
        _empty.Add(!measure.Learns, id);
        _endless.Add(!measure.Ends, id);
        _begun.Add(!measure.Begins, id);
        _unreadable.Add(!measure.ReadsBack, id);
        _leaking.Add(leaks, id);
    }

    /// <summary>What was found, once every row was taken up.</summary>
    /// <param name="datasetId">The dataset's id.</param>
    /// <param name="languages">Of a sample of its rows.</param>
    /// <param name="conflicting">Clusters of nearly the same texts that bear different labels.</param>
    /// <param name="conflicts">The first of them.</param>
    public DatasetAudit Audit(
        string datasetId,
        LanguageCounts languages,
        int conflicting,
        IReadOnlyList<LabelConflict> conflicts
    )
    {
        TokenCounts train = _splits[(int)Split.Train].Counts();
        long tokens = train.Tokens * settings.Training.Epochs;
        double? minutes = settings.Machine.TokensPerSecond is { } speed ? Math.Round(tokens / speed / 60, 2) : null;
        TrainingMemory? memory = Memory();
        Dictionary<string, long> gpu = OnGpu();
        return new DatasetAudit
        {
            DatasetId = datasetId,
            Checks =
            [
                Enough(train.Rows, _splits[(int)Split.Test].Counts().Rows),
                .. RowChecks(),
                .. LabelChecks(conflicting, conflicts),
                LanguageCheck(languages),
                .. MemoryCheck(memory),
                .. GpuCheck(gpu),
            ],
            Splits = new SortedDictionary<string, TokenCounts>(
                Enum.GetValues<Split>()
                    .ToDictionary(s => s.ToString().ToLowerInvariant(), s => _splits[(int)s].Counts()),
                StringComparer.Ordinal
            ),
            Labels = new SortedDictionary<string, TokenCounts>(
                _labels.ToDictionary(l => l.Key, l => l.Value.Counts()),
                StringComparer.Ordinal
            ),
            Lengths = Lengths(),
            Languages = languages,
            Conflicts = conflicts,
            Memory = memory,
            GpuMemory = gpu,
            Steps = Steps(train),
            TrainingTokens = tokens,
            Minutes = minutes,
            Cost =
                minutes is { } time && settings.Machine.PricePerHour is { } price
                    ? Math.Round(time / 60 * price, 2)
                    : null,
        };
    }

    private static AuditCheck Enough(int train, int test) =>
        train > 0 && test > 0
            ? new AuditCheck(
                "rows to learn from and to ask",
                AuditCheck.Ok,
                train + test,
                $"{train} to train, {test} to test",
                ""
            )
            : new AuditCheck(
                "rows to learn from and to ask",
                AuditCheck.Red,
                train + test,
                $"{train} to train, {test} to test",
                "more rows are needed; see the reasons of those that were left out"
            );

    private IEnumerable<AuditCheck> RowChecks()
    {
        yield return _long.Check(
            "rows that do not fit",
            $"longer than {settings.Validation.MaxTokens} tokens",
            "shorten or split them, or raise validation.maxTokens as far as the base reads"
        );
        yield return _empty.Check(
            "rows without a supervised token",
            "no token of the answer is learned",
            "give them an answer, or take them out"
        );
        yield return _endless.Check(
            "answers without a learned end",
            $"the end token {endToken} is not learned: the model would not stop",
            "report it with the row: the template is at fault, not the data"
        );
        yield return _begun.Check(
            "BOS tokens match the template",
            "BOS is missing or doubled",
            "report it with the row: the template is at fault, not the data"
        );
        yield return _unreadable.Check(
            "answers that read back from their tokens",
            "the tokens do not give the answer's text again",
            "the base's tokenizer cannot write these characters; replace them, or choose another base"
        );
        yield return _leaking.Check(
            "held-out rows that nearly stand among the training rows",
            "the model would be asked what it has learned by heart",
            "take them out of the test set"
        );
    }

    private IEnumerable<AuditCheck> LabelChecks(int conflicting, IReadOnlyList<LabelConflict> conflicts)
    {
        if (_rowsOf.Count == 0)
        {
            yield break;
        }

        string[] unlearned = [.. _rowsOf.Where(l => l.Value[(int)Split.Train] == 0).Select(l => l.Key)];
        yield return new AuditCheck(
            "labels that are held out and never learned",
            unlearned.Length > 0 ? AuditCheck.Red : AuditCheck.Ok,
            unlearned.Length,
            Named(unlearned, unlearned.Length),
            unlearned.Length > 0 ? "give them training rows, or take them out of the test set" : ""
        );
        string[] untested = [.. _rowsOf.Where(l => l.Value[(int)Split.Test] == 0).Select(l => l.Key)];
        yield return new AuditCheck(
            "labels without a held-out row",
            untested.Length > 0 ? AuditCheck.Warning : AuditCheck.Ok,
            untested.Length,
            Named(untested, untested.Length),
            untested.Length > 0 ? "nothing will be known of them; give them more rows" : ""
        );
        (int most, int fewest) = (_rowsOf.Values.Max(l => l.Sum()), _rowsOf.Values.Min(l => l.Sum()));
        bool uneven = most > 20 * fewest;
        yield return new AuditCheck(
            "balance of the labels",
            uneven ? AuditCheck.Warning : AuditCheck.Ok,
            most / fewest,
            $"the most frequent label has {most} rows, the rarest {fewest}",
            uneven ? "collect rows of the rare labels, or join labels" : ""
        );
        yield return conflicts.Count == 0
            ? new AuditCheck(
                "labels of nearly the same texts",
                AuditCheck.Ok,
                0,
                "no two texts that are nearly the same have different labels",
                ""
            )
            : new AuditCheck(
                "labels of nearly the same texts",
                AuditCheck.Warning,
                conflicting,
                $"for example {Said(conflicts[0].Texts)}",
                $"decide which is right, and correct the source; {BlobLayout.ConflictsFile} lists them all"
            );
    }

    /// <summary>
    /// One model for several languages is possible, one that half understands them is not noticed: the shares are said,
    /// and a second language of weight is worth a look.
    /// </summary>
    private static AuditCheck LanguageCheck(LanguageCounts languages)
    {
        List<(string Language, int Texts)> told =
        [
            .. languages
                .Texts.Where(l => l.Key != LanguageCounts.NotTold)
                .OrderByDescending(l => l.Value)
                .ThenBy(l => l.Key, StringComparer.Ordinal)
                .Select(l => (l.Key, l.Value)),
        ];
        int all = told.Sum(l => l.Texts);
        if (all == 0)
        {
            return new AuditCheck("language of the texts", AuditCheck.Ok, 0, "too short to be told", "");
        }

        int others = all - told[0].Texts;
        string shares = string.Join(
            ", ",
            told.Take(RowsNamed).Select(l => $"{l.Language} {Math.Round(100.0 * l.Texts / all)} %")
        );
        bool mixed = others > OtherLanguages * all;
        return new AuditCheck(
            "language of the texts",
            mixed ? AuditCheck.Warning : AuditCheck.Ok,
            others,
            $"of {all} texts: {shares}",
            mixed
                ? "see that the base reads these languages and that each has held-out rows, or make a project of each"
                : ""
        );
    }

    /// <summary>Rows by length in bins of the same width, the first from 1 token.</summary>
    private List<LengthBin> Lengths()
    {
        int longest = _splits.Max(s => s.Longest);
        int width = Math.Max(1, (longest + Bins - 1) / Bins);
        int[] rows = new int[(longest + width - 1) / width];
        foreach (int length in _splits.SelectMany(s => s.Lengths))
        {
            rows[Math.Max(0, length - 1) / width]++;
        }

        return [.. rows.Select((count, i) => new LengthBin((i * width) + 1, (i + 1) * width, count))];
    }

    /// <summary>
    /// Rows, longest row and tokens of the micro-batch with the longest rows, for rows of like length are computed
    /// together; <c>null</c>: nothing to train on, or no shape is known.
    /// </summary>
    private (int Rows, int Longest, long Tokens)? LargestBatch()
    {
        IReadOnlyList<int> lengths = _splits[(int)Split.Train].Lengths; // in order, since they were counted
        if (shape is null || lengths.Count == 0)
        {
            return null;
        }

        int[] batch = [.. lengths.TakeLast(settings.Training.BatchSize)];
        return settings.Training.PackTokens is { } most
            ? (Math.Max(1, most / lengths[^1]), lengths[^1], most)
            : (batch.Length, lengths[^1], batch.Sum(l => (long)l));
    }

    private Dictionary<string, long> OnGpu() =>
        LargestBatch() is { } batch && settings.Training.Method != TrainingSettings.Full && !settings.Training.Dora
            ? Enum.GetValues<GpuMemory>()
                .ToDictionary(
                    m => m.ToString().ToLowerInvariant(),
                    m =>
                        TrainingMemory
                            .OnGpu(
                                shape!,
                                settings.Training,
                                Math.Max(batch.Tokens, batch.Rows * (long)batch.Longest),
                                m
                            )
                            .TotalBytes,
                    StringComparer.Ordinal
                )
            : [];

    private IEnumerable<AuditCheck> GpuCheck(Dictionary<string, long> needed)
    {
        if (settings.Machine.GpuMemoryGiB is not { } there || needed.Count == 0)
        {
            yield break;
        }

        static double GiB(long bytes) => bytes / (double)(1L << 30);
        KeyValuePair<string, long>[] fitting = [.. needed.Where(n => GiB(n.Value) <= there)];
        KeyValuePair<string, long> taken =
            settings.Training.Memory != TrainingSettings.AutoMemory
                ? needed.First(n => n.Key == settings.Training.Memory)
            : fitting.Length > 0 ? fitting[^1]
            : needed.First();
        string said = string.Create(
            System.Globalization.CultureInfo.InvariantCulture,
            $"memory {taken.Key} takes {GiB(taken.Value):0.0} of {there:0.#} GiB"
        );
        yield return GiB(taken.Value) > there
            ? new AuditCheck(
                "memory of the GPU",
                AuditCheck.Red,
                (long)Math.Ceiling(GiB(taken.Value)),
                said,
                "lower training.batchSize or training.packTokens, take training.memory auto, method qlora, a smaller base, or a larger GPU"
            )
            : new AuditCheck("memory of the GPU", AuditCheck.Ok, (long)Math.Ceiling(GiB(taken.Value)), said, "");
    }

    private TrainingMemory? Memory() =>
        LargestBatch() is not var (rows, longest, tokens)
            ? null
            : TrainingMemory.OnCpu(
                shape!,
                settings.Training,
                rows,
                longest,
                tokens,
                settings.Machine.MemoryGiB is { } there ? (long)(there * (1L << 30)) : long.MaxValue
            );

    private IEnumerable<AuditCheck> MemoryCheck(TrainingMemory? memory)
    {
        if (memory is null || settings.Machine.MemoryGiB is not { } there)
        {
            yield break;
        }

        double needed = memory.TotalBytes / (double)(1L << 30);
        string said = string.Create(
            System.Globalization.CultureInfo.InvariantCulture,
            $"{needed:0.0} of {there:0.#} GiB"
        );
        yield return needed > there
            ? new AuditCheck(
                "memory of the machine",
                AuditCheck.Red,
                (long)Math.Ceiling(needed),
                said,
                "lower training.batchSize or validation.maxTokens, take method qlora or optimizer adamw8bit, a smaller base, or a larger machine"
            )
            : new AuditCheck("memory of the machine", AuditCheck.Ok, (long)Math.Ceiling(needed), said, "");
    }

    private int Steps(TokenCounts train)
    {
        TrainingSettings training = settings.Training;
        double batches = training.PackTokens is { } most
            ? Math.Ceiling((double)train.Tokens / most)
            : Math.Ceiling((double)train.Rows / training.BatchSize);
        return (int)Math.Ceiling(batches / training.GradientAccumulation) * training.Epochs;
    }

    private static string Said(IReadOnlyList<ConflictingRow> rows) =>
        string.Join(" and ", rows.DistinctBy(r => r.Label).Take(2).Select(r => $"{r.Id} as '{r.Label}'"));

    private static string Named(IReadOnlyCollection<string> names, long all) =>
        all == 0
            ? "none"
            : string.Join(", ", names.Take(RowsNamed)) + (all > RowsNamed ? $" and {all - RowsNamed} more" : "");

    /// <summary>Rows' lengths.</summary>
    private sealed class Counted
    {
        private readonly List<int> _lengths = [];
        private long _supervised;

        public IReadOnlyList<int> Lengths => _lengths;

        public int Longest => _lengths.Count == 0 ? 0 : _lengths.Max();

        public void Add(RowMeasure measure)
        {
            _lengths.Add(measure.Tokens);
            _supervised += measure.Supervised;
        }

        public TokenCounts Counts()
        {
            _lengths.Sort();
            int At(double share) =>
                _lengths.Count == 0
                    ? 0
                    : _lengths[(int)Math.Min(_lengths.Count - 1, Math.Ceiling(share * _lengths.Count) - 1)];
            return new TokenCounts(
                _lengths.Count,
                _lengths.Sum(l => (long)l),
                _supervised,
                At(0.5),
                At(0.95),
                _lengths.Count == 0 ? 0 : _lengths[^1]
            );
        }
    }

    /// <summary>Rows at which a check fails.</summary>
    private sealed class Wrong
    {
        private readonly List<string> _first = [];
        private long _count;

        public void Add(bool wrong, Func<string> id)
        {
            if (wrong && _count++ < RowsNamed)
            {
                _first.Add(id());
            }
        }

        public AuditCheck Check(string name, string detail, string fix) =>
            _count == 0
                ? new AuditCheck(name, AuditCheck.Ok, 0, "none", "")
                : new AuditCheck(name, AuditCheck.Red, _count, $"{detail}: {Named(_first, _count)}", fix);
    }
}
