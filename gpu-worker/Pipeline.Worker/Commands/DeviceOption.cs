using System.CommandLine;
using Pipeline.Model;
using Pipeline.Model.Gpu;
using static TorchSharp.torch;

namespace Pipeline.Worker.Commands;

/// <summary><c>--device</c>, of every command that computes with a model.</summary>
internal static class DeviceOption
{
    private const string Cpu = "cpu";
    private const string Cuda = "cuda";
    private const string Setting = "PIPELINE_DEVICE";

    public static Option<string> Create()
    {
        var option = new Option<string>("--device")
        {
            Description = $"cpu or cuda (the first GPU that CUDA_VISIBLE_DEVICES leaves); default: {Setting}, else cpu",
            DefaultValueFactory = _ =>
                Environment.GetEnvironmentVariable(Setting) is { Length: > 0 } named ? named : Cpu,
        };
        option.AcceptOnlyFromAmong(Cpu, Cuda);
        return option;
    }

    /// <summary>Looks at the device before any work is done, and says what it is.</summary>
    /// <param name="parsed">With the option.</param>
    /// <param name="option">The option.</param>
    /// <param name="real">The numbers that a GPU's kernels compute on; <c>null</c>: bfloat16 where it has them.</param>
    /// <returns>The GPU; <c>null</c>: the CPU computes.</returns>
    /// <exception cref="ModelException">The device does not do the work; one line says why.</exception>
    public static Accelerator? Open(ParseResult parsed, Option<string> option, ScalarType? real = null)
    {
        string device = parsed.GetRequiredValue(option);
        if (device == Cuda)
        {
            Accelerator gpu = Accelerator.Open(real);
            Console.Error.WriteLine(gpu.Summary);
            return gpu;
        }

        SelfCheck check =
            device == Cpu ? SelfCheck.Run(Cpu) : throw new ModelException($"{Setting} is '{device}'; use cpu or cuda.");
        return check.Passed ? null : throw new ModelException(check.Line);
    }
}
