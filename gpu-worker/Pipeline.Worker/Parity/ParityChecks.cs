using Pipeline.Model;
using Pipeline.Model.Gpu;
using Pipeline.Tokenization.Templates;

namespace Pipeline.Worker.Parity;

/// <summary>Holds this build against every case of reference vectors in a folder and below it.</summary>
public static class ParityChecks
{
    /// <summary>Runs the checks of each case.</summary>
    /// <param name="directory">A folder in the layout of golden/, or one case of it.</param>
    /// <param name="tokenizerDirectory">The tokenizer of every <c>vectors.jsonl</c>; <c>null</c>: the nearest one in or
    /// above its folder.</param>
    /// <param name="modelDirectory">The checkpoint of every <c>reference_greedy.json</c>; <c>null</c>: the one in its
    /// folder.</param>
    /// <param name="gpu">Holds a GPU against the vectors too, by plain torch and by its kernels, in their numbers:
    /// float32 is what the tolerances are for. <c>null</c>: the CPU.</param>
    /// <returns>A row a quantity; a case that cannot be computed is a row that failed, with the reason.</returns>
    /// <exception cref="ModelException">There is no case.</exception>
    public static IReadOnlyList<ParityResult> Run(
        string directory,
        string? tokenizerDirectory = null,
        string? modelDirectory = null,
        Accelerator? gpu = null
    )
    {
        if (!Directory.Exists(directory))
        {
            throw new ModelException($"'{directory}' does not exist.");
        }

        var results = new List<ParityResult>();
        string root = Path.GetFullPath(directory);
        foreach (
            string folder in Directory
                .EnumerateDirectories(root, "*", SearchOption.AllDirectories)
                .Prepend(root)
                .Order(StringComparer.Ordinal)
        )
        {
            string name = folder == root ? Path.GetFileName(folder) : Path.GetRelativePath(root, folder);
            foreach (
                Func<string, string, IReadOnlyList<ParityResult>> check in Cases(
                    folder,
                    tokenizerDirectory,
                    modelDirectory,
                    gpu
                )
            )
            {
                results.AddRange(Checked(check, folder, name));
            }
        }

        return results.Count > 0
            ? results
            : throw new ModelException(
                $"'{directory}' holds no reference vectors (expected.safetensors, trajectory.safetensors, nf4's "
                    + "meta.json, vectors.jsonl or reference_greedy.json)."
            );
    }

    private static IEnumerable<Func<string, string, IReadOnlyList<ParityResult>>> Cases(
        string folder,
        string? tokenizerDirectory,
        string? modelDirectory,
        Accelerator? gpu
    )
    {
        bool Has(string file) => File.Exists(Path.Combine(folder, file));
        if (Has("expected.safetensors"))
        {
            yield return (f, name) => ForwardParity.Check(f, name, gpu);
        }

        if (Has("trajectory.safetensors"))
        {
            yield return (f, name) => TrajectoryParity.Check(f, name, gpu);
        }

        if (Has("meta.json") && Directory.EnumerateFiles(folder, "*.safetensors").Any())
        {
            yield return (f, name) => QuantizationParity.Check(f, name, gpu);
        }

        if (Has("vectors.jsonl"))
        {
            yield return (f, name) => TokenizerParity.Check(f, name, tokenizerDirectory);
        }

        if (Has("reference_greedy.json"))
        {
            yield return (f, name) => GenerationParity.Check(f, name, modelDirectory ?? f, gpu);
        }
    }

    private static IReadOnlyList<ParityResult> Checked(
        Func<string, string, IReadOnlyList<ParityResult>> check,
        string folder,
        string name
    )
    {
        try
        {
            return check(folder, name);
        }
        catch (Exception fault)
            when (fault
                    is ModelException
                        or InvalidDataException
                        or ChatTemplateException
                        or IOException
                        or KeyNotFoundException
                        or System.Text.Json.JsonException
            )
        {
            return [new ParityResult(name, "not computed", double.NaN, 0) { Fault = fault.Message }];
        }
    }
}
