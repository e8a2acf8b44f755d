using Pipeline.Contracts;
using Pipeline.Datasets.Splitting;

namespace Pipeline.Datasets.Auditing;

/// <summary>
/// Checks a finished dataset against what training needs, row by row, as measured by the encoder that training uses.
/// Add the rows, then build.
/// </summary>
/// <param name="settings">The project's settings.</param>
/// <param name="endToken">The template's end token, shown in the checks.</param>
/// <param name="shape">The base model's shape; <c>null</c>: not known, and memory is not estimated.</param>
public sealed class TokenAudit(ProjectSettings settings, string endToken, BaseShape? shape)
{
    private const int MaxListedLanguages = 5;
    private const int LengthBins = 16;
    private const double MaxOtherLanguageShare = 0.1;
    private readonly RowLengths[] _splits = [new(), new(), new()];
    private readonly LabelAudit _labels = new();
    private readonly FailingRows _long = new(),
        _withoutSupervisedToken = new(),
        _endNotSupervised = new(),
        _wrongBos = new(),
        _notRoundTripping = new(),
        _unknown = new(),
        _leaking = new();

    /// <summary>Adds a row of the dataset.</summary>
    /// <param name="split">Its split.</param>
    /// <param name="label">Its label, where the task has some.</param>
    /// <param name="measure">Its measurements.</param>
    /// <param name="leaks">Whether it is a test row that is a near duplicate of a training row.</param>
    /// <param name="id">Gives its id; called only for rows that fail a check.</param>
    public void Add(Split split, string? label, RowMeasure measure, bool leaks, Func<string> id)
    {
        _splits[(int)split].Add(measure);
        if (label is not null)
        {
            _labels.Add(split, label, measure);
        }

        _long.Add(measure.Tokens > settings.Validation.MaxTokens, id);
        _withoutSupervisedToken.Add(!measure.HasSupervisedToken, id);
        _endNotSupervised.Add(!measure.EndIsSupervised, id);
        _wrongBos.Add(!measure.BosIsRight, id);
        _notRoundTripping.Add(!measure.RoundTrips, id);
        _unknown.Add(measure.HasUnknownId, id);
        _leaking.Add(leaks, id);
    }

