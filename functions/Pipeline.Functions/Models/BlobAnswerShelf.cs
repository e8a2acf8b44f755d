using Pipeline.Contracts;
using Pipeline.Datasets.Synthesis;
using Pipeline.Storage;

namespace Pipeline.Functions.Models;

/// <summary>Bought answers as blobs beside the project's settings.</summary>
internal sealed class BlobAnswerShelf(PipelineStorage storage, string project) : IAnswerShelf
{
    public Task<ModelAnswer?> FindAsync(string key, CancellationToken cancellation) => storage.Files.ReadJsonAsync<ModelAnswer>(BlobLayout.ModelAnswer(project, key), cancellation);

    public async Task<ModelAnswer> KeepAsync(ModelAnswer answer, CancellationToken cancellation) =>
        await storage.Files.TryWriteAsync(BlobLayout.ModelAnswer(project, answer.Key), ContractJson.WriteUtf8(answer, indented: true), null, cancellation) is not null
            ? answer
            : await FindAsync(answer.Key, cancellation) ?? answer;
}
