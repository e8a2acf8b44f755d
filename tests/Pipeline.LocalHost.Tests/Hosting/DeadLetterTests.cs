using System.Net;
using System.Net.Http.Json;
using System.Text;
using Pipeline.Contracts;

namespace Pipeline.LocalHost.Tests.Hosting;

/// <summary>Messages and drops that nobody could work with: listed with their reasons, requeued, deleted.</summary>
public sealed class DeadLetterTests : OwnBench
{
    /// <summary>The host moves a message that has failed five times; it is listed, brought back, and deleted.</summary>
    [Fact]
    public async Task DeadLetter_OfTheHostItself_IsListedRequeuedAndDeleted()
    {
        string poison = BlobLayout.PoisonOf(BlobLayout.TrainingResultsQueue);
        foreach (
            string text in (string[])
                ["{\"runId\":\"nobody\",\"attempt\":\"a\",\"succeeded\":true,\"evicted\":false}", "second", "third"]
        )
        {
            await Account.Messages.PutAsync(poison, new BinaryData(text), Cancellation);
        }

        List<DeadLetter> listed = await DeadLettersAsync();
        Assert.Equal(3, listed.Count);
        Assert.All(
            listed,
            n => Assert.Equal((poison, "It failed five times; the host's log says why."), (n.Queue, n.Reason))
        );
        IReadOnlyList<Azure.Storage.Queues.Models.PeekedMessage> messages = await Account.Messages.PeekAsync(
            poison,
            Cancellation
        );
        string IdOf(string begins) =>
            messages.Single(m => m.Body.ToString().StartsWith(begins, StringComparison.Ordinal)).MessageId;

        Assert.Equal(
            HttpStatusCode.OK,
            (await Bench.CallAsync(HttpMethod.Post, $"api/deadletters/{IdOf("{")}/requeue")).Code
        );
        Assert.Equal(
            HttpStatusCode.OK,
            (await Bench.CallAsync(HttpMethod.Delete, $"api/deadletters/{IdOf("second")}")).Code
        );
        Assert.Equal(
            HttpStatusCode.NotFound,
            (await Bench.CallAsync(HttpMethod.Delete, "api/deadletters/nothing")).Code
        );
        Assert.Equal(
            HttpStatusCode.NotFound,
            (await Bench.CallAsync(HttpMethod.Post, "api/deadletters/nothing/requeue")).Code
        );

        await Bench.UntilEmptyAsync(BlobLayout.TrainingResultsQueue); // brought back, it was taken: it can be read
        Assert.Equal([IdOf("third")], (await DeadLettersAsync()).Select(n => n.Id));
    }

    /// <summary>
    /// The service shows 32 messages of a queue: that there are more is said, and that line is none to requeue or
    /// delete.
    /// </summary>
    [Fact]
    public async Task DeadLetters_MoreThanTheServiceShows_AreCounted()
    {
        string poison = BlobLayout.PoisonOf(BlobLayout.TrainingJobsQueue);
        await Task.WhenAll(
            Enumerable.Range(0, 35).Select(i => Account.Messages.PutAsync(poison, new BinaryData($"{i}"), Cancellation))
        );

        List<DeadLetter> listed = await DeadLettersAsync();

        Assert.Equal(33, listed.Count);
        DeadLetter more = listed.Single(n => n.MessageId is null);
        Assert.Equal("about 3 further messages", more.What);
        Assert.Equal(
            HttpStatusCode.NotFound,
            (await Bench.CallAsync(HttpMethod.Delete, $"api/deadletters/{more.Id}")).Code
        );
        Assert.Equal(
            33,
            (
                await Bench.Http.GetFromJsonAsync<List<DeadLetter>>("api/putaside", ContractJson.Compact, Cancellation)
            )!.Count
        ); // by its former name
    }

    /// <summary>
    /// A message that is no base64, and one that names no run, become dead letters at once and by themselves: what came
    /// with them is worked on, and they can be deleted.
    /// </summary>
    [Fact]
    public async Task Message_ThatCannotBeRead_IsADeadLetterAtOnce()
    {
        string poison = BlobLayout.PoisonOf(BlobLayout.TrainingResultsQueue);
        var asTheyAre = new Azure.Storage.Queues.QueueClient(Storage, BlobLayout.TrainingResultsQueue);
        await asTheyAre.SendMessageAsync("<not base64>", Cancellation);
        await Account.Messages.SendAsync(
            BlobLayout.TrainingResultsQueue,
            new TrainingResult("../other", "a", true, false, null),
            Cancellation
        );
        await Account.Messages.SendAsync(
            BlobLayout.TrainingResultsQueue,
            new TrainingResult("nobody", "a", true, false, null),
            Cancellation
        );

        await Bench.UntilEmptyAsync(BlobLayout.TrainingResultsQueue);
        List<DeadLetter> listed = await DeadLettersAsync();

        Assert.Equal([poison, poison], listed.Select(n => n.Queue));
        Assert.Contains(listed, n => n.Reason.StartsWith("It is not base64", StringComparison.Ordinal));
        Assert.Contains(listed, n => n.Reason.Contains("'../other' cannot name a run", StringComparison.Ordinal));
        foreach (DeadLetter letter in listed)
        {
            Assert.Equal(
                HttpStatusCode.OK,
                (await Bench.CallAsync(HttpMethod.Delete, $"api/deadletters/{letter.Id}")).Code
            );
        }

        Assert.Empty(await DeadLettersAsync());
        Assert.Equal(0, await Account.Messages.CountAsync(poison, Cancellation));
    }

    /// <summary>A row of the tables that nobody can read hides no other.</summary>
    [Fact]
    public async Task Row_ThatCannotBeRead_HidesNoOther()
    {
        var tables = new Azure.Data.Tables.TableServiceClient(Storage);
        foreach (
            (string table, string partition) in ((string, string)[])
                [(BlobLayout.RunsTable, "run"), (BlobLayout.DeadLettersTable, "putaside")]
        )
        {
            foreach (object record in (object[])["{", "null", 5, "[]"])
            {
                await tables
                    .GetTableClient(table)
                    .AddEntityAsync(
                        new Azure.Data.Tables.TableEntity(partition, $"bad-{record.GetHashCode()}")
                        {
                            ["record"] = record,
                        },
                        Cancellation
                    );
            }
        }

        await Account.DeadLetters.PutAsync(
            BlobLayout.BlobPoisonQueue,
            "raw/x-y/a.csv",
            new BinaryData("{}"),
            "good",
            DateTimeOffset.UtcNow,
            Cancellation
        );

        Assert.Equal(5, (await DeadLettersAsync()).Count);
        Assert.Equal(
            4,
            (await Bench.Http.GetFromJsonAsync<List<RunRecord>>("api/runs", ContractJson.Compact, Cancellation))!.Count
        );
    }

    /// <summary>
    /// A drop that could start nothing is brought back when its project is repaired; before, it says why it stays.
    /// </summary>
    [Fact]
    public async Task DeadLetter_OfADrop_IsRequeuedWhenItsProjectIsCorrected()
    {
        await Account.Files.WriteAsync(BlobLayout.Project("mended-late"), "training: [\n"u8.ToArray(), Cancellation);
        await Account.Files.WriteAsync(
            BlobLayout.Raw("mended-late", "a.csv"),
            Encoding.UTF8.GetBytes(HostFixture.Rows(40)),
            Cancellation
        );
        List<DeadLetter> listed;
        while ((listed = await DeadLettersAsync()).Count == 0)
        {
            await Task.Delay(100, Cancellation);
        }

        string id = Assert.Single(listed).Id;
        (HttpStatusCode again, string reason) = await Bench.CallAsync(HttpMethod.Post, $"api/deadletters/{id}/requeue");
        Assert.Equal(HttpStatusCode.Conflict, again);
        Assert.Contains("line", reason, StringComparison.Ordinal);
        Assert.Single(await DeadLettersAsync()); // still there

        await Account.Files.WriteAsync(
            BlobLayout.Project("mended-late"),
            Encoding.UTF8.GetBytes(HostFixture.QuickYaml),
            Cancellation
        );
        Assert.Equal(HttpStatusCode.OK, (await Bench.CallAsync(HttpMethod.Post, $"api/deadletters/{id}/requeue")).Code);

        Assert.Empty(await DeadLettersAsync());
        Assert.Single(await Account.Runs.ListAsync("mended-late", Cancellation));
    }

    private async Task<List<DeadLetter>> DeadLettersAsync() =>
        (await Bench.Http.GetFromJsonAsync<List<DeadLetter>>("api/deadletters", ContractJson.Compact, Cancellation))!;
}
