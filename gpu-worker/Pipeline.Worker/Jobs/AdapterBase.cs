using Pipeline.Contracts;
using Pipeline.Model.Llama;

namespace Pipeline.Worker.Jobs;

/// <summary>In which form an adapter's base was held when it was trained.</summary>
internal static class AdapterBase
{
    /// <summary>NF4 for adapters whose <c>training.json</c> says QLoRA, else the weights as they are.</summary>
    public static WeightStorage StorageOf(string adapterDirectory)
    {
        string path = Path.Combine(adapterDirectory, AdapterFolder.TrainingFile);
        return File.Exists(path) && ContractJson.Read<TrainingSettings>(File.ReadAllBytes(path)).Method == TrainingSettings.Qlora ? WeightStorage.Nf4 : WeightStorage.Full;
    }
}
