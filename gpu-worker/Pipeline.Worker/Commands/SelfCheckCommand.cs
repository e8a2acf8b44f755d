using System.CommandLine;
using Pipeline.Model.Gpu;

namespace Pipeline.Worker.Commands;

/// <summary><c>selfcheck</c>: whether this machine can do the work, in one line.</summary>
internal static class SelfCheckCommand
{
    public static Command Create()
    {
        var device = new Option<string>("--device") { Description = "cpu or cuda", DefaultValueFactory = _ => "cpu" };
        device.AcceptOnlyFromAmong("cpu", "cuda");
        var command = new Command(
            "selfcheck",
            "Look at driver, libraries, memory and kernels, and say in one line what is wrong"
        )
        {
            device,
        };
        command.SetAction(parsed =>
        {
            SelfCheck check = SelfCheck.Run(parsed.GetRequiredValue(device));
            (check.Passed ? Console.Out : Console.Error).WriteLine(check.Line);
            return check.Passed ? 0 : 2;
        });
        return command;
    }
}
