using Pipeline.Contracts;

namespace Pipeline.Training.Faults;

/// <summary><c>failed-step.json</c> beside the checkpoints: a step whose loss was not a number.</summary>
/// <param name="Step">From 1.</param>
/// <param name="Loss">As it came out.</param>
/// <param name="GradientNorm">As it came out.</param>
/// <param name="Rows">Ids of the step's rows.</param>
public sealed record FailedStep(int Step, double Loss, double GradientNorm, IReadOnlyList<string> Rows)
{
    public const string FileName = "failed-step.json";

    internal static void Write(string directory, FailedStep step)
    {
        Directory.CreateDirectory(directory);
        var json = new
        {
            step.Step,
            Loss = $"{step.Loss}",
            GradientNorm = $"{step.GradientNorm}",
            step.Rows,
        }; // JSON has no NaN
        File.WriteAllBytes(Path.Combine(directory, FileName), ContractJson.WriteUtf8(json, indented: true));
    }
}
