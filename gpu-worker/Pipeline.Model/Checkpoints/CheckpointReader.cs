using System.Text.Json;
using Pipeline.Contracts;
using Pipeline.Model.Quantization;
using Pipeline.Model.Weights;
using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.Model.Checkpoints;

/// <summary>
/// The weights of a base model's folder: <c>model.safetensors</c>, or the files that
/// <c>model.safetensors.index.json</c> names. Read tensor by tensor, so that no more than one is in memory in its own
/// dtype. Pickles are never opened.
/// </summary>
public sealed class CheckpointReader : IDisposable
{
    private const string SingleFile = "model.safetensors";
    private const string IndexFile = "model.safetensors.index.json";
    private readonly string _directory;
    private readonly List<SafetensorsFile> _files;
    private readonly Dictionary<string, SafetensorsFile> _places = new(StringComparer.Ordinal);
    private readonly bool _quantized;
    private readonly HashSet<string> _read = new(StringComparer.Ordinal);

    private CheckpointReader(string directory, List<SafetensorsFile> files, bool quantized)
    {
        (_directory, _files, _quantized) = (directory, files, quantized);
        foreach (SafetensorsFile file in files)
        {
            foreach (string name in file.Entries.Keys)
            {
                if (!_places.TryAdd(name, file))
                {
                    throw new ModelException(
                        $"The base in '{directory}' holds the tensor '{name}' in more than one file."
                    );
                }
            }
        }
    }

    /// <summary>Opens the folder's weights.</summary>
    /// <param name="directory">The folder.</param>
    /// <param name="quantized">Whether its linear layers lie there as NF4 codes.</param>
    /// <exception cref="ModelException">No safetensors there, or they cannot be read.</exception>
    public static CheckpointReader Open(string directory, bool quantized = false)
    {
        var files = new List<SafetensorsFile>();
        try
        {
            foreach (string name in FileNames(directory))
            {
                files.Add(SafetensorsFile.Open(Path.Combine(directory, name)));
            }

            return new CheckpointReader(directory, files, quantized);
        }
        catch
        {
            files.ForEach(f => f.Dispose());
            throw;
        }
    }

    /// <summary>Reads a tensor as float32 and checks its shape.</summary>
    /// <exception cref="ModelException">Missing, or of another shape; both shapes are named.</exception>
    public Tensor Read(string name, params long[] shape)
    {
        SafetensorsFile file = Find(name, shape);
        using DisposeScope scope = NewDisposeScope();
        return RequireFinite(file.Read(name).to(ScalarType.Float32), name).MoveToOuterDisposeScope();
    }

    /// <summary>
    /// Reads a linear layer's weight into the form asked for; a folder of NF4 codes gives NF4 whatever is asked.
    /// </summary>
    /// <exception cref="ModelException">Missing, or of another shape; both shapes are named.</exception>
    public LinearWeight ReadWeight(
        string name,
        long outputs,
        long inputs,
        WeightStorage storage,
        Device? quantizer = null
    )
    {
        if (_quantized)
        {
            return LinearWeight.InNf4(QuantizedTensors.Read(name, outputs, inputs, Stored));
        }

        if (storage == WeightStorage.Full)
        {
            return LinearWeight.Full(Read(name, outputs, inputs));
        }

        SafetensorsFile file = Find(name, [outputs, inputs]);
        using DisposeScope scope = NewDisposeScope();
        return LinearWeight.InNf4(
            Nf4Weight.Quantize(RequireFinite(quantizer is null ? file.Read(name) : file.Read(name).to(quantizer), name))
        );
    }

    /// <summary>Requires that every tensor was read: one that nobody reads would be left out of the model.</summary>
    /// <param name="tiedEmbeddings">Whether the head is the embedding, of which a copy may be there.</param>
    /// <exception cref="ModelException">Tensors are left; the first are named.</exception>
    public void RequireAllRead(bool tiedEmbeddings)
    {
        const int MaxNamed = 5;
        string[] left =
        [
            .. _places
                .Keys.Where(n => !_read.Contains(n))
                .Where(n => !n.EndsWith("rotary_emb.inv_freq", StringComparison.Ordinal))
                .Where(n => !(tiedEmbeddings && n == "lm_head.weight"))
                .Order(StringComparer.Ordinal),
        ];
        if (left.Length > 0)
        {
            throw new ModelException(
                $"The base in '{_directory}' holds tensors that config.json's architecture does not have: "
                    + $"{string.Join(", ", left.Take(MaxNamed))}"
                    + (left.Length > MaxNamed ? $" and {left.Length - MaxNamed} more" : "")
                    + ". It would be computed without them, and is another model."
            );
        }
    }

