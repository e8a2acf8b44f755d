using System.Globalization;
using Pipeline.Contracts;

namespace Pipeline.Datasets.Auditing;

/// <summary>Whether the largest micro-batch of training fits into the memory that there is.</summary>
/// <param name="settings">The project's settings.</param>
/// <param name="shape">The base's shape; <c>null</c>: not known, and no memory is estimated.</param>
/// <param name="lengths">The training rows' tokens, in order.</param>
internal sealed class MemoryAudit(ProjectSettings settings, BaseShape? shape, IReadOnlyList<int> lengths)
{
    /// <summary>What training takes on the CPU; <c>null</c>: not known.</summary>
    public TrainingMemory? OnCpu() =>
        LargestBatch() is not var (rows, longest, tokens)
            ? null
            : TrainingMemory.OnCpu(
                shape!,
                settings.Training,
                rows,
                longest,
                tokens,
                settings.Machine.MemoryGiB is { } gibibytes ? (long)(gibibytes * (1L << 30)) : long.MaxValue
            );

    /// <summary>Bytes that training takes on a GPU, by activation checkpointing; empty: not known.</summary>
    public Dictionary<string, long> OnGpu() =>
        LargestBatch() is { } batch && settings.Training.Method != TrainingMethod.Full && !settings.Training.Dora
            ? ActivationCheckpointingLevels.All.ToDictionary(
                m => m.Name(),
                m =>
                    TrainingMemory
                        .OnGpu(shape!, settings.Training, Math.Max(batch.Tokens, batch.Rows * (long)batch.Longest), m)
                        .TotalBytes,
                StringComparer.Ordinal
            )
            : [];

    /// <summary>The machine's memory against that, where the settings tell it.</summary>
    public IEnumerable<AuditCheck> CpuCheck(TrainingMemory? memory)
    {
        if (memory is null || settings.Machine.MemoryGiB is not { } available)
        {
            yield break;
        }

        double needed = memory.TotalBytes / (double)(1L << 30);
        string value = string.Create(CultureInfo.InvariantCulture, $"{needed:0.0} of {available:0.#} GiB");
        yield return needed > available
            ? new AuditCheck(
                "memory of the machine",
                AuditLevel.Red,
                (long)Math.Ceiling(needed),
                value,
                "lower training.batchSize or validation.maxTokens, take method qlora or optimizer adamw8bit, "
                    + "a smaller base, or a larger machine"
            )
            : new AuditCheck("memory of the machine", AuditLevel.Ok, (long)Math.Ceiling(needed), value, "");
    }

    /// <summary>The GPU's memory against that, where the settings tell it.</summary>
    public IEnumerable<AuditCheck> GpuCheck(Dictionary<string, long> needed)
    {
        if (settings.Machine.GpuMemoryGiB is not { } available || needed.Count == 0)
        {
            yield break;
        }

        static double GiB(long bytes) => bytes / (double)(1L << 30);
        KeyValuePair<string, long>[] fitting = [.. needed.Where(n => GiB(n.Value) <= available)];
        KeyValuePair<string, long> taken =
            settings.Training.ActivationCheckpointing != ActivationCheckpointing.Auto
                ? needed.First(n => n.Key == settings.Training.ActivationCheckpointing.Name())
            : fitting.Length > 0 ? fitting[^1]
            : needed.First();
        string value = string.Create(
            CultureInfo.InvariantCulture,
            $"activation checkpointing {taken.Key} takes {GiB(taken.Value):0.0} of {available:0.#} GiB"
        );
        yield return GiB(taken.Value) > available
            ? new AuditCheck(
                "memory of the GPU",
                AuditLevel.Red,
                (long)Math.Ceiling(GiB(taken.Value)),
                value,
                "lower training.batchSize or training.packTokens, take training.activationCheckpointing auto, "
                    + "method qlora, "
                    + "a smaller base, or a larger GPU"
            )
            : new AuditCheck("memory of the GPU", AuditLevel.Ok, (long)Math.Ceiling(GiB(taken.Value)), value, "");
    }

    /// <summary>
    /// Rows, longest row and tokens of the micro-batch with the longest rows, for rows of like length are computed
    /// together; <c>null</c>: nothing to train on, or no shape is known.
    /// </summary>
    private (int Rows, int Longest, long Tokens)? LargestBatch()
    {
        if (shape is null || lengths.Count == 0)
        {
            return null;
        }

        int[] batch = [.. lengths.TakeLast(settings.Training.BatchSize)];
        return settings.Training.PackTokens is { } most
            ? (Math.Max(1, most / lengths[^1]), lengths[^1], most)
            : (batch.Length, lengths[^1], batch.Sum(l => (long)l));
    }
}
