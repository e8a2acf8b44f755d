using System.Text;
using Azure.Storage.Blobs.Specialized;
using Pipeline.Contracts;
using Pipeline.LocalHost.Tests.Hosting;
using Pipeline.Storage;

namespace Pipeline.LocalHost.Tests.Storage;

/// <summary>One writer at a time, also when it was paused for longer than its lease.</summary>
public sealed class LeasedBlobTests(StorageFixture storage) : IClassFixture<StorageFixture>
{
    private static readonly TimeSpan Duration = TimeSpan.FromSeconds(15);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Acquire_WhileAnotherHoldsIt_IsRefusedAndAfterItsReleaseGiven()
    {
        BlobAddress address = BlobLayout.JobLock("lease-one");
        LeasedBlob first = (await LeasedBlob.TryAcquireAsync(storage.Account.Blobs, address, Duration, Cancellation))!;
        await first.WriteJsonAsync(new JobState { Attempt = "a", AttemptsWithoutCheckpoint = 2 }, Cancellation);

        Assert.Null(await LeasedBlob.TryAcquireAsync(storage.Account.Blobs, address, Duration, Cancellation));
        await first.ReleaseAsync(Cancellation);
        LeasedBlob? second = await LeasedBlob.TryAcquireAsync(storage.Account.Blobs, address, Duration, Cancellation);

        Assert.Equal(2, (await second!.ReadJsonAsync<JobState>(Cancellation))!.AttemptsWithoutCheckpoint);
        await Assert.ThrowsAsync<LeaseLostException>(() => first.RenewAsync(Cancellation));
        await Assert.ThrowsAsync<LeaseLostException>(() =>
            first.WriteJsonAsync(new JobState { Attempt = "a" }, Cancellation)
        );
    }

    [Fact]
    public async Task FencedFiles_OfAPausedWriter_AreRefusedOnceItsSuccessorHasWritten()
    {
        BlobAddress file = BlobLayout.Checkpoint("lease-two", "checkpoint.safetensors");
        (LeasedBlob paused, LeasedBlob successor) = await HandOverAsync(
            "lease-two",
            async lease =>
            {
                var before = new FencedFiles(storage.Account.Files, lease);
                await before.WriteAsync(file, "one"u8.ToArray(), Cancellation);
                return before;
            }
        );
        var stale = Assert.IsType<FencedFiles>(_held);
        var fresh = new FencedFiles(storage.Account.Files, successor);

        await fresh.WriteAsync(file, "two"u8.ToArray(), Cancellation);

        await Assert.ThrowsAsync<LeaseLostException>(() => stale.WriteAsync(file, "stale"u8.ToArray(), Cancellation));
        await Assert.ThrowsAsync<LeaseLostException>(() =>
            stale.WriteAsync(BlobLayout.Checkpoint("lease-two", "new"), "stale"u8.ToArray(), Cancellation)
        ); // nor anything that it had not written before
        await fresh.WriteAsync(file, "three"u8.ToArray(), Cancellation);
        Assert.Equal("three", Encoding.UTF8.GetString((await storage.Account.Files.ReadAsync(file, Cancellation))!));
        await Assert.ThrowsAsync<LeaseLostException>(() => paused.RenewAsync(Cancellation));
    }

    [Fact]
    public async Task FencedFiles_Upload_RemovesWhatAnEarlierAttemptLeft()
    {
        LeasedBlob lease = (
            await LeasedBlob.TryAcquireAsync(
                storage.Account.Blobs,
                BlobLayout.JobLock("lease-three"),
                Duration,
                Cancellation
            )
        )!;
        await storage.Account.Files.WriteAsync(
            new BlobAddress(BlobLayout.AdaptersContainer, "left/v1/tensorboard/old"),
            "old"u8.ToArray(),
            Cancellation
        );
        string folder = Directory.CreateTempSubdirectory("pipeline-upload-").FullName;
        await File.WriteAllTextAsync(Path.Combine(folder, "adapter.bin"), "weights", Cancellation);

        await new FencedFiles(storage.Account.Files, lease).UploadAsync(
            folder,
            BlobLayout.AdaptersContainer,
            "left/v1/",
            Cancellation
        );

        Assert.Equal(
            ["left/v1/adapter.bin"],
            (await storage.Account.Files.ListAsync(BlobLayout.AdaptersContainer, "left/", Cancellation)).Select(f =>
                f.Name
            )
        );
        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public async Task FencedLog_AnAppendWhoseAnswerWasLost_StandsOnce()
    {
        BlobAddress address = BlobLayout.Progress("lease-four");
        LeasedBlob lease = (
            await LeasedBlob.TryAcquireAsync(
                storage.Account.Blobs,
                BlobLayout.JobLock("lease-four"),
                Duration,
                Cancellation
            )
        )!;
        var log = new FencedLog(storage.Account.Files, lease, address);
        await log.AppendAsync("one\n"u8.ToArray(), Cancellation);
        // it arrived; nobody heard
        Assert.True(await storage.Account.Files.TryAppendAsync(address, "two\n"u8.ToArray(), 4, Cancellation));

        await log.AppendAsync("two\n"u8.ToArray(), Cancellation);
        await log.AppendAsync("three\n"u8.ToArray(), Cancellation);

        Assert.Equal(
            "one\ntwo\nthree\n",
            Encoding.UTF8.GetString((await storage.Account.Files.ReadAsync(address, Cancellation))!)
        );
    }

    [Fact]
    public async Task FencedLog_OfAPausedWriter_IsRefused()
    {
        BlobAddress address = BlobLayout.Progress("lease-five");
        (_, LeasedBlob successor) = await HandOverAsync(
            "lease-five",
            async lease =>
            {
                var before = new FencedLog(storage.Account.Files, lease, address);
                await before.AppendAsync("one\n"u8.ToArray(), Cancellation);
                return before;
            }
        );
        await new FencedLog(storage.Account.Files, successor, address).AppendAsync("two\n"u8.ToArray(), Cancellation);

        await Assert.ThrowsAsync<LeaseLostException>(() =>
            Assert.IsType<FencedLog>(_held).AppendAsync("stale\n"u8.ToArray(), Cancellation)
        );

        Assert.Equal(
            "one\ntwo\n",
            Encoding.UTF8.GetString((await storage.Account.Files.ReadAsync(address, Cancellation))!)
        );
    }

    private object? _held;

    /// <summary>A writer begins, is paused until its lease is over, and another one takes the job.</summary>
    private async Task<(LeasedBlob Paused, LeasedBlob Successor)> HandOverAsync(
        string runId,
        Func<LeasedBlob, Task<object>> begin
    )
    {
        BlobAddress address = BlobLayout.JobLock(runId);
        LeasedBlob paused = (await LeasedBlob.TryAcquireAsync(storage.Account.Blobs, address, Duration, Cancellation))!;
        _held = await begin(paused);
        await storage
            .Account.Blobs.GetBlobContainerClient(address.Container)
            .GetBlobClient(address.Name)
            .GetBlobLeaseClient()
            .BreakAsync(TimeSpan.Zero, cancellationToken: Cancellation); // as if its time had run out
        return (paused, (await LeasedBlob.TryAcquireAsync(storage.Account.Blobs, address, Duration, Cancellation))!);
    }
}
