using System.Text;
using Pipeline.Contracts;
using Pipeline.Datasets;
using Pipeline.Datasets.Building;
using Pipeline.Datasets.Configuration;
using Pipeline.Datasets.Ingestion.Rows;

namespace Pipeline.Functions.Tests.Datasets.Ingestion;

/// <summary>
/// Damaged files of every format: each becomes a dataset in which every row read is accounted for, or one error for
/// people. The seed is fixed; a failure names the mutation, which can be made again.
/// </summary>
public sealed class FuzzTests
{
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(20);

    [Fact]
    public Task Build_SomeDamagedFiles_NeitherCrashesNorHangsNorLosesARow() => DamageAsync(800);

    [Fact]
    [Trait("Tier", "Slow")]
    public Task Build_TenThousandDamagedFiles_NeitherCrashesNorHangsNorLosesARow() => DamageAsync(10_000);

    private static async Task DamageAsync(int mutations)
    {
        (string Name, byte[] Bytes)[] seeds = await FuzzSeeds.CreateAsync(TestContext.Current.CancellationToken);
        var random = new Random(20261123);
        int built = 0;
        for (int i = 0; i < mutations; i++)
        {
            (string name, byte[] bytes) = seeds[i % seeds.Length];
            byte[] damaged = Mutate(bytes, random);
            Task<BuiltDataset?> work = Task.Run(() => Build(name, damaged, i), TestContext.Current.CancellationToken);
            Assert.True(
                await Task.WhenAny(work, Task.Delay(Longest, TestContext.Current.CancellationToken)) == work,
                $"mutation {i} of {name} hangs"
            );
            if (await work is { } build)
            {
                RowCounts rows = build.Manifest.Rows;
                Assert.True(
                    rows.Read == rows.Accepted + rows.Rejected + rows.Duplicates
                        && rows.Accepted == rows.Train + rows.Validation + rows.Test,
                    $"mutation {i} of {name}: {rows}"
                );
                Assert.Equal(
                    rows.Rejected + rows.Duplicates,
                    build.Text(BlobLayout.RejectedFile).Count(c => c == '\n')
                );
                if (name.StartsWith("long.", StringComparison.Ordinal))
                {
                    BuiltDataset? inParts = Build(name, damaged, i, partBytes: 1 + (i % 700)); // the same, to the byte
                    Assert.True(
                        inParts is not null
                            && build.Files.All(f => f.Value.AsSpan().SequenceEqual(inParts.Files[f.Key])),
                        $"mutation {i} of {name} differs in parts"
                    );
                }

                built++;
            }
        }

        Assert.True(built > mutations / 4, $"only {built} of {mutations} damaged files could still be read");
    }

    private static BuiltDataset? Build(string name, byte[] bytes, int mutation, long partBytes = long.MaxValue)
    {
        try
        {
            return BuiltDataset.From(
                new DatasetRequest
                {
                    Project = "fuzz",
                    Settings = ProjectFile.Read(""),
                    Files = [new RawFile(name, bytes)],
                    Encoder = DemoDataset.Encoder,
                    TokenizerSha256 = "t",
                },
                partBytes
            );
        }
        catch (DatasetException)
        {
            return null;
        }
        catch (Exception fault)
        {
            throw new InvalidOperationException($"mutation {mutation} of {name}: {fault}", fault);
        }
    }

    private static byte[] Mutate(byte[] bytes, Random random)
    {
        List<byte> damaged = [.. bytes];
        for (int times = 1 + random.Next(4); times > 0; times--)
        {
            int at = random.Next(Math.Max(1, damaged.Count));
            switch (random.Next(6))
            {
                case 0 when damaged.Count > 0:
                    damaged[at] = (byte)random.Next(256);
                    break;
                case 1 when damaged.Count > 1:
                    damaged.RemoveRange(at, Math.Min(1 + random.Next(40), damaged.Count - at));
                    break;
                case 2:
                    byte[] noise = new byte[1 + random.Next(20)];
                    random.NextBytes(noise);
                    damaged.InsertRange(at, noise);
                    break;
                case 3 when damaged.Count > 1:
                    damaged.RemoveRange(at, damaged.Count - at); // cut off
                    break;
                case 4:
                    damaged.InsertRange(
                        at,
                        Encoding.UTF8.GetBytes(
                            ((string[])["\"", "\n", ",", "\t", "{", "]", "\\u", "\0", "\r", "[INST]", "null"])[
                                random.Next(11)
                            ]
                        )
                    );
                    break;
                case 5 when damaged.Count > 1:
                    int length = Math.Min(1 + random.Next(60), damaged.Count - at);
                    damaged.InsertRange(random.Next(damaged.Count), damaged.GetRange(at, length)); // twice
                    break;
            }
        }

        return [.. damaged];
    }
}
