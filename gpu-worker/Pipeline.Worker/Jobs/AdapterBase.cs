using System.Text.Json;
using Pipeline.Contracts;
using Pipeline.Model;
using Pipeline.Model.Adapters;
using Pipeline.Model.Gpu;
using Pipeline.Model.Weights;

namespace Pipeline.Worker.Jobs;

/// <summary>What the folder of a tuned model says of how it was made.</summary>
internal static class AdapterBase
{
    /// <summary>
    /// How the base was held when an adapter was trained: NF4 where <c>training.json</c> says QLoRA, else the weights
    /// as they are.
    /// </summary>
    public static WeightStorage StorageOf(string adapterDirectory)
    {
        string path = Path.Combine(adapterDirectory, BlobLayout.TrainingFile);
        return File.Exists(path) && ReadSettings(path).Method == TrainingMethod.Qlora
            ? WeightStorage.Nf4
            : WeightStorage.Full;
    }

    /// <summary>Settings of a training from a file.</summary>
    /// <exception cref="ModelException">They cannot be read, or a value is out of its range.</exception>
    private static TrainingSettings ReadSettings(string path)
    {
        try
        {
            using (InputFile.ReadJson(path, InputFile.SettingsMegabytes))
            {
                // an object with each key once
            }

            var settings = ContractJson.Read<TrainingSettings>(File.ReadAllBytes(path));
            return SettingRules.Check(settings, "training").FirstOrDefault() is { } fault
                ? throw new ModelException($"'{path}': {fault}.")
                : settings;
        }
        catch (Exception fault) when (fault is JsonException or InvalidDataException)
        {
            throw new ModelException($"'{path}' holds no training settings: {InputFile.OneLine(fault.Message)}", fault);
        }
    }

    /// <summary>Why the kernels do not ask a model that is compared in float32.</summary>
    public const string InFloat32 = "it is compared in float32";

    /// <summary>The base of an adapter as it was held when that was trained; without an adapter, as it is.</summary>
    /// <param name="baseFolder">The base.</param>
    /// <param name="adapterFolder">The adapter; <c>null</c>: the base is asked alone.</param>
    /// <param name="gpu">The GPU; <c>null</c>: the CPU computes.</param>
    public static PlacedModel Load(string baseFolder, string? adapterFolder, Accelerator? gpu)
    {
        bool dora =
            adapterFolder is not null
            && PeftConfig.Read(Path.Combine(adapterFolder, BlobLayout.AdapterConfigFile)).UseDora;
        return PlacedModel.Load(
            baseFolder,
            adapterFolder is null ? WeightStorage.Full : StorageOf(adapterFolder),
            gpu,
            dora ? "the adapter has magnitudes (DoRA)" : null
        );
    }

    /// <summary>Whether a folder holds no adapter but a model that was trained as a whole.</summary>
    public static bool IsModel(string directory) =>
        !File.Exists(Path.Combine(directory, BlobLayout.AdapterConfigFile))
        && File.Exists(Path.Combine(directory, BlobLayout.ModelConfigFile));
}
