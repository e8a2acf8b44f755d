using System.CommandLine;
using System.Globalization;
using Pipeline.Contracts;
using Pipeline.Worker.Parity;

namespace Pipeline.Worker.Commands;

/// <summary><c>parity</c>: this build against reference vectors, as a table.</summary>
internal static class ParityCommand
{
    public static Command Create()
    {
        var directory = new Argument<string>("DIR") { Description = "A folder of reference vectors in the layout of tests/Golden" };
        var json = new Option<string?>("--json") { Description = "Write the rows here as JSON too" };
        var command = new Command("parity", "Hold this build against reference vectors; exit code 1 outside tolerance") { directory, json };
        command.SetAction(parsed =>
        {
            (IReadOnlyList<ParityResult> results, IReadOnlyList<string> notComputed) = ParityChecks.Run(parsed.GetRequiredValue(directory));
            foreach (ParityResult result in results)
            {
                Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{(result.Passed ? "ok  " : "FAIL")}  {result.Case,-22} {result.Quantity,-44} {result.Error,12:0.###e+00}  allowed {result.Tolerance:0.###e+00}"));
            }

            foreach (string reason in notComputed)
            {
                Console.WriteLine($"not computed  {reason}");
            }

            if (parsed.GetValue(json) is { } path)
            {
                File.WriteAllBytes(path, ContractJson.WriteUtf8(new { results, notComputed }, indented: true));
            }

            return results.Count > 0 && results.All(r => r.Passed) ? 0 : 1;
        });
        return command;
    }
}
