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
    private const int LanguagesNamed = 5;
    private const int Bins = 16;
    private const double OtherLanguages = 0.1;
    private readonly RowLengths[] _splits = [new(), new(), new()];
    private readonly LabelAudit _labels = new();
    private readonly FailingRows _long = new(),
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
            _labels.Add(split, label, measure);
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
        // in order, since they were counted
        var machine = new MemoryAudit(settings, shape, _splits[(int)Split.Train].Lengths);
        TrainingMemory? memory = machine.OnCpu();
        Dictionary<string, long> gpu = machine.OnGpu();
        return new DatasetAudit
        {
            DatasetId = datasetId,
            Checks =
            [
                Enough(train.Rows, _splits[(int)Split.Test].Counts().Rows),
                .. RowChecks(),
                .. _labels.Checks(conflicting, conflicts),
                LanguageCheck(languages),
                .. machine.CpuCheck(memory),
                .. machine.GpuCheck(gpu),
            ],
            Splits = new SortedDictionary<string, TokenCounts>(
                Enum.GetValues<Split>()
                    .ToDictionary(s => s.ToString().ToLowerInvariant(), s => _splits[(int)s].Counts()),
                StringComparer.Ordinal
            ),
            Labels = _labels.SupervisedTokens(),
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
        yield return _long.ToCheck(
            "rows that do not fit",
            $"longer than {settings.Validation.MaxTokens} tokens",
            "shorten or split them, or raise validation.maxTokens as far as the base reads"
        );
        yield return _empty.ToCheck(
            "rows without a supervised token",
            "no token of the answer is learned",
            "give them an answer, or take them out"
        );
        yield return _endless.ToCheck(
            "answers without a learned end",
            $"the end token {endToken} is not learned: the model would not stop",
            "report it with the row: the template is at fault, not the data"
        );
        yield return _begun.ToCheck(
            "BOS tokens match the template",
            "BOS is missing or doubled",
            "report it with the row: the template is at fault, not the data"
        );
        yield return _unreadable.ToCheck(
            "answers that read back from their tokens",
            "the tokens do not give the answer's text again",
            "the base's tokenizer cannot write these characters; replace them, or choose another base"
        );
        yield return _leaking.ToCheck(
            "held-out rows that nearly stand among the training rows",
            "the model would be asked what it has learned by heart",
            "take them out of the test set"
        );
    }

    /// <summary>
    /// One model for several languages is possible, one that half understands them is not noticed: the shares are said,
    /// and a second language of weight is worth a look.
    /// </summary>
    private static AuditCheck LanguageCheck(LanguageCounts languages)
    {
        List<(string Language, int Texts)> detected =
        [
            .. languages
                .Texts.Where(l => l.Key != LanguageCounts.NotTold)
                .OrderByDescending(l => l.Value)
                .ThenBy(l => l.Key, StringComparer.Ordinal)
                .Select(l => (l.Key, l.Value)),
        ];
        int all = detected.Sum(l => l.Texts);
        if (all == 0)
        {
            return new AuditCheck("language of the texts", AuditCheck.Ok, 0, "too short to be told", "");
        }

        int others = all - detected[0].Texts;
        string shares = string.Join(
            ", ",
            detected.Take(LanguagesNamed).Select(l => $"{l.Language} {Math.Round(100.0 * l.Texts / all)} %")
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

    private int Steps(TokenCounts train)
    {
        TrainingSettings training = settings.Training;
        double batches = training.PackTokens is { } most
            ? Math.Ceiling((double)train.Tokens / most)
            : Math.Ceiling((double)train.Rows / training.BatchSize);
        return (int)Math.Ceiling(batches / training.GradientAccumulation) * training.Epochs;
    }
}
