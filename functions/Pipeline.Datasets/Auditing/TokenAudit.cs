using Pipeline.Contracts;
using Pipeline.Datasets.Splitting;
using Pipeline.Tokenization;
using Pipeline.Tokenization.Templates;

namespace Pipeline.Datasets.Auditing;

/// <summary>Holds a finished dataset against what training needs, row by row, with the encoder that training uses.</summary>
public sealed class TokenAudit(ChatEncoder encoder, ProjectSettings settings)
{
    private const int RowsNamed = 5;

    /// <summary>Audits the three splits.</summary>
    /// <param name="datasetId">The dataset's id.</param>
    /// <param name="train">Rows to learn from.</param>
    /// <param name="validation">Rows to watch the loss on.</param>
    /// <param name="test">Held-out rows.</param>
    public DatasetAudit Audit(string datasetId, IReadOnlyList<Example> train, IReadOnlyList<Example> validation, IReadOnlyList<Example> test)
    {
        ArgumentNullException.ThrowIfNull(train);
        ArgumentNullException.ThrowIfNull(validation);
        ArgumentNullException.ThrowIfNull(test);
        List<Row> rows = [.. train.Select(e => Measure(e, "train")), .. validation.Select(e => Measure(e, "validation")), .. test.Select(e => Measure(e, "test"))];
        TokenCounts all = Count(rows.Where(r => r.Split == "train"));
        long tokens = all.Tokens * settings.Training.Epochs;
        double? minutes = settings.Machine.TokensPerSecond is { } speed ? Math.Round(tokens / speed / 60, 2) : null;
        return new DatasetAudit
        {
            DatasetId = datasetId,
            Checks = [Enough(train.Count, test.Count), .. RowChecks(rows), Leaks(rows), .. LabelChecks(rows)],
            Splits = new SortedDictionary<string, TokenCounts>(((string[])["test", "train", "validation"]).ToDictionary(s => s, s => Count(rows.Where(r => r.Split == s))), StringComparer.Ordinal),
            Labels = new SortedDictionary<string, TokenCounts>(rows.Where(r => r.Split == "train" && r.Example.Label is not null).GroupBy(r => r.Example.Label!, StringComparer.Ordinal).ToDictionary(g => g.Key, Count), StringComparer.Ordinal),
            Steps = Steps(all),
            TrainingTokens = tokens,
            Minutes = minutes,
            Cost = minutes is { } time && settings.Machine.PricePerHour is { } price ? Math.Round(time / 60 * price, 2) : null,
        };
    }

    private static AuditCheck Enough(int train, int test) => train > 0 && test > 0
        ? new AuditCheck("rows to learn from and to ask", AuditCheck.Ok, train + test, $"{train} to train, {test} to test", "")
        : new AuditCheck("rows to learn from and to ask", AuditCheck.Red, train + test, $"{train} to train, {test} to test", "more rows are needed; see the reasons of those that were left out");

    private IEnumerable<AuditCheck> RowChecks(List<Row> rows)
    {
        yield return Red("rows that do not fit", rows.Where(r => r.Chat.Ids.Count > settings.Validation.MaxTokens), $"longer than {settings.Validation.MaxTokens} tokens", "shorten or split them, or raise validation.maxTokens as far as the base reads");
        yield return Red("rows with nothing to learn", rows.Where(r => r.Chat.LossMask.Skip(1).All(m => m == 0)), "no token of the answer is learned", "give them an answer, or take them out");
        yield return Red("answers without a learned end", rows.Where(r => !r.Ends), $"the end token {encoder.Template.EndToken} is not learned: the model would not stop", "report it with the row: the template is at fault, not the data");
        yield return Red("begin tokens as the template has them", rows.Where(r => !r.Begins), "BOS is missing or doubled", "report it with the row: the template is at fault, not the data");
        yield return Red("answers that read back from their tokens", rows.Where(r => !r.ReadsBack), "the tokens do not give the answer's text again", "the base's tokenizer cannot write these characters; replace them, or choose another base");
    }

    private static AuditCheck Leaks(List<Row> rows)
    {
        int[] first = NearDuplicates.Cluster([.. rows.Select(r => r.Asked)]);
        HashSet<int> learned = [.. Enumerable.Range(0, rows.Count).Where(i => rows[i].Split == "train").Select(i => first[i])];
        return Red("held-out rows that nearly stand among the training rows", rows.Where((r, i) => r.Split == "test" && learned.Contains(first[i])), "the model would be asked what it has learned by heart", "take them out of the test set");
    }

