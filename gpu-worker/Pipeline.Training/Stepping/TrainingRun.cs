using Pipeline.Contracts;
using Pipeline.Model.Gpu;
using Pipeline.Model.Llama;
using Pipeline.Model.Lora;
using Pipeline.Training.Batching;

namespace Pipeline.Training.Stepping;

/// <summary>What the loop needs.</summary>
public sealed record TrainingRun
{
    // of the checkpoint's one buffer
    private const string Layout = "matrices of layers that read the same input lie together";

    public required LlamaModel Model { get; init; }

    /// <summary>What is learned: an adapter that is attached to the model, or all its weights.</summary>
    public required TrainableTensors Trained { get; init; }
    public required IReadOnlyList<EncodedRow> Rows { get; init; }
    public required IReadOnlyList<EncodedRow> ValidationRows { get; init; }
    public required TrainingSettings Settings { get; init; }

    /// <summary>Folder for checkpoints; <c>null</c>: none are written.</summary>
    public string? CheckpointDirectory { get; init; }

    /// <summary>
    /// The GPU on which <see cref="Model"/> lies, to be trained by plain torch; <c>null</c>: it lies on the CPU.
    /// </summary>
    internal Accelerator? Gpu { get; init; }

    /// <summary>
    /// The model on a GPU, whose kernels compute the steps; <c>null</c>: they are computed where <see cref="Model"/>
    /// lies.
    /// </summary>
    internal AcceleratedModel? Accelerated { get; init; }

    /// <summary>Called once with what the steps are computed by.</summary>
    public Action<string>? OnEngine { get; init; }

    /// <summary>Called after every step.</summary>
    public Action<TrainingStep>? OnStep { get; init; }

    /// <summary>
    /// Called after every validation (each epoch, or each <c>evaluationSteps</c>) with the step and the mean
    /// validation loss, nats per supervised token.
    /// </summary>
    public Action<int, double>? OnValidation { get; init; }

    /// <summary>Called when a checkpoint was written, with its path.</summary>
    public Action<string>? OnCheckpoint { get; init; }

    /// <summary>
    /// What makes this run another one: settings, rows with what is learned of them, and the base with its weights.
    /// </summary>
    public string Fingerprint() =>
        ContentHash.ShortOf([
            Layout,
            SettingsIdentity.Write(Settings with { ActivationCheckpointing = ActivationCheckpointing.Auto }),
            ContractJson.Write(Model.Config),
            Model.WeightSample(),
            .. Rows.Concat(ValidationRows).Select(r => $"{r.Id}:{string.Join(' ', r.Ids)}:{string.Concat(r.LossMask)}"),
        ]);
}
