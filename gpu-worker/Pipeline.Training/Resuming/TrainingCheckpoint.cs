using System.Globalization;
using Pipeline.Model.Adapters;
using Pipeline.Model.Checkpoints;
using Pipeline.Training.Optimization;
using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.Training.Resuming;

/// <summary>
/// A point from which a run goes on: the adapter, the optimizer's moments, the steps done, and what the run was about.
/// Order of rows and dropout follow from seed and step, so nothing else is needed.
/// </summary>
public static class TrainingCheckpoint
{
    /// <summary>The file's name.</summary>
    public const string FileName = "checkpoint.safetensors";

    private const string Values = "values";
    private const string FirstMoment = "first_moment";
    private const string SecondMoment = "second_moment";
    private const string Fingerprint = "fingerprint";
    private const string Steps = "steps";
    private const string Tokens = "tokens";

    /// <summary>Writes the file whole or not at all.</summary>
    /// <param name="path">The file.</param>
    /// <param name="adapter">As trained so far.</param>
    /// <param name="optimizer">With its moments.</param>
    /// <param name="fingerprint">Hash of rows and settings; another run's checkpoint is refused by it.</param>
    /// <param name="tokens">Tokens seen so far.</param>
    public static void Write(string path, LoraAdapter adapter, AdamW optimizer, string fingerprint, long tokens)
    {
        ArgumentNullException.ThrowIfNull(adapter);
        ArgumentNullException.ThrowIfNull(optimizer);
        SafetensorsFile.Write(
            path,
            new Dictionary<string, Tensor> { [Values] = adapter.Values, [FirstMoment] = optimizer.FirstMoment, [SecondMoment] = optimizer.SecondMoment },
            new Dictionary<string, string>
            {
                [Fingerprint] = fingerprint,
                [Steps] = optimizer.Steps.ToString(CultureInfo.InvariantCulture),
                [Tokens] = tokens.ToString(CultureInfo.InvariantCulture),
            });
    }

    /// <summary>Restores adapter and optimizer.</summary>
    /// <returns>Tokens seen so far; <c>null</c> when the file is another run's, which then starts anew.</returns>
    /// <exception cref="Pipeline.Model.ModelException">The file is damaged.</exception>
    public static long? TryRead(string path, LoraAdapter adapter, AdamW optimizer, string fingerprint)
    {
        ArgumentNullException.ThrowIfNull(adapter);
        ArgumentNullException.ThrowIfNull(optimizer);
        using DisposeScope scope = NewDisposeScope();
        using SafetensorsFile file = SafetensorsFile.Open(path);
        if (file.Metadata.GetValueOrDefault(Fingerprint) != fingerprint)
        {
            return null;
        }

        using (no_grad())
        {
            adapter.Values.copy_(file.Read(Values));
            optimizer.FirstMoment.copy_(file.Read(FirstMoment));
            optimizer.SecondMoment.copy_(file.Read(SecondMoment));
        }

        optimizer.Steps = int.Parse(file.Metadata[Steps], CultureInfo.InvariantCulture);
        return long.Parse(file.Metadata[Tokens], CultureInfo.InvariantCulture);
    }
}
