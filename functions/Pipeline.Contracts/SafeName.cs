using System.Globalization;
using System.Text.RegularExpressions;

namespace Pipeline.Contracts;

/// <summary>
/// A name that came from outside and was checked: of a project, a run, a file, or a path of files. It can only be made
/// by parsing, so that no name leads out of the place it was meant for.
/// </summary>
public readonly partial record struct SafeName
{
    /// <summary>Characters of one file name, as file systems have it.</summary>
    public const int MaxFileCharacters = 255;

    /// <summary>Characters of a path, as blob storage has it.</summary>
    public const int MaxPathCharacters = 900;

    private readonly string? _text;

    private SafeName(string text) => _text = text;

    /// <summary>The name as it was given.</summary>
    public string Text => _text ?? throw new InvalidOperationException("This name was not parsed.");

    /// <summary>Parses a name.</summary>
    /// <param name="text">The name.</param>
    /// <param name="kind">What it names.</param>
    /// <exception cref="FormatException">It cannot name that; the message says why.</exception>
    public static SafeName Parse(string text, NameKind kind) =>
        Fault(text, kind) is { } fault ? throw new FormatException(fault) : new SafeName(text);

    /// <summary>Parses a name.</summary>
    /// <param name="text">The name.</param>
    /// <param name="kind">What it names.</param>
    /// <param name="name">The name, where it can be one.</param>
    public static bool TryParse(string? text, NameKind kind, out SafeName name)
    {
        bool isSafe = text is not null && Fault(text, kind) is null;
        name = isSafe ? new SafeName(text!) : default;
        return isSafe;
    }

    /// <summary>Why a text cannot be such a name, a phrase with it; <c>null</c>: it can.</summary>
    /// <param name="text">The text.</param>
    /// <param name="kind">What it would name.</param>
    public static string? Fault(string? text, NameKind kind)
    {
        string shown = Shown(text ?? "");
        string? why = text is null
            ? "there is none"
            : kind switch
            {
                NameKind.Project => ProjectForm().IsMatch(text) ? null : "use 3 to 40 of a-z, 0-9 and '-'",
                NameKind.Run => RunForm().IsMatch(text) ? null : "use up to 100 of a-z, 0-9 and '-'",
                NameKind.File => FileFault(text),
                _ => PathFault(text),
            };
        string what = kind switch
        {
            NameKind.Project => "a project",
            NameKind.Run => "a run",
            NameKind.File => "a file",
            _ => "a file by its path",
        };
        return why is null ? null : $"'{shown}' cannot name {what}: {why}.";
    }

    public override string ToString() => Text;

    private static string? PathFault(string text) =>
        text.Length > MaxPathCharacters ? $"it is longer than {MaxPathCharacters} characters"
        : text.StartsWith('/') || DriveForm().IsMatch(text) ? "it is an absolute path"
        : text.Split('/').Select(FileFault).FirstOrDefault(f => f is not null);

    private static string? FileFault(string text) =>
        text.Length == 0 ? "a name in it is empty"
        : text is "." or ".." ? "it leads to another folder"
        : text.Length > MaxFileCharacters ? $"a name in it is longer than {MaxFileCharacters} characters"
        : text.AsSpan().IndexOfAny('/', '\\') >= 0 ? "it has a separator of folders in it"
        : text.Any(IsHidden) ? "it has a character in it that cannot be seen"
        : text[0] == ' ' || text[^1] is ' ' or '.' ? "it begins or ends with a blank, or ends with a full stop"
        : ReservedForm().IsMatch(text) ? "Windows keeps that name for a device"
        : null;

    /// <summary>Control characters, halves of surrogate pairs, and marks that turn the direction of a text.</summary>
    private static bool IsHidden(char c) =>
        char.IsControl(c) || c is (>= '\u2028' and <= '\u202E') or (>= '\u2066' and <= '\u2069') or '\uFEFF';

    private static string Shown(string text)
    {
        const int MaxShown = 80;
        string shown = string.Concat(
            text.Take(MaxShown)
                .Select(c =>
                    IsHidden(c) || char.IsSurrogate(c)
                        ? string.Create(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}")
                        : c.ToString()
                )
        );
        return text.Length > MaxShown ? shown + "…" : shown;
    }

    [GeneratedRegex(@"^[a-z0-9-]{3,40}\z", RegexOptions.CultureInvariant)]
    private static partial Regex ProjectForm();

    [GeneratedRegex(@"^[a-z0-9-]{1,100}\z", RegexOptions.CultureInvariant)]
    private static partial Regex RunForm();

    [GeneratedRegex(@"^[A-Za-z]:", RegexOptions.CultureInvariant)]
    private static partial Regex DriveForm();

    [GeneratedRegex(
        @"^(?:CON|PRN|AUX|NUL|COM\d|LPT\d)(?:\.|\z)",
        RegexOptions.IgnoreCase | RegexOptions.CultureInvariant
    )]
    private static partial Regex ReservedForm();
}

/// <summary>What a name names.</summary>
public enum NameKind
{
    /// <summary>A project.</summary>
    Project,

    /// <summary>A run.</summary>
    Run,

    /// <summary>One file, without a folder.</summary>
    File,

    /// <summary>A file within a folder, an archive or a container: names of files, parted by <c>/</c>.</summary>
    Path,
}
