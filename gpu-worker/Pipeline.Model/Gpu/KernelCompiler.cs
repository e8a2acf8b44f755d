using System.Runtime.InteropServices;
using System.Text;

namespace Pipeline.Model.Gpu;

/// <summary>
/// NVRTC, which comes with libtorch's CUDA build: text to a program for one kind of GPU (NVRTC documentation).
/// </summary>
internal sealed unsafe class KernelCompiler
{
    private readonly nint _library;

    private KernelCompiler(nint library, string path)
    {
        (_library, Path) = (library, path);
        int major,
            minor;
        ThrowOnError(((delegate* unmanaged<int*, int*, int>)Export("nvrtcVersion"))(&major, &minor), "nvrtcVersion");
        Version = $"{major}.{minor}";
    }

    /// <summary>Where it was found.</summary>
    public string Path { get; }

    /// <summary>Its CUDA version.</summary>
    public string Version { get; }

    /// <summary>Opens NVRTC.</summary>
    /// <param name="folders">Where to look, in order; then the system's own places.</param>
    /// <exception cref="ModelException">It is nowhere.</exception>
    public static KernelCompiler Open(IEnumerable<string> folders)
    {
        IEnumerable<string> existing = folders
            .Where(Directory.Exists)
            .SelectMany(f =>
                Directory
                    .EnumerateFiles(f, "libnvrtc*.so*")
                    .Where(p =>
                        !p.Contains("builtins", StringComparison.Ordinal)
                        && !p.Contains(".alt.", StringComparison.Ordinal)
                    )
                    .Order(StringComparer.Ordinal)
            );
        foreach (string path in existing.Concat(["libnvrtc.so.13", "libnvrtc.so.12", "libnvrtc.so"]))
        {
            if (NativeLibrary.TryLoad(path, out nint library))
            {
                // It asks the loader for its other half by name alone, which no search path may lead to: what is loaded
                // already is found.
                foreach (
                    string builtins in System.IO.Path.GetDirectoryName(path) is { Length: > 0 } folder
                        ? Directory.EnumerateFiles(folder, "libnvrtc-builtins*.so*")
                        : []
                )
                {
                    _ = NativeLibrary.TryLoad(builtins, out _);
                }

                return new KernelCompiler(library, path);
            }
        }

        throw new ModelException(
            "NVRTC (libnvrtc.so) is neither beside the program, nor in TORCH_LIB, nor among the system's "
                + "libraries; it comes with libtorch's CUDA build, and with the CUDA toolkit."
        );
    }

    /// <summary>Compiles a program.</summary>
    /// <param name="source">Its text.</param>
    /// <param name="options">As NVRTC takes them.</param>
    /// <returns>Machine code for the architecture that the options name.</returns>
    /// <exception cref="ModelException">It does not compile; the compiler's words are in the message.</exception>
    public byte[] Compile(string source, IReadOnlyList<string> options)
    {
        ArgumentNullException.ThrowIfNull(options);
        nint program;
        fixed (
            byte* text = Text(source),
                name = Text("kernels.cu")
        )
        {
            ThrowOnError(
                ((delegate* unmanaged<nint*, byte*, byte*, int, nint, nint, int>)Export("nvrtcCreateProgram"))(
                    &program,
                    text,
                    name,
                    0,
                    0,
                    0
                ),
                "nvrtcCreateProgram"
            );
        }

        nint[] arguments = [.. options.Select(Marshal.StringToCoTaskMemUTF8)];
        try
        {
            int result;
            fixed (nint* first = arguments)
            {
                result = ((delegate* unmanaged<nint, int, nint*, int>)Export("nvrtcCompileProgram"))(
                    program,
                    arguments.Length,
                    first
                );
            }

            if (result != 0)
            {
                string log = Encoding.UTF8.GetString(
                    ReadOutput(program, "nvrtcGetProgramLogSize", "nvrtcGetProgramLog")
                );
                throw new ModelException(
                    $"The GPU kernels do not compile with NVRTC {Version} ({string.Join(' ', options)}): "
                        + log.TrimEnd('\0', '\n')
                );
            }

            return ReadOutput(program, "nvrtcGetCUBINSize", "nvrtcGetCUBIN");
        }
        finally
        {
            Array.ForEach(arguments, Marshal.FreeCoTaskMem);
            _ = ((delegate* unmanaged<nint*, int>)Export("nvrtcDestroyProgram"))(&program);
        }
    }

    private byte[] ReadOutput(nint program, string size, string content)
    {
        nuint count;
        ThrowOnError(((delegate* unmanaged<nint, nuint*, int>)Export(size))(program, &count), size);
        byte[] bytes = new byte[count];
        fixed (byte* at = bytes)
        {
            ThrowOnError(((delegate* unmanaged<nint, byte*, int>)Export(content))(program, at), content);
        }

        return bytes;
    }

    private nint Export(string name) => NativeLibrary.GetExport(_library, name);

    private static byte[] Text(string text) => Encoding.UTF8.GetBytes(text + '\0');

    private static void ThrowOnError(int result, string doing)
    {
        if (result != 0)
        {
            throw new ModelException($"NVRTC failed at {doing}: error {result}.");
        }
    }
}
