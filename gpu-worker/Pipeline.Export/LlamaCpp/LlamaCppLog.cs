using LLama.Native;

namespace Pipeline.Export.LlamaCpp;

/// <summary>llama.cpp's log, which alone says why a call has failed.</summary>
internal static class LlamaCppLog
{
    private static readonly Lock Gate = new();
    private static string? LastMessage;

    /// <summary>The last warning or error; <c>null</c>: there was none.</summary>
    public static string? Last
    {
        get
        {
            lock (Gate)
            {
                return LastMessage;
            }
        }
    }

    /// <summary>Listens; before the first call of the library.</summary>
    public static void Begin()
    {
        lock (Gate)
        {
            LastMessage = null;
            if (!NativeLibraryConfig.LLama.LibraryHasLoaded)
            {
                NativeLibraryConfig.All.WithLogCallback(Keep);
            }
        }
    }

    private static void Keep(LLamaLogLevel level, string message)
    {
        if (level is LLamaLogLevel.Error or LLamaLogLevel.Warning)
        {
            lock (Gate)
            {
                LastMessage = message.Trim();
            }
        }
    }
}
