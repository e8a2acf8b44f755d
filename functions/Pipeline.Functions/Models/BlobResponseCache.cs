using Pipeline.Contracts;
using Pipeline.Datasets.Synthesis;
using Pipeline.Storage;

namespace Pipeline.Functions.Models;

/// <summary>Bought answers as blobs beside the project's settings.</summary>
internal sealed class BlobResponseCache(PipelineStorage storage, string project) : IResponseCache
{
    public Task<ModelAnswer?> FindAsync(string key, CancellationToken cancellation) =>
        storage.Files.ReadJsonAsync<ModelAnswer>(BlobLayout.ModelAnswer(project, key), cancellation);

    public async Task<ModelAnswer> KeepAsync(ModelAnswer answer, CancellationToken cancellation) =>
        await storage.Files.TryWriteAsync(
            BlobLayout.ModelAnswer(project, answer.Key),
            ContractJson.WriteUtf8(answer, indented: true),
            null,
            cancellation
        )
            is not null
            ? answer
            : await FindAsync(answer.Key, cancellation) ?? answer;

    /// <summary>
    /// Removes a project's answers to questions in which some rows' texts stood. Without these rows the questions are
    /// others: nothing is lost that would be used again.
    /// </summary>
    public static async Task ForgetAsync(
        PipelineStorage storage,
        string project,
        IReadOnlyCollection<string> rows,
        CancellationToken cancellation
    )
    {
        foreach (
            (string name, _) in await storage.Files.ListAsync(
                BlobLayout.ProjectsContainer,
                BlobLayout.ModelAnswers(project),
                cancellation
            )
        )
        {
            var address = new BlobAddress(BlobLayout.ProjectsContainer, name);
            ModelAnswer? answer = await storage.Files.ReadJsonAsync<ModelAnswer>(address, cancellation);
            if (answer?.Parents.Any(rows.Contains) == true)
            {
                await storage.Files.DeleteAsync(address, cancellation);
            }
        }
    }
}