    /// <summary>Builds the audit; call after all rows were added.</summary>
    /// <param name="datasetId">The dataset's id.</param>
    /// <param name="languages">Of a sample of its rows.</param>
    /// <param name="conflictCount">Clusters of near duplicates with different labels.</param>
    /// <param name="firstConflicts">The first of them.</param>
    public DatasetAudit Build(
        string datasetId,
        LanguageCounts languages,
        int conflictCount,
        IReadOnlyList<LabelConflict> firstConflicts
    )
    {
        TokenCounts train = _splits[(int)Split.Train].Counts();
        long tokens = train.Tokens * settings.Training.Epochs;
        double? minutes = settings.Machine.TokensPerSecond is { } speed ? Math.Round(tokens / speed / 60, 2) : null;
        // sorted: Counts() above sorts the lengths in place
        var machine = new MemoryAudit(settings, shape, _splits[(int)Split.Train].Lengths);
        TrainingMemory? memory = machine.OnCpu();
        Dictionary<string, long> gpu = machine.OnGpu();
        return new DatasetAudit
        {
            DatasetId = datasetId,
            Checks =
            [
                SplitSizeCheck(train.Rows, _splits[(int)Split.Test].Counts().Rows),
                .. RowChecks(),
                .. _labels.Checks(conflictCount, firstConflicts),
                LanguageCheck(languages),
                .. machine.CpuCheck(memory),
                .. machine.GpuCheck(gpu),
            ],
            Splits = new SortedDictionary<string, TokenCounts>(
                Enum.GetValues<Split>()
                    .ToDictionary(s => s.ToString().ToLowerInvariant(), s => _splits[(int)s].Counts()),
                StringComparer.Ordinal
            ),
            Labels = _labels.TrainingTokens(),
            Lengths = Lengths(),
            Languages = languages,
            Conflicts = firstConflicts,
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

    private static AuditCheck SplitSizeCheck(int train, int test) =>
        train > 0 && test > 0
            ? new AuditCheck(
                "training and test rows",
                AuditLevel.Ok,
                train + test,
                $"{train} training rows, {test} test rows",
                ""
            )
            : new AuditCheck(
                "training and test rows",
                AuditLevel.Red,
                train + test,
                $"{train} training rows, {test} test rows",
                "more rows are needed; rejected.jsonl says why rows were rejected"
            );

    private IEnumerable<AuditCheck> RowChecks()
    {
        yield return _long.ToCheck(
            "rows over validation.maxTokens",
            $"longer than {settings.Validation.MaxTokens} tokens",
            "shorten or split them, or raise validation.maxTokens up to the base model's context length"
        );
        yield return _withoutSupervisedToken.ToCheck(
            "rows without a supervised token",
            "no token of the answer is supervised",
            "give them an answer, or take them out"
        );
        yield return _endNotSupervised.ToCheck(
            "answers whose end token is not supervised",
            $"the end token {endToken} is not supervised: the model would not learn to stop",
            "a fault of the chat template, not of the data: report it as a bug, with the row"
        );
        yield return _wrongBos.ToCheck(
            "rows with missing or extra BOS tokens",
            "BOS is missing or doubled",
            "a fault of the chat template, not of the data: report it as a bug, with the row"
        );
        yield return _notRoundTripping.ToCheck(
            "answers changed by the tokenizer",
            "decoding the tokens gives another text",
            "the base model's tokenizer cannot encode these characters; replace them, or choose another base"
        );
        yield return _unknown.ToCheck(
            "rows with tokens that the base has no embedding for",
            "the tokenizer has more ids than the model has embeddings",
            "take the tokens that were added out of the tokenizer, or resize the model's embeddings"
        );
        yield return _leaking.ToCheck(
            "test rows that are near duplicates of training rows",
            "the test would measure memorization",
            "take them out of the test set"
        );
    }

    /// <summary>
    /// A base model that supports a language poorly fails silently: the shares are reported, and a warning is given
    /// when languages other than the most frequent one make up more than a tenth.
    /// </summary>
    private static AuditCheck LanguageCheck(LanguageCounts languages)
    {
        List<(string Language, int Texts)> detected =
        [
            .. languages
                .Texts.Where(l => l.Key != LanguageCounts.NotDetected)
                .OrderByDescending(l => l.Value)
                .ThenBy(l => l.Key, StringComparer.Ordinal)
                .Select(l => (l.Key, l.Value)),
        ];
        int all = detected.Sum(l => l.Texts);
        if (all == 0)
        {
            return new AuditCheck(
                "language of the texts",
                AuditLevel.Ok,
                0,
                "not detected: the texts are too short or ambiguous",
                ""
            );
        }

        int others = all - detected[0].Texts;
        string shares = string.Join(
            ", ",
            detected.Take(MaxListedLanguages).Select(l => $"{l.Language} {Math.Round(100.0 * l.Texts / all)} %")
        );
        bool mixed = others > MaxOtherLanguageShare * all;
        return new AuditCheck(
            "language of the texts",
            mixed ? AuditLevel.Warning : AuditLevel.Ok,
            others,
            $"of {all} texts whose language was detected: {shares}",
            mixed
                ? "check that the base model supports these languages and that each has test rows, or make a "
                    + "project of each"
                : ""
        );
    }

    /// <summary>Rows by length in bins of the same width, the first from 1 token.</summary>
    private List<LengthBin> Lengths()
    {
        int longest = _splits.Max(s => s.Longest);
        int width = Math.Max(1, (longest + LengthBins - 1) / LengthBins);
        int[] rows = new int[(longest + width - 1) / width];
        foreach (int length in _splits.SelectMany(s => s.Lengths))
        {
            rows[Math.Max(0, length - 1) / width]++;
        }

        return [.. rows.Select((count, i) => new LengthBin((i * width) + 1, (i + 1) * width, count))];
    }

    private int Steps(TokenCounts train)
    {
        TrainingSettings training = settings.Training;
        double batches = training.PackTokens is { } most
            ? Math.Ceiling((double)train.Tokens / most)
            : Math.Ceiling((double)train.Rows / training.BatchSize);
        return (int)Math.Ceiling(batches / training.GradientAccumulation) * training.Epochs;
    }
}
