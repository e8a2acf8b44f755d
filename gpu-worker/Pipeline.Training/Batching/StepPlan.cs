using Pipeline.Contracts;
using Pipeline.Training.Faults;

namespace Pipeline.Training.Batching;

/// <summary>
/// Every optimizer step of a run, from the first to the last: which rows, in which micro-batches, of which epoch.
/// </summary>
public sealed class StepPlan
{
    private readonly List<(int Epoch, IReadOnlyList<int>[] Batches)> _steps = [];
    private readonly HashSet<int> _lastOfEpoch = [];
    private readonly int[] _lengths;

    /// <summary>Plans a run.</summary>
    /// <param name="rows">Rows to train on.</param>
    /// <param name="settings">Batch size or packing, accumulation, epochs, seed.</param>
    /// <exception cref="TrainingException">There are no rows, or one does not fit into <c>packTokens</c>.</exception>
    public StepPlan(IReadOnlyList<EncodedRow> rows, TrainingSettings settings)
    {
        ArgumentNullException.ThrowIfNull(rows);
        ArgumentNullException.ThrowIfNull(settings);
        if (rows.Count == 0)
        {
            throw new TrainingException("There are no rows to train on.");
        }

        _lengths = [.. rows.Select(r => r.Ids.Count)];
        if (settings.PackTokens is { } most && rows.MaxBy(r => r.Ids.Count) is { } longest && longest.Ids.Count > most)
        {
            throw new TrainingException(
                $"training.packTokens is {most}; row {longest.Id} has {longest.Ids.Count} tokens. Raise it to that "
                    + "at least."
            );
        }

        for (int epoch = 0; epoch < settings.Epochs; epoch++)
        {
            IReadOnlyList<IReadOnlyList<int>> batches = settings.PackTokens is { } tokens
                ? BatchPlan.PackedEpoch(_lengths, tokens, settings.Seed, epoch)
                : BatchPlan.Epoch(_lengths, settings.BatchSize, settings.Seed, epoch);
            _steps.AddRange(batches.Chunk(settings.GradientAccumulation).Select(step => (epoch, step)));
            _lastOfEpoch.Add(_steps.Count);
        }
    }

    /// <summary>The most places for tokens that a micro-batch takes, rows laid side by side.</summary>
    public long MaxSlots => _steps.SelectMany(s => s.Batches).Max(b => b.Count * b.Max(i => (long)_lengths[i]));

    /// <summary>The most tokens of a micro-batch.</summary>
    public long MaxTokens => _steps.SelectMany(s => s.Batches).Max(b => b.Sum(i => (long)_lengths[i]));

    /// <summary>Optimizer steps of the whole run.</summary>
    public int Count => _steps.Count;

    /// <summary>The micro-batches of a step, each a list of indices into the rows.</summary>
    /// <param name="step">From 0.</param>
    public IReadOnlyList<IReadOnlyList<int>> Batches(int step) => _steps[step].Batches;

    /// <summary>Whether an epoch is over when so many steps are done.</summary>
    public bool EndsEpoch(int stepsDone) => _lastOfEpoch.Contains(stepsDone);
}