    private static IEnumerable<AuditCheck> LabelChecks(List<Row> rows)
    {
        ILookup<string, Row> labels = rows.Where(r => r.Example.Label is not null).ToLookup(r => r.Example.Label!, StringComparer.Ordinal);
        if (labels.Count == 0)
        {
            yield break;
        }

        string[] unlearned = [.. labels.Where(l => l.All(r => r.Split != "train")).Select(l => l.Key).Order(StringComparer.Ordinal)];
        yield return new AuditCheck("labels that are held out and never learned", unlearned.Length > 0 ? AuditCheck.Red : AuditCheck.Ok, unlearned.Length, Named(unlearned), unlearned.Length > 0 ? "give them training rows, or take them out of the test set" : "");
        string[] untested = [.. labels.Where(l => l.All(r => r.Split != "test")).Select(l => l.Key).Order(StringComparer.Ordinal)];
        yield return new AuditCheck("labels without a held-out row", untested.Length > 0 ? AuditCheck.Warning : AuditCheck.Ok, untested.Length, Named(untested), untested.Length > 0 ? "nothing will be known of them; give them more rows" : "");
        (int most, int fewest) = (labels.Max(l => l.Count()), labels.Min(l => l.Count()));
        bool uneven = most > 20 * fewest;
        yield return new AuditCheck("balance of the labels", uneven ? AuditCheck.Warning : AuditCheck.Ok, most / fewest, $"the most frequent label has {most} rows, the rarest {fewest}", uneven ? "collect rows of the rare labels, or join labels" : "");
    }

    private Row Measure(Example example, string split)
    {
        EncodedChat chat = encoder.Encode(example.Messages);
        int? begin = encoder.Template.BeginToken is { } token ? encoder.Tokenizer.Controls[token] : null;
        int turns = example.Messages.Count(m => m.Role == ChatMessage.User);
        // Llama 2 puts one before each turn, the others one before the dialogue, ChatML none.
        int wanted = begin is null ? 0 : encoder.Template is Llama2Template ? turns : 1;
        bool begins = (begin is null || chat.Ids.Count(i => i == begin) == wanted) && (begin is null || chat.Ids[0] == begin);
        IReadOnlyList<IReadOnlyList<int>> answers = chat.Answers();
        bool goesOn = example.Messages[^1].Role == ChatMessage.Excerpt;
        return new Row(example, split, chat, goesOn || (answers.Count > 0 && answers.All(a => a[^1] == encoder.EndId)), begins, encoder.ReadsBack(example.Messages, chat));
    }

    private int Steps(TokenCounts train)
    {
        TrainingSettings training = settings.Training;
        double batches = training.PackTokens is { } most ? Math.Ceiling((double)train.Tokens / most) : Math.Ceiling((double)train.Rows / training.BatchSize);
        return (int)Math.Ceiling(batches / training.GradientAccumulation) * training.Epochs;
    }

    private static TokenCounts Count(IEnumerable<Row> rows)
    {
        int[] lengths = [.. rows.Select(r => r.Chat.Ids.Count).Order()];
        int At(double share) => lengths.Length == 0 ? 0 : lengths[(int)Math.Min(lengths.Length - 1, Math.Ceiling(share * lengths.Length) - 1)];
        return new TokenCounts(lengths.Length, lengths.Sum(l => (long)l), rows.Sum(r => (long)r.Chat.SupervisedTokens), lengths.Length == 0 ? 0 : At(0.5), lengths.Length == 0 ? 0 : At(0.95), lengths.LastOrDefault());
    }

    private static AuditCheck Red(string name, IEnumerable<Row> wrong, string detail, string fix)
    {
        string[] ids = [.. wrong.Select(r => r.Example.Id)];
        return ids.Length == 0 ? new AuditCheck(name, AuditCheck.Ok, 0, "none", "") : new AuditCheck(name, AuditCheck.Red, ids.Length, $"{detail}: {Named(ids)}", fix);
    }

    private static string Named(string[] names) => names.Length == 0 ? "none" : string.Join(", ", names.Take(RowsNamed)) + (names.Length > RowsNamed ? $" and {names.Length - RowsNamed} more" : "");

    /// <summary>A row as training sees it.</summary>
    private sealed record Row(Example Example, string Split, EncodedChat Chat, bool Ends, bool Begins, bool ReadsBack)
    {
        public string Asked => RepeatedRows.Asked(Example);
    }
}
