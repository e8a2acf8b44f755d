using Microsoft.Extensions.Logging.Abstractions;
using Pipeline.Contracts;
using Pipeline.Functions.Verdicts;
using Pipeline.LocalHost.Tests.Hosting;

namespace Pipeline.LocalHost.Tests.Storage;

/// <summary>The corrections of a project as a file of rows.</summary>
[Collection(OneHost.Name)]
public sealed class CorrectionBatchTests(HostFixture host) : IDisposable
{
    private readonly VerdictLog _log = new(host.Storage, TimeProvider.System, NullLogger<VerdictLog>.Instance);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => _log.Dispose();

    /// <summary>A dataset that is being built has pinned the file's ETag.</summary>
    [Fact]
    public async Task WriteAsync_SameCorrectionsAgain_LeavesTheFileAsItIs()
    {
        await AddAsync("batched", "hello there", "greeting");
        var batches = new CorrectionBatches(host.Storage, _log);
        CorrectionBatch first = (await batches.WriteAsync("batched", new(), Cancellation))!;
        string? tag = await host.Storage.Files.TagAsync(BlobLayout.FeedbackBatch("batched", first.Name), Cancellation);

        await AddAsync("batched", "hello there", "greeting "); // another verdict that says the same
        CorrectionBatch second = (await batches.WriteAsync("batched", new(), Cancellation))!;

        Assert.Equal(first.Name, second.Name);
        Assert.True(string.CompareOrdinal(second.Through, first.Through) > 0);
        Assert.Equal(
            tag,
            await host.Storage.Files.TagAsync(BlobLayout.FeedbackBatch("batched", first.Name), Cancellation)
        );
    }

    /// <summary>Somebody's row is withdrawn: what was said of its text goes with it.</summary>
    [Fact]
    public async Task TakeBackAsync_RowOfABatch_TakesTheVerdictsOnItsTextBack()
    {
        await AddAsync("taken-back", "hello there", "greeting");
        await AddAsync("taken-back", "twelve and one", "number");
        var batches = new CorrectionBatches(host.Storage, _log);
        CorrectionBatch batch = (await batches.WriteAsync("taken-back", new(), Cancellation))!;

        int taken = await batches.TakeBackAsync(
            "taken-back",
            [$"{batch.Name}#1", $"{batch.Name}#9", "a.csv#1", "verdicts-../x#1"],
            [],
            Cancellation
        );

        Assert.Equal(1, taken);
        Assert.Equal(1, (await batches.WriteAsync("taken-back", new(), Cancellation))!.Count);
    }

    /// <summary>
    /// A row that was left out, and answered in the review queue: by its text, or by its id where the text was changed.
    /// </summary>
    [Fact]
    public async Task TakeBackAsync_RowThatWasLeftOut_TakesTheVerdictsOnItBack()
    {
        await AddAsync("left-out", "hello there", "greeting");
        await AddAsync("left-out", "hello, written anew", "greeting", "a.csv#1");
        await AddAsync("left-out", "twelve and one", "number", "a.csv#2");
        var fate = new RowFate(BlobLayout.RejectedFile, "a.csv#1", "left out: missing_label")
        {
            Texts = ["1", " Hello  there"],
        };

        Assert.Equal(
            2,
            await new CorrectionBatches(host.Storage, _log).TakeBackAsync("left-out", [], [fate], Cancellation)
        );
    }

    private async Task AddAsync(string project, string text, string correction, string? row = null)
    {
        VerdictReceipt receipt = await _log.AddAsync(
            new FeedbackRecord
            {
                Id = ContentHash.ShortOf(project, text, correction),
                Project = project,
                At = TimeProvider.System.GetUtcNow(),
                Text = text,
                Score = -1,
                Correction = correction,
                RowId = row,
            },
            new FeedbackSettings(),
            Cancellation
        );
        Assert.Null(receipt.Refusal);
    }
}