    public void Dispose() => _files.ForEach(f => f.Dispose());

    private Tensor Stored(string name)
    {
        _read.Add(name);
        return _places.TryGetValue(name, out SafetensorsFile? file)
            ? file.Read(name)
            : throw new ModelException($"The base in '{_directory}' lacks the tensor '{name}' of its NF4 form.");
    }

    private SafetensorsFile Find(string name, long[] shape)
    {
        if (!_places.TryGetValue(name, out SafetensorsFile? file))
        {
            throw new ModelException(
                $"The base in '{_directory}' lacks the tensor '{name}' of shape [{string.Join(", ", shape)}]."
            );
        }

        _read.Add(name);
        SafetensorsEntry entry = file.Entries[name];
        if (!entry.Shape.SequenceEqual(shape))
        {
            throw new ModelException(
                $"The base in '{_directory}': '{name}' has the shape [{string.Join(", ", entry.Shape)}] where "
                    + $"config.json asks for [{string.Join(", ", shape)}]."
            );
        }

        return entry.Dtype is "F32" or "F16" or "BF16"
            ? file
            : throw new ModelException(
                $"The base in '{_directory}': '{name}' has the dtype {entry.Dtype}; F32, F16 and BF16 are read."
            );
    }

    /// <summary>One number that is none spoils every answer, without a word.</summary>
    private static Tensor RequireFinite(Tensor tensor, string name)
    {
        using Tensor sum = tensor.sum(ScalarType.Float32);
        return float.IsFinite(sum.ToSingle()) ? tensor : throw new ModelException($"'{name}' holds infinity or NaN.");
    }

    private static string[] FileNames(string directory)
    {
        if (File.Exists(Path.Combine(directory, SingleFile)))
        {
            return [SingleFile];
        }

        string index = Path.Combine(directory, IndexFile);
        if (File.Exists(index))
        {
            return Shards(index);
        }

        string? pickle = Directory
            .EnumerateFiles(directory)
            .Select(Path.GetFileName)
            .FirstOrDefault(f =>
                f is not null
                && (
                    f.EndsWith(".bin", StringComparison.OrdinalIgnoreCase)
                    || f.EndsWith(".pt", StringComparison.OrdinalIgnoreCase)
                    || f.EndsWith(".pth", StringComparison.OrdinalIgnoreCase)
                )
            );
        throw new ModelException(
            pickle is not null
                ? $"The base in '{directory}' is a pickle ('{pickle}'). A pickle can run code when it is opened, "
                    + "so none ever is; convert it to safetensors."
                : $"The base in '{directory}' has neither {SingleFile} nor {IndexFile}."
        );
    }

    private static string[] Shards(string index)
    {
        try
        {
            using JsonDocument document = InputFile.ReadJson(index, InputFile.TokenizerMegabytes);
            string[] names =
            [
                .. document
                    .RootElement.GetProperty("weight_map")
                    .EnumerateObject()
                    .Select(p => p.Value.GetString()!)
                    .Distinct(StringComparer.Ordinal)
                    .Order(StringComparer.Ordinal),
            ];
            string[] foreign =
            [
                .. names.Where(n =>
                    !SafeName.TryParse(n, NameKind.File, out _) || !n.EndsWith(".safetensors", StringComparison.Ordinal)
                ),
            ];
            return foreign.Length == 0 && names.Length > 0
                ? names
                : throw new ModelException(
                    $"{index} names '{InputFile.OneLine(foreign.FirstOrDefault())}'; only safetensors files beside it "
                        + "are read."
                );
        }
        catch (Exception fault)
            when (fault is JsonException or InvalidOperationException or KeyNotFoundException or InvalidDataException)
        {
            throw new ModelException($"{index} cannot be read: {InputFile.OneLine(fault.Message)}", fault);
        }
    }
}
