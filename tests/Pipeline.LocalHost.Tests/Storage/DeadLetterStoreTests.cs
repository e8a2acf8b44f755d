using Pipeline.Contracts;
using Pipeline.LocalHost.Tests.Hosting;

namespace Pipeline.LocalHost.Tests.Storage;

/// <summary>What is listed is what can be taken.</summary>
public sealed class DeadLetterStoreTests(StorageFixture storage) : IClassFixture<StorageFixture>
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <summary>
    /// The service counts hidden messages too: one in the hands of another call, or one that came between the two
    /// questions, is not a message beyond the 32 that the service shows.
    /// </summary>
    [Fact]
    public async Task List_WhileAMessageIsInOtherHands_HasNoLineOfFurtherMessages()
    {
        string poison = BlobLayout.PoisonOf(BlobLayout.TrainingResultsQueue);
        await storage.Account.Messages.PutAsync(poison, new BinaryData("one"), Cancellation);
        await storage.Account.Messages.PutAsync(poison, new BinaryData("two"), Cancellation);
        Assert.NotNull(await storage.Account.Messages.ReceiveAsync(poison, TimeSpan.FromMinutes(1), Cancellation));
        Assert.Equal(2, await storage.Account.Messages.CountAsync(poison, Cancellation));

        DeadLetter listed = Assert.Single(await storage.Account.DeadLetters.ListAsync(Cancellation));

        Assert.Equal(poison, listed.Queue);
        Assert.NotNull(listed.MessageId);
    }
}
