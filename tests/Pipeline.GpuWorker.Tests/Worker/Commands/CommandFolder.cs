using Pipeline.Contracts;
using Pipeline.GpuWorker.Tests.Worker.Jobs;

namespace Pipeline.GpuWorker.Tests.Worker.Commands;

/// <summary>A folder that holds one dataset, and the worker's commands on what lies in it.</summary>
internal sealed class CommandFolder : IDisposable
{
    private const string Dataset = "dataset";
    private readonly TemporaryFolder _folder = new();

    public CommandFolder(byte[] content, string yaml, string name = "rows.csv") =>
        SmallDataset.Write(At(Dataset), content, yaml, name);

    public string At(string name) => Path.Combine(_folder.Path, name);

    public T Read<T>(string file) => ContractJson.Read<T>(File.ReadAllBytes(At(file)));

    public void Dispose() => _folder.Dispose();

    public string Train(string output, string? model = null, int expected = 0) =>
        Run(expected, ["train", .. Base(model), "--dataset", At(Dataset), "--out", At(output)]);

    public string Evaluate(string adapter, string output) =>
        Run(0, ["evaluate", .. Base(), "--adapter", At(adapter), "--dataset", At(Dataset), "--out", At(output)]);

    public string Merge(string adapter, string output, int expected = 0, params string[] more) =>
        Run(
            expected,
            ["merge", .. Base(), "--adapter", At(adapter), "--dataset", At(Dataset), "--out", At(output), .. more]
        );

    public string Quantize(string model, string output) => Run(0, ["quantize", .. Base(model), "--out", At(output)]);

    public string Generate(string? model, string prompt, params string[] more) =>
        Run(0, ["generate", .. Base(model), "--prompt", prompt, .. more]);

    /// <summary>Runs the worker, which must end with this exit code.</summary>
    /// <returns>What it printed to both outputs.</returns>
    public static string Run(int expected, params string[] arguments)
    {
        (int code, string printed, string errors) = WorkerProgram.Run(arguments);
        string output = printed + errors;
        Assert.True(code == expected, $"{arguments[0]} ended with {code}: {output}");
        return output;
    }

    private string[] Base(string? model = null) => ["--base", model is null ? SmallDataset.Base : At(model)];
}
