using Pipeline.Contracts;
using Pipeline.Evaluation.Scoring;
using Pipeline.Model.Llama;
using Pipeline.Reporting.Evaluations;
using Pipeline.Tokenization;
using Pipeline.Tokenization.Templates;

namespace Pipeline.Evaluation.Tasks;

/// <summary>What a model answers on held-out rows: for labels by likelihood, for free answers by writing.</summary>
public sealed class HeldOutEvaluation
{
    private const int LeastRoom = 16;
    private const int StopRateRows = 64;
    private readonly ChatEncoder _encoder;
    private readonly IReadOnlyList<Example> _rows;
    private readonly IReadOnlyList<string> _labels;
    private readonly bool _write;
    private readonly List<(IReadOnlyList<int> Prompt, IReadOnlyList<int> Answer)> _encoded;

    /// <summary>Encodes the rows once for both models.</summary>
    /// <param name="encoder">The one encoder.</param>
    /// <param name="rows">Held-out rows.</param>
    /// <param name="labels">All labels; empty for free answers.</param>
    /// <param name="write">Whether the models also write their answers when there are labels.</param>
    public HeldOutEvaluation(ChatEncoder encoder, IReadOnlyList<Example> rows, IReadOnlyList<string> labels, bool write)
    {
        ArgumentNullException.ThrowIfNull(encoder);
        ArgumentNullException.ThrowIfNull(rows);
        ArgumentNullException.ThrowIfNull(labels);
        bool plain = encoder.Template is PlainTextTemplate; // nothing is answered
        (_encoder, _rows, _labels, _write) = (encoder, rows, labels, !plain && (write || labels.Count == 0));
        _encoded = [.. rows.Select(r => encoder.EncodeAnswer(r.Messages))];
    }

    /// <summary>How many rows are evaluated.</summary>
    public int Rows => _rows.Count;

    /// <summary>Evaluates a model.</summary>
    /// <param name="model">With or without its adapter.</param>
    /// <param name="onRows">Called with the number of rows done.</param>
    /// <param name="cancellation">Ends the work between batches.</param>
    /// <returns>One answer a row, in order.</returns>
    public IReadOnlyList<ModelAnswer> Evaluate(
        ICausalModel model,
        Action<int>? onRows,
        CancellationToken cancellation
    ) => Evaluate(new TorchAnswers(model), onRows, cancellation);

    /// <summary>Evaluates a model, whatever computes it.</summary>
    /// <param name="model">The model.</param>
    /// <param name="onRows">Called with the number of rows done.</param>
    /// <param name="cancellation">Ends the work between batches.</param>
    /// <returns>One answer a row, in order.</returns>
    public IReadOnlyList<ModelAnswer> Evaluate(IAnswerModel model, Action<int>? onRows, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(model);
        IReadOnlyList<IReadOnlyList<double>> likelihoods =
            _labels.Count > 0
                ? model.ScoreLabels([.. _encoded.Select(e => e.Prompt)], LabelTokens(), onRows, cancellation)
                : [.. model.ScoreAnswers(_encoded, onRows, cancellation).Select(l => (IReadOnlyList<double>)[l])];
        IReadOnlyList<(IReadOnlyList<int> Ids, bool Stopped)>? written = _write
            ? model.Write([.. _encoded.Select(e => e.Prompt)], LongestAnswer(), _encoder.StopIds, cancellation)
            : null;
        return [.. _rows.Select((row, i) => Answer(row, i, likelihoods[i], written?[i]))];
    }

    /// <summary>
    /// Share of the first held-out prompts whose written answer ends by itself; <c>null</c> for plain texts, which
    /// answer nothing.
    /// </summary>
    public double? StopRate(ICausalModel model, CancellationToken cancellation) =>
        _encoder.Template is PlainTextTemplate
            ? null
            : AnswerGenerator
                .Continue(
                    model,
                    [.. _encoded.Take(StopRateRows).Select(e => e.Prompt)],
                    LongestAnswer(),
                    _encoder.StopIds,
                    cancellation: cancellation
                )
                .Average(w => w.Stopped ? 1.0 : 0);

    private ModelAnswer Answer(
        Example row,
        int index,
        IReadOnlyList<double> likelihoods,
        (IReadOnlyList<int> Ids, bool Stopped)? written
    )
    {
        string? text = written is { } generated ? _encoder.Tokenizer.Decode(generated.Ids).Trim() : null;
        int best = Enumerable.Range(0, likelihoods.Count).MaxBy(i => likelihoods[i]);
        double gold =
            _labels.Count > 0 ? likelihoods[_labels.Index().First(l => l.Item == row.Label).Index] : likelihoods[0];
        return new ModelAnswer(
            _labels.Count > 0 ? _labels[best] : text ?? "",
            likelihoods,
            gold,
            _encoded[index].Answer.Count,
            text,
            written?.Stopped ?? false
        );
    }

    private List<IReadOnlyList<int>> LabelTokens()
    {
        IReadOnlyList<ChatMessage> question = [.. _rows[0].Messages.SkipLast(1)];
        return
        [
            .. _labels.Select(label =>
                _encoder.EncodeAnswer([.. question, new ChatMessage(MessageRole.Assistant, label)]).Answer
            ),
        ];
    }

    /// <summary>Room for every right answer and half as much again.</summary>
    private int LongestAnswer() =>
        _labels.Count > 0
            ? LabelTokens().Max(t => t.Count) + 2
            : (_encoded.Max(e => e.Answer.Count) * 3 / 2) + LeastRoom;
}
