using Pipeline.Model;

namespace Pipeline.Worker.Parity;

/// <summary>Holds this build against every folder of reference vectors it knows how to read.</summary>
public static class ParityChecks
{
    /// <summary>Runs the checks of each known folder.</summary>
    /// <param name="directory">A folder in the layout of golden/, or one case of it.</param>
    /// <returns>A row a quantity, and the folders that hold vectors of a kind this build does not compute.</returns>
    /// <exception cref="ModelException">There is no known case.</exception>
    public static (IReadOnlyList<ParityResult> Results, IReadOnlyList<string> NotComputed) Run(string directory)
    {
        if (!Directory.Exists(directory))
        {
            throw new ModelException($"'{directory}' does not exist.");
        }

        var results = new List<ParityResult>();
        var notComputed = new List<string>();
        foreach (string folder in Directory.EnumerateDirectories(directory).Prepend(directory).Order(StringComparer.Ordinal))
        {
            try
            {
                results.AddRange(Case(folder));
            }
            catch (ModelException fault)
            {
                notComputed.Add($"{Path.GetFileName(folder)}: {fault.Message}");
            }
        }

        return results.Count > 0 || notComputed.Count > 0
            ? (results, notComputed)
            : throw new ModelException($"'{directory}' holds no reference vectors (expected.safetensors, trajectory.safetensors or nf4's meta.json).");
    }

    private static IReadOnlyList<ParityResult> Case(string folder)
    {
        if (File.Exists(Path.Combine(folder, "expected.safetensors")))
        {
            return ForwardParity.Check(folder);
        }

        if (File.Exists(Path.Combine(folder, "trajectory.safetensors")))
        {
            return TrajectoryParity.Check(folder);
        }

        return File.Exists(Path.Combine(folder, "meta.json")) ? QuantizationParity.Check(folder) : [];
    }
}
