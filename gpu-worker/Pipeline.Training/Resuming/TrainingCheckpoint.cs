using System.Globalization;
using Pipeline.Model;
using Pipeline.Model.Checkpoints;
using Pipeline.Model.Lora;
using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.Training.Resuming;

/// <summary>
/// A point from which a run goes on: the adapter, the optimizer's state, the steps done, and what the run was about.
/// Order of rows and dropout follow from seed and step, so nothing else is needed.
/// </summary>
public static class TrainingCheckpoint
{
    /// <summary>The file's name.</summary>
    public const string FileName = "checkpoint.safetensors";

    private const string Values = "values";
    private const string Fingerprint = "fingerprint";
    private const string Steps = "steps";
    private const string Tokens = "tokens";
    private const string Best = "best";
    private const string BestLoss = "best_loss";
    private const string BestStep = "best_step";
    private const string BestWorse = "best_worse";

    /// <summary>Writes the file whole or not at all.</summary>
    /// <param name="path">The file.</param>
    /// <param name="trained">As trained so far.</param>
    /// <param name="optimizer">Its moments and steps.</param>
    /// <param name="best">What was best so far.</param>
    /// <param name="fingerprint">Hash of rows and settings; another run's checkpoint is refused by it.</param>
    /// <param name="tokens">Tokens seen so far.</param>
    public static void Write(
        string path,
        TrainableTensors trained,
        IResumable optimizer,
        BestValues best,
        string fingerprint,
        long tokens
    )
    {
        ArgumentNullException.ThrowIfNull(trained);
        ArgumentNullException.ThrowIfNull(optimizer);
        ArgumentNullException.ThrowIfNull(best);
        var tensors = new Dictionary<string, Tensor> { [Values] = trained.Values };
        foreach ((string name, Tensor value) in optimizer.State)
        {
            tensors[name] = value;
        }

        var metadata = new Dictionary<string, string>
        {
            [Fingerprint] = fingerprint,
            [Steps] = optimizer.Steps.ToString(CultureInfo.InvariantCulture),
            [Tokens] = tokens.ToString(CultureInfo.InvariantCulture),
        };
        if (best.Values is not null)
        {
            tensors[Best] = best.Values;
            metadata[BestLoss] = best.Loss.ToString("R", CultureInfo.InvariantCulture);
            metadata[BestStep] = best.Step.ToString(CultureInfo.InvariantCulture);
            metadata[BestWorse] = best.Worse.ToString(CultureInfo.InvariantCulture);
        }

        SafetensorsFile.Write(path, tensors, metadata);
    }

    /// <summary>Restores adapter and optimizer.</summary>
    /// <returns>Tokens seen so far; <c>null</c> when the file is another run's, which then starts anew.</returns>
    /// <exception cref="Pipeline.Model.ModelException">The file is damaged.</exception>
    public static long? TryRead(
        string path,
        TrainableTensors trained,
        IResumable optimizer,
        BestValues best,
        string fingerprint
    )
    {
        ArgumentNullException.ThrowIfNull(trained);
        ArgumentNullException.ThrowIfNull(optimizer);
        ArgumentNullException.ThrowIfNull(best);
        using DisposeScope scope = NewDisposeScope();
        using SafetensorsFile file = SafetensorsFile.Open(path);
        if (file.Metadata.GetValueOrDefault(Fingerprint) != fingerprint)
        {
            return null;
        }

        try
        {
            using (no_grad())
            {
                trained.Values.copy_(file.Read(Values));
                foreach ((string name, Tensor value) in optimizer.State)
                {
                    value.copy_(file.Read(name));
                }
            }

            if (file.Entries.ContainsKey(Best))
            {
                best.Set(
                    file.Read(Best),
                    double.Parse(file.Metadata[BestLoss], CultureInfo.InvariantCulture),
                    int.Parse(file.Metadata[BestStep], CultureInfo.InvariantCulture),
                    int.Parse(file.Metadata[BestWorse], CultureInfo.InvariantCulture)
                );
            }

            optimizer.Steps = int.Parse(file.Metadata[Steps], NumberStyles.None, CultureInfo.InvariantCulture);
            return long.Parse(file.Metadata[Tokens], NumberStyles.None, CultureInfo.InvariantCulture);
        }
        catch (Exception fault)
            when (fault
                    is FormatException
                        or KeyNotFoundException
                        or OverflowException
                        or ArgumentException
                        or System.Runtime.InteropServices.ExternalException
            )
        {
            throw new ModelException(
                $"'{path}' is not a checkpoint of this training: {fault.Message.Split('\n')[0]}",
                fault
            );
        }
    }
}
