using Pipeline.Contracts;
using Pipeline.Model.Llama;

namespace Pipeline.Worker.Jobs;

/// <summary>What the folder of a tuned model says of how it was made.</summary>
internal static class AdapterBase
{
    /// <summary>How the base was held when an adapter was trained: NF4 where <c>training.json</c> says QLoRA, else the weights as they are.</summary>
    public static WeightStorage StorageOf(string adapterDirectory)
    {
        string path = Path.Combine(adapterDirectory, AdapterFolder.TrainingFile);
        return File.Exists(path) && ContractJson.Read<TrainingSettings>(File.ReadAllBytes(path)).Method == TrainingSettings.Qlora ? WeightStorage.Nf4 : WeightStorage.Full;
    }

    /// <summary>Whether a folder holds no adapter but a model that was trained as a whole.</summary>
    public static bool IsModel(string directory) =>
        !File.Exists(Path.Combine(directory, BlobLayout.AdapterConfigFile)) && File.Exists(Path.Combine(directory, BlobLayout.ModelConfigFile));
}
