using Microsoft.Extensions.AI;
using Pipeline.Contracts;

namespace Pipeline.Datasets.Synthesis;

/// <summary>
/// All that project.yaml asks to be made: templates at once, a language model's rows as far as the budget goes.
/// </summary>
/// <param name="client">The model's client; <c>null</c>: there is none here, and <paramref name="missing"/> says what
/// is missing.</param>
/// <param name="cache">Where the model's answers are kept.</param>
/// <param name="missing">What must be set for a client, for people.</param>
public sealed class RowSynthesis(IChatClient? client, IResponseCache cache, string missing)
{
    /// <summary>Makes the rows.</summary>
    /// <param name="settings">The project's settings.</param>
    /// <param name="labels">The labels; empty for tasks without.</param>
    /// <param name="train">The training rows that were dropped.</param>
    /// <param name="pause">Set: start no more calls; what is missing is bought when this is called again.</param>
    /// <param name="cancellation">Ends the calls.</param>
    /// <exception cref="DatasetException">Key, endpoint or deployment are wrong.</exception>
    public async Task<SyntheticRows> MakeAsync(
        ProjectSettings settings,
        IReadOnlyList<string> labels,
        IReadOnlyList<Example> train,
        CancellationToken pause,
        CancellationToken cancellation
    )
    {
        ArgumentNullException.ThrowIfNull(settings);
        ArgumentNullException.ThrowIfNull(labels);
        List<SyntheticRow> rows = [.. TemplateSynthesis.Rows(settings.Synthesis, labels.Count > 0)];
        List<SynthesisSummary> summaries =
            rows.Count == 0
                ? []
                : [new SynthesisSummary(TemplateSynthesis.Generator, rows.Count, rows.Count, 0, 0, 0, 0, null)];
        if (settings.Synthesis.Model is not { } model)
        {
            return new SyntheticRows(true, rows, summaries, []);
        }

        if (client is null)
        {
            return new SyntheticRows(
                true,
                rows,
                summaries,
                [
                    $"Nothing was written by '{model.Deployment}': "
                        + $"{missing}{(rows.Count > 0 ? " The synthetic rows come from templates alone." : "")}",
                ]
            );
        }

        ModelSynthesisResult written = await new ModelSynthesis(client, cache, settings, labels)
            .RunAsync(train, pause, cancellation)
            .ConfigureAwait(false);
        return new SyntheticRows(
            written.IsWhole,
            [.. rows, .. written.Rows],
            [.. summaries, written.Summary],
            written.Notes
        );
    }
}

/// <summary>Rows that were made for a dataset.</summary>
/// <param name="IsWhole">Whether nothing is missing that can be had.</param>
/// <param name="Rows">The rows.</param>
/// <param name="Summaries">What each generator made, and what it cost.</param>
/// <param name="Notes">What a person should know.</param>
public sealed record SyntheticRows(
    bool IsWhole,
    IReadOnlyList<SyntheticRow> Rows,
    IReadOnlyList<SynthesisSummary> Summaries,
    IReadOnlyList<string> Notes
);
