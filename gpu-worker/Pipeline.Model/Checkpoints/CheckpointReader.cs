using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.Model.Checkpoints;

/// <summary>The weights of a base model's folder: <c>model.safetensors</c>. Pickles are never opened.</summary>
public sealed class CheckpointReader : IDisposable
{
    private readonly SafetensorsFile _file;
    private readonly string _path;

    private CheckpointReader(SafetensorsFile file, string path)
    {
        (_file, _path) = (file, path);
    }

    /// <summary>Opens the folder's weights.</summary>
    /// <exception cref="ModelException">No safetensors there, or they cannot be read.</exception>
    public static CheckpointReader Open(string directory)
    {
        string path = Path.Combine(directory, "model.safetensors");
        if (File.Exists(path))
        {
            return new CheckpointReader(SafetensorsFile.Open(path), path);
        }

        string? pickle = Directory.EnumerateFiles(directory).Select(Path.GetFileName).FirstOrDefault(f => f is not null && (f.EndsWith(".bin", StringComparison.OrdinalIgnoreCase) || f.EndsWith(".pt", StringComparison.OrdinalIgnoreCase) || f.EndsWith(".pth", StringComparison.OrdinalIgnoreCase)));
        throw new ModelException(pickle is not null
            ? $"The base in '{directory}' is a pickle ('{pickle}'). A pickle can run code when it is opened, so none ever is; convert it to safetensors."
            : $"The base in '{directory}' has no model.safetensors.");
    }

    /// <summary>Reads a tensor as float32 and checks its shape.</summary>
    /// <exception cref="ModelException">Missing, or of another shape; both shapes are named.</exception>
    public Tensor Read(string name, params long[] shape)
    {
        if (!_file.Entries.TryGetValue(name, out SafetensorsEntry? entry))
        {
            throw new ModelException($"{_path} lacks the tensor '{name}' of shape [{string.Join(", ", shape)}].");
        }

        if (!entry.Shape.SequenceEqual(shape))
        {
            throw new ModelException($"{_path}: '{name}' has the shape [{string.Join(", ", entry.Shape)}] where config.json asks for [{string.Join(", ", shape)}].");
        }

        using DisposeScope scope = NewDisposeScope();
        return _file.Read(name).to(ScalarType.Float32).MoveToOuterDisposeScope();
    }

    public void Dispose() => _file.Dispose();
}
