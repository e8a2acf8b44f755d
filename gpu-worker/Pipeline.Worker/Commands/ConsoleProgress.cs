using System.Globalization;
using Pipeline.Contracts;

namespace Pipeline.Worker.Commands;

/// <summary>A line of progress on the console: every stage, and training now and then.</summary>
internal static class ConsoleProgress
{
    private const int StepsALine = 10;

    public static void Write(TrainingProgress line)
    {
        string? text = line switch
        {
            { Note: { } note } => $"{line.Stage.Name()}: {note}",
            { ValidationLoss: { } validation } =>
                $"train {line.Done}/{line.Total}  validation loss {validation:0.0000}",
            { Loss: { } loss } when line.Done % StepsALine == 0 || line.Done == line.Total =>
                $"train {line.Done}/{line.Total}  loss {loss:0.0000}  {line.TokensPerSecond:0} tokens/s",
            { Loss: null, Done: 0 } => line.Stage.Name(),
            _ => null,
        };
        if (text is not null)
        {
            Console.WriteLine(text.ToString(CultureInfo.InvariantCulture));
        }
    }
}
