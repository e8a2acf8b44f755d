using Azure.Data.Tables;
using Pipeline.Contracts;
using Pipeline.LocalHost.Tests.Hosting;

namespace Pipeline.LocalHost.Tests.Storage;

/// <summary>One row that cannot be read stops nothing but itself.</summary>
public sealed class RunTableTests(StorageFixture storage) : IClassFixture<StorageFixture>
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("{ broken")]
    [InlineData("""{"runId": "x", "state": "of a version to come"}""")]
    [InlineData(null)]
    public async Task List_WithARowThatCannotBeRead_HasTheOthersAndSaysSo(string? record)
    {
        string project = $"unreadable-{Guid.NewGuid():N}"[..30];
        var good = new RunRecord
        {
            RunId = project + "-good",
            Project = project,
            State = RunState.Completed,
            Stage = RunStage.Done,
            Trigger = RunTrigger.Drop,
            Source = "a.csv",
            CreatedAt = DateTimeOffset.UtcNow,
            UpdatedAt = DateTimeOffset.UtcNow,
        };
        await storage.Account.Runs.PutAsync(good, Cancellation);
        await storage
            .Account.Tables.GetTableClient(BlobLayout.RunsTable)
            .UpsertEntityAsync(
                new TableEntity("run", project + "-bad") { ["project"] = project, ["record"] = record },
                cancellationToken: Cancellation
            );

        IReadOnlyList<RunRecord> runs = await storage.Account.Runs.ListAsync(project, Cancellation);

        Assert.Equal(2, runs.Count);
        Assert.Contains(good, runs);
        RunRecord bad = runs.Single(r => r.RunId == project + "-bad");
        Assert.Equal(RunState.Failed, bad.State);
        Assert.StartsWith("The row of this run cannot be read", bad.Error, StringComparison.Ordinal);
        Assert.Equal(bad.Error, (await storage.Account.Runs.GetAsync(bad.RunId, Cancellation))!.Error);
        await storage.Account.Runs.DeleteAsync(bad.RunId, Cancellation);
        Assert.Equal([good], await storage.Account.Runs.ListAsync(project, Cancellation));
    }
}
