using System.Diagnostics;
using System.Text;
using Pipeline.Contracts;
using Pipeline.LocalHost.Hosting;
using Pipeline.Storage;

namespace Pipeline.LocalHost.Tests.Hosting;

/// <summary>Storage is away for half a minute, at the worst moment: when an activity has done its work.</summary>
[Trait("Tier", "Slow")]
[Collection("one at a time")]
public sealed class StorageOutageTests(StorageFixture storage) : IClassFixture<StorageFixture>
{
    private static readonly TimeSpan Outage = TimeSpan.FromSeconds(30);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task StorageAway_WhenAnActivityEnds_RunEndsAfterwards()
    {
        string data = Directory.CreateTempSubdirectory("pipeline-outage-").FullName;
        await using FaultProxy proxy = await FaultProxy.StartAsync(storage.ConnectionString);
        Task? back = null;
        using var log = new LogLines();
        try
        {
            HostOptions options = proxy.Options(data, log) with
            {
                AroundActivity = async (name, activity) =>
                {
                    object? result = await activity();
                    if (back is null)
                    {
                        proxy.Down = true;
                        back = Task.Delay(Outage, Cancellation)
                            .ContinueWith(_ => proxy.Down = false, TaskScheduler.Default);
                    }

                    return result;
                },
            };
            await using (EmbeddedHost host = await EmbeddedHost.StartAsync(options, _ => { }, Cancellation))
            {
                PipelineStorage account = storage.Account;
                byte[] yaml = Encoding.UTF8.GetBytes(HostFixture.QuickYaml);
                await account.Files.WriteAsync(BlobLayout.Project("outage"), yaml, Cancellation);
                byte[] rows = Encoding.UTF8.GetBytes(HostFixture.Rows(40, "o"));
                await account.Files.WriteAsync(BlobLayout.Raw("outage", "0.csv"), rows, Cancellation);
                long started = Stopwatch.GetTimestamp();
                while (!(await account.Runs.ListAsync(null, Cancellation)).Any(r => r.State == RunState.Completed))
                {
                    Assert.True(Stopwatch.GetElapsedTime(started) < TimeSpan.FromMinutes(4), log.Tell());
                    await Task.Delay(500, Cancellation);
                }
            }

            await back!;
            Assert.True(proxy.Total > 10, "storage was not away");
        }
        finally
        {
            Directory.Delete(data, recursive: true);
        }
    }
}
