using System.Text;
using CsCheck;

namespace Pipeline.Functions.Tests.Datasets.Ingestion;

/// <summary>Damage to a file: bytes changed, removed, repeated, cut off, and marks of formats put in.</summary>
internal static class Mutation
{
    private const int DefaultCount = 2000;
    private static readonly byte[][] Marks =
    [
        .. (
            (string[])
                ["\"", "\n", ",", "\t", "{", "[", "]", "\\u", "\0", "\r", "PK\u0003\u0004", "PAR1", "---\n", "&a "]
        )
            .Concat(["*a", "<<: ", "From ", "\r\n--b\r\n", "[INST]", "null", "1e999", "-1", "99999999999", "\\ud83d"])
            .Select(Encoding.UTF8.GetBytes),
        [0xFF, 0xFE],
        [0xEF, 0xBB, 0xBF],
        [0x1F, 0x8B],
        [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F],
    ];

    /// <summary>Mutations a file: 2,000, or what <c>FUZZ_MUTATIONS</c> says.</summary>
    public static int Count =>
        int.TryParse(Environment.GetEnvironmentVariable("FUZZ_MUTATIONS"), out int count) ? count : DefaultCount;

    /// <summary>Damaged forms of a file.</summary>
    public static Gen<byte[]> Damaged(byte[] file) => Step().Array[1, 6].Select(steps => steps.Aggregate(file, Apply));

    private static Gen<(int Kind, double At, int Length, byte[] Mark)> Step() =>
        Gen.Select(Gen.Int[0, 5], Gen.Double[0, 1], Gen.Int[1, 64], Gen.Int[0, Marks.Length - 1].Select(i => Marks[i]));

    private static byte[] Apply(byte[] file, (int Kind, double At, int Length, byte[] Mark) step)
    {
        int at = (int)(step.At * file.Length);
        int end = Math.Min(file.Length, at + step.Length);
        return step.Kind switch
        {
            0 => [.. file[..at], .. file[end..]],
            1 => [.. file[..at], .. step.Mark, .. file[at..]],
            2 => [.. file[..end], .. file[at..end], .. file[end..]],
            3 => file[..at],
            4 =>
            [
                .. file[..at],
                .. step.Mark.Take(file.Length - at),
                .. file[Math.Min(file.Length, at + step.Mark.Length)..],
            ],
            _ => [.. file[..at], .. file[at..end].Select(b => (byte)(b ^ step.Length)), .. file[end..]],
        };
    }
}
