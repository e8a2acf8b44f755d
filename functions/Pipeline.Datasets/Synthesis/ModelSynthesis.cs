using System.Globalization;
using Microsoft.Extensions.AI;
using Pipeline.Contracts;

namespace Pipeline.Datasets.Synthesis;

/// <summary>
/// Rows that a language model writes, after training rows alone. Every answer is kept before the next is used: begun
/// again it goes on where it was, and pays nothing twice.
/// </summary>
/// <param name="client">The model's client; it retries by itself, and fails with
/// <see cref="ModelCallException"/>.</param>
/// <param name="cache">Where answers are kept.</param>
/// <param name="settings">The project's settings, with a model.</param>
/// <param name="labels">The labels; empty for tasks without.</param>
public sealed class ModelSynthesis(
    IChatClient client,
    IResponseCache cache,
    ProjectSettings settings,
    IReadOnlyList<string> labels
)
{
    private const int MaxFailuresInARow = 3;
    private readonly ModelSynthesisSettings _model = settings.Synthesis.Model!;
    private readonly CallBudget _budget = new(settings.Synthesis.Model!);
    private readonly SynthesisPrompts _prompts = new(settings, labels);
    private readonly SortedDictionary<string, string> _notes = new(StringComparer.Ordinal);
    private readonly SortedDictionary<string, int> _flaws = new(StringComparer.Ordinal);
    private int _failures;
    private volatile bool _over;

    /// <summary>Asks for all rows, as far as the budget goes.</summary>
    /// <param name="train">The training rows.</param>
    /// <param name="pause">Set: start no more calls; what is missing is bought when this is called again.</param>
    /// <param name="cancellation">Ends the calls.</param>
    /// <exception cref="DatasetException">Key, endpoint or deployment are wrong.</exception>
    public async Task<ModelSynthesisResult> RunAsync(
        IReadOnlyList<Example> train,
        CancellationToken pause,
        CancellationToken cancellation
    )
    {
        ArgumentNullException.ThrowIfNull(train);
        List<Call> calls = [.. Calls(train)];
        List<SyntheticRow> rows = await CallAllAsync(calls, pause, cancellation).ConfigureAwait(false);
        long requested = calls.Sum(c => (long)c.Rows);
        return new ModelSynthesisResult(
            _over || !pause.IsCancellationRequested,
            rows,
            Summary(requested, rows.Count),
            Notes()
        );
    }

    /// <summary>The calls in the order in which they are made: label after label, so many rows each.</summary>
    private IEnumerable<Call> Calls(IReadOnlyList<Example> train)
    {
        ILookup<string, Example> byLabel = train
            .Where(t => t.Synthetic is null)
            .ToLookup(t => t.Label ?? "", StringComparer.Ordinal);
        foreach (string? label in labels.Count > 0 ? labels.Select(l => (string?)l) : [null])
        {
            Example[] parents = [.. byLabel[label ?? ""]];
            for (int left = _model.Rows; left > 0; left -= _model.RowsPerCall)
            {
                int seed = int.Parse(
                    ContentHash.ShortOf(
                        settings.Synthesis.Seed.ToString(CultureInfo.InvariantCulture),
                        label ?? "",
                        left.ToString(CultureInfo.InvariantCulture)
                    )[..7],
                    NumberStyles.HexNumber,
                    CultureInfo.InvariantCulture
                );
                Example[] shown =
                    parents.Length == 0
                        ? []
                        :
                        [
                            .. new Random(seed)
                                .GetItems(parents, Math.Min(_model.Examples, parents.Length))
                                .DistinctBy(p => p.Id),
                        ];
                int rows = Math.Min(left, _model.RowsPerCall);
                yield return new Call(seed, label, rows, shown, _prompts.Write(label, rows, shown));
            }
        }
    }

    private IEnumerable<SyntheticRow> RowsOf(Call call, ModelAnswer answer)
    {
        IReadOnlyList<IReadOnlyDictionary<string, string>> rows = ModelRows.Read(answer.Text);
        if (answer.Finish == AnswerFinish.Filtered)
        {
            Flaw("refused by the content filter");
        }
        else if (answer.Finish == AnswerFinish.Length)
        {
            Flaw("cut off at maxOutputTokens and kept as far as they go");
        }
        else if (rows.Count == 0)
        {
            Flaw("no JSON of the form asked for");
        }

        return rows.Take(call.Rows)
            .Select(row => new SyntheticRow
            {
                Text = row.GetValueOrDefault("text", ""),
                Answer = call.Label ?? row.GetValueOrDefault("answer", ""),
                Origin = new SyntheticOrigin(
                    _model.Deployment,
                    call.Question.Hash,
                    [.. call.Parents.Select(p => p.Id)]
                ),
            });
    }

    /// <summary>
    /// Has the rows' labels told by a second call; where the two differ, or it gives no answer, a person decides.
    /// </summary>
    private static IEnumerable<SyntheticRow> Compared(List<SyntheticRow> rows, ModelAnswer? answer)
    {
        IReadOnlyList<IReadOnlyDictionary<string, string>> checkedRows = answer is null
            ? []
            : ModelRows.Read(answer.Text);
        for (int i = 0; i < rows.Count; i++)
        {
            string? label = checkedRows.Count == rows.Count ? checkedRows[i].GetValueOrDefault("label") : null;
            yield return label == rows[i].Answer
                ? rows[i]
                : rows[i] with
                {
                    Doubt =
                        $"written as '{rows[i].Answer}', {(label is null ? "and the check gave no answer to it" : $"checked as '{label}'")}; decide, and drop it again with the label",
                };
        }
    }

    /// <summary>
    /// Makes the calls in order, some at a time, those bought before for nothing; stops at the budget, the pause, or
    /// when the service is away.
    /// </summary>
    private async Task<List<SyntheticRow>> CallAllAsync(
        List<Call> calls,
        CancellationToken pause,
        CancellationToken cancellation
    )
    {
        var written = new List<SyntheticRow>?[calls.Count];
        using var slots = new SemaphoreSlim(_model.Concurrency);
        List<Task> underWay = [];
        foreach ((int index, Call call) in calls.Index())
        {
            ModelAnswer? known = await KnownAsync(call.Question, call.Seed, cancellation).ConfigureAwait(false);
            List<SyntheticRow> rows = known is null ? [] : [.. RowsOf(call, known)];
            bool check = _model.CheckLabels && labels.Count > 0 && (known is null || rows.Count > 0);
            ModelAnswer? checkAnswer =
                check && known is not null
                    ? await KnownAsync(QuestionOf(rows), call.Seed, cancellation).ConfigureAwait(false)
                    : null;
            if (known is not null && (checkAnswer is not null || !check))
            {
                written[index] = [.. check ? Compared(rows, checkAnswer) : rows];
                continue;
            }

            await slots.WaitAsync(cancellation).ConfigureAwait(false);
            long mostIn =
                (known is null ? call.Question.MaxTokens : 0)
                + (check ? _prompts.MaxTokensOfCheck(call.Rows, _model.MaxOutputTokens) : 0);
            long mostOut = _model.MaxOutputTokens * (long)((known is null ? 1 : 0) + (check ? 1 : 0));
            if (
                pause.IsCancellationRequested
                || _over
                || !await ReserveAsync(mostIn, mostOut, cancellation).ConfigureAwait(false)
            )
            {
                slots.Release();
                break;
            }

            async Task MakeAsync()
            {
                try
                {
                    written[index] = await WorkAsync(call, known is null ? null : rows, check, cancellation)
                        .ConfigureAwait(false);
                }
                finally
                {
                    _budget.RecordUsage(mostIn, mostOut);
                    slots.Release();
                }
            }

            underWay.Add(Task.Run(MakeAsync, cancellation));
        }

        await Task.WhenAll(underWay).ConfigureAwait(false);
        return [.. written.SelectMany(w => w ?? [])];
    }

    private async Task<bool> ReserveAsync(long mostIn, long mostOut, CancellationToken cancellation)
    {
        if (await _budget.ReserveAsync(mostIn, mostOut, cancellation).ConfigureAwait(false))
        {
            return true;
        }

        _over = true;
        AddNote(
            "budget",
            $"{_model.Deployment}: the budget ends it after {_budget.Calls} calls; the next one could exceed it. "
                + "Raise synthesis.model.tokenBudget or moneyBudget to go on."
        );
        return false;
    }

    /// <summary>One call for rows, and the check of what it gave.</summary>
    private async Task<List<SyntheticRow>?> WorkAsync(
        Call call,
        List<SyntheticRow>? rows,
        bool check,
        CancellationToken cancellation
    )
    {
        if (rows is null)
        {
            ModelAnswer? answer = await CallModelAsync(call, call.Question, cancellation).ConfigureAwait(false);
            if (answer is null)
            {
                return null;
            }

            rows = [.. RowsOf(call, answer)];
        }

        return check && rows.Count > 0
            ? [.. Compared(rows, await CallModelAsync(call, QuestionOf(rows), cancellation).ConfigureAwait(false))]
            : rows;
    }

    private ModelQuestion QuestionOf(List<SyntheticRow> rows) =>
        _prompts.LabelCheckQuestion([.. rows.Select(r => r.Text)]);

    private string KeyOf(ModelQuestion question, int seed) =>
        ContentHash.ShortOf(
            _model.Deployment,
            $"{seed}",
            _model.Temperature.ToString(CultureInfo.InvariantCulture),
            $"{_model.MaxOutputTokens}",
            question.Hash
        );

    private async Task<ModelAnswer?> KnownAsync(ModelQuestion question, int seed, CancellationToken cancellation)
    {
        ModelAnswer? known = await cache.FindAsync(KeyOf(question, seed), cancellation).ConfigureAwait(false);
        if (known is not null)
        {
            _budget.Count(known);
        }

        return known;
    }

    private async Task<ModelAnswer?> CallModelAsync(Call call, ModelQuestion question, CancellationToken cancellation)
    {
        try
        {
            ModelAnswer bought = await CallAsync(question, KeyOf(question, call.Seed), call.Seed, cancellation)
                .ConfigureAwait(false);
            ModelAnswer answer = bought with { Parents = [.. call.Parents.Select(p => p.Id)] };
            _budget.Count(answer);
            Interlocked.Exchange(ref _failures, 0);
            return await cache.KeepAsync(answer, cancellation).ConfigureAwait(false);
        }
        catch (ModelCallException fault) when (fault.Kind == ModelCallFault.Misconfigured)
        {
            _over = true;
            throw new DatasetException(DatasetFaultCode.InvalidSettings, $"synthesis.model: {fault.Message}", fault);
        }
        catch (ModelCallException fault) // away, also after the client's own tries
        {
            _over = Interlocked.Increment(ref _failures) >= MaxFailuresInARow || _over;
            AddNote(
                "away",
                $"{_model.Deployment}: the service did not answer some calls ({fault.Message}); the dataset is "
                    + "made with what was bought. Start it again to buy the rest."
            );
            return null;
        }
    }

    private async Task<ModelAnswer> CallAsync(
        ModelQuestion question,
        string key,
        int seed,
        CancellationToken cancellation
    )
    {
        var options = new ChatOptions
        {
            Seed = seed,
            Temperature = (float)_model.Temperature,
            MaxOutputTokens = _model.MaxOutputTokens,
            ResponseFormat = ChatResponseFormat.ForJsonSchema(question.Schema, question.Form),
            AdditionalProperties = new AdditionalPropertiesDictionary { ["strict"] = true },
        };
        try
        {
            ChatResponse response = await client
                .GetResponseAsync(question.Messages, options, cancellation)
                .ConfigureAwait(false);
            AnswerFinish finish =
                response.FinishReason == ChatFinishReason.ContentFilter ? AnswerFinish.Filtered
                : response.FinishReason == ChatFinishReason.Length ? AnswerFinish.Length
                : AnswerFinish.Stop;
            return new ModelAnswer
            {
                Key = key,
                Finish = finish,
                Text = response.Text,
                TokensIn = response.Usage?.InputTokenCount ?? question.MaxTokens,
                TokensOut = response.Usage?.OutputTokenCount ?? _model.MaxOutputTokens,
            };
        }
        catch (ModelCallException fault) when (fault.Kind == ModelCallFault.Refused)
        {
            return new ModelAnswer
            {
                Key = key,
                Finish = AnswerFinish.Filtered,
                Text = "",
                TokensIn = 0,
                TokensOut = 0,
            };
        }
    }

    private void AddNote(string key, string note)
    {
        lock (_flaws)
        {
            _notes[key] = note;
        }
    }

    private void Flaw(string what)
    {
        lock (_flaws)
        {
            _flaws[what] = _flaws.GetValueOrDefault(what) + 1;
        }
    }

    private IReadOnlyList<string> Notes() =>
        [.. _notes.Values, .. _flaws.Select(f => $"{_model.Deployment}: answers {f.Key}: {f.Value}.")];

    private SynthesisSummary Summary(long requested, int made) =>
        new(
            _model.Deployment,
            requested,
            made,
            0,
            _budget.Calls,
            _budget.TokensIn,
            _budget.TokensOut,
            _budget.Cost is { } cost ? Math.Round(cost, 4) : null
        );

    /// <summary>One call for rows.</summary>
    private sealed record Call(
        int Seed,
        string? Label,
        int Rows,
        IReadOnlyList<Example> Parents,
        ModelQuestion Question
    );
}

/// <summary>What a language model wrote.</summary>
/// <param name="IsWhole">Whether all calls were made that the budget allows; else it is to be called again.</param>
/// <param name="Rows">The rows, in the order of the calls.</param>
/// <param name="Summary">What they cost.</param>
/// <param name="Notes">What a person should know.</param>
public sealed record ModelSynthesisResult(
    bool IsWhole,
    IReadOnlyList<SyntheticRow> Rows,
    SynthesisSummary Summary,
    IReadOnlyList<string> Notes
);
