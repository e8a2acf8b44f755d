using Pipeline.Training.Batching;

namespace Pipeline.GpuWorker.Tests.Training;

/// <summary>Rows of 6 to 10 tokens that repeat themselves, so that a few steps learn something.</summary>
internal static class SmallRows
{
    public static List<EncodedRow> Create(int count) =>
        [
            .. Enumerable
                .Range(0, count)
                .Select(i => new EncodedRow(
                    $"r{i}",
                    [1, .. Enumerable.Range(0, 4 + (i % 5)).Select(k => 3 + ((i * 7) + (k * 13)) % 500), 2],
                    [0, 0, 0, .. Enumerable.Repeat((byte)1, 3 + (i % 5))]
                )),
        ];
}
