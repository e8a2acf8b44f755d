using Pipeline.Contracts;

namespace Pipeline.Datasets.Exports;

/// <summary>
/// A built dataset as OpenAI's and Azure OpenAI's fine-tuning take it: <c>{"messages": [{"role", "content"}, …]}</c> a
/// line.
/// </summary>
public static class OpenAiMessages
{
    /// <summary>The folder within the dataset's.</summary>
    public const string Folder = "openai";

    /// <summary>Writes it beside a built dataset. Plain texts have no messages, and nothing is written.</summary>
    /// <param name="folder">The dataset's folder.</param>
    /// <param name="manifest">Its manifest.</param>
    /// <returns>The files, relative to the folder.</returns>
    public static IReadOnlyList<string> Write(string folder, DatasetManifest manifest)
    {
        ArgumentNullException.ThrowIfNull(manifest);
        if (manifest.Task == TaskKind.Text)
        {
            return [];
        }

        Directory.CreateDirectory(Path.Combine(folder, Folder));
        List<string> written = [];
        foreach (string file in (string[])[BlobLayout.TrainFile, BlobLayout.ValidationFile, BlobLayout.TestFile])
        {
            using StreamWriter output = new(Path.Combine(folder, Folder, file)) { NewLine = "\n" };
            foreach (string line in File.ReadLines(Path.Combine(folder, file)))
            {
                output.WriteLine(ContractJson.Write(new { messages = ContractJson.Read<Example>(line).Messages }));
            }

            written.Add($"{Folder}/{file}");
        }

        return written;
    }
}
