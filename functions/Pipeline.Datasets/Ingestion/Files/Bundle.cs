using Pipeline.Contracts;
using Pipeline.Datasets.Ingestion.Formats;
using Pipeline.Datasets.Ingestion.Rows;

namespace Pipeline.Datasets.Ingestion.Files;

/// <summary>
/// Several files that are one table only together: texts beside labels, a file or a folder a class, a mail a file.
/// </summary>
internal static class Bundle
{
    private const int MinInFolder = 2;
    private static readonly string[] SplitNames =
    [
        "train",
        "training",
        "dev",
        "valid",
        "validation",
        "val",
        "test",
        "testa",
        "testb",
        "eval",
        "all",
        "full",
        "sample",
    ];
    private static readonly string[] FormatExtensions =
    [
        ".txt",
        ".csv",
        ".tsv",
        ".tab",
        ".json",
        ".jsonl",
        ".ndjson",
        ".md",
        ".parquet",
        ".xlsx",
        ".conll",
        ".eml",
        ".xml",
        ".html",
        ".pdf",
    ];

    /// <summary>The rows of files that belong together; <c>null</c> when each is a table of its own.</summary>
    public static IEnumerable<RawRow>? Read(IReadOnlyList<RawFile> files, InputBudget budget, ReadingNotes notes) =>
        Parallel(files, budget, notes) ?? ClassFiles(files, budget, notes) ?? ClassFolders(files, budget, notes);

    /// <summary><c>…text…</c> beside <c>…label…</c>, line by line; <c>mapping</c> gives the labels' names.</summary>
    private static IEnumerable<RawRow>? Parallel(IReadOnlyList<RawFile> files, InputBudget budget, ReadingNotes notes)
    {
        List<(RawFile Text, RawFile Label)> pairs = [];
        foreach (
            RawFile label in files.Where(f =>
                IsPlain(f) && BaseName(f).Contains("label", StringComparison.OrdinalIgnoreCase)
            )
        )
        {
            string key = BaseName(label);
            RawFile? text = files.FirstOrDefault(f =>
                IsPlain(f)
                && f != label
                && Folder(f) == Folder(label)
                && ((string[])["text", "texts", "sentence", "sentences", "input", "inputs", "data"]).Any(w =>
                    Replace(key, "labels", w).Equals(BaseName(f), StringComparison.OrdinalIgnoreCase)
                    || Replace(key, "label", w).Equals(BaseName(f), StringComparison.OrdinalIgnoreCase)
                )
            );
            if (text is not null)
            {
                pairs.Add((text, label));
            }
        }

        if (pairs.Count == 0)
        {
            return null;
        }

        RawFile? mapping = files.FirstOrDefault(f =>
            IsPlain(f) && BaseName(f).Contains("mapping", StringComparison.OrdinalIgnoreCase)
        );
        Dictionary<string, string> names = mapping is null ? [] : Names(mapping);
        notes.Add(
            $"Texts and labels were taken line by line from {string.Join(", ", pairs.Select(p => $"'{p.Text.Name}' and '{p.Label.Name}'"))}{(mapping is null ? "" : $", the labels' names from '{mapping.Name}'")}."
        );
        Unused(files, pairs.SelectMany(p => (RawFile[])[p.Text, p.Label]).Append(mapping), notes);
        return pairs.SelectMany(p => budget.Spend(p.Text, Together(p.Text, p.Label, names, budget, notes), notes));
    }

    private static IEnumerable<RawRow> Together(
        RawFile textFile,
        RawFile labelFile,
        Dictionary<string, string> names,
        InputBudget budget,
        ReadingNotes notes
    )
    {
        using MixedText texts = MixedText.Open(textFile, budget);
        using MixedText labels = MixedText.Open(labelFile, budget);
        for (int line = 1; ; line++)
        {
            string? text = texts.ReadLine();
            string? label = labels.ReadLine();
            if (text is null && label is null)
            {
                break;
            }

            string? fault =
                text is null ? $"'{labelFile.Name}' goes on where '{textFile.Name}' has ended"
                : label is null ? $"'{textFile.Name}' goes on where '{labelFile.Name}' has ended"
                : texts.LineIsCut || labels.LineIsCut ? budget.LongRow
                : null;
            string name = label?.Trim() ?? "";
            yield return new RawRow(
                new RowPlace(textFile.Name, line, line, text is null ? -1 : texts.OffsetOf(line)),
                new Dictionary<string, string>
                {
                    ["text"] = text ?? "",
                    ["label"] = names.GetValueOrDefault(name, name),
                },
                fault
            );
        }

        notes.Read(textFile, texts);
    }

    /// <summary>
    /// The same name with other endings, which are no formats: <c>rt-polarity.pos</c>, <c>rt-polarity.neg</c>. A text a
    /// line.
    /// </summary>
    private static IEnumerable<RawRow>? ClassFiles(IReadOnlyList<RawFile> files, InputBudget budget, ReadingNotes notes)
    {
        List<RawFile> classes =
        [
            .. files
                .Where(f =>
                    Extension(f) is { Length: > 1 } e
                    && !FormatExtensions.Contains(e)
                    && !SplitNames.Contains(e[1..])
                    && e.Skip(1).All(char.IsLetter)
                )
                .GroupBy(f => f.Name[..^Extension(f).Length], StringComparer.Ordinal)
                .Where(g => g.Count() > 1)
                .OrderByDescending(g => g.Count())
                .FirstOrDefault()
                ?? Enumerable.Empty<RawFile>(),
        ];
        if (classes.Count == 0)
        {
            return null;
        }

        notes.Add(
            "Each line is a text and its file's ending is the label: "
                + $"{string.Join(", ", classes.Select(f => $"'{f.Name}'"))}."
        );
        Unused(files, classes, notes);
        return classes.SelectMany(f =>
            budget
                .Spend(f, PlainTextReader.Lines(f, budget, notes), notes)
                .Select(r =>
                    r with
                    {
                        Fields = new Dictionary<string, string>
                        {
                            ["text"] = r.Fields.GetValueOrDefault(PlainTextReader.Column, ""),
                            ["label"] = Extension(f)[1..],
                        },
                    }
                )
        );
    }

    /// <summary>A folder a class, a text or mail a file: <c>spam/0001.txt</c>, <c>ham/0001.txt</c>.</summary>
    private static IEnumerable<RawRow>? ClassFolders(
        IReadOnlyList<RawFile> files,
        InputBudget budget,
        ReadingNotes notes
    )
    {
        List<IGrouping<string, RawFile>> folders =
        [
            .. files
                .Where(f => !FormatExtensions.Contains(Extension(f)) || IsPlain(f) || Extension(f) == ".eml")
                .GroupBy(f => Folder(f), StringComparer.Ordinal),
        ];
        int deepest = folders.Count == 0 ? 0 : folders.Max(g => g.Key.Count(c => c == '/'));
        // an index or a list above the classes is none of them
        folders = [.. folders.Where(g => g.Key.Count(c => c == '/') == deepest)];
        bool classes =
            folders.Count > 1
            && folders.Count(g => g.Count() >= MinInFolder) > folders.Count / 2
            && folders.Select(g => LastPart(g.Key)).Distinct(StringComparer.OrdinalIgnoreCase).Count() > 1
            && !folders.TrueForAll(g => OwnSplit.Named(LastPart(g.Key)) is not null); // train/ and test/ are no classes
        bool mails = files.Count(f => Extension(f) == ".eml") > files.Count / 2;
        if (!classes && !mails)
        {
            return null;
        }

        List<RawFile> used = [.. folders.SelectMany(g => g)];
        notes.Add(
            classes
                ? "Each file is a text and its folder the label: "
                    + $"{string.Join(", ", folders.Select(g => LastPart(g.Key)).Distinct())}."
                : "Each file is a mail."
        );
        Unused(files, used, notes);
        return used.SelectMany(f =>
            budget
                .Spend(f, Mail.Read(f, budget, notes), notes)
                .Select(r =>
                    classes && r.Fault is null
                        ? r with
                        {
                            Fields = new Dictionary<string, string>(r.Fields) { ["label"] = LastPart(Folder(f)) },
                        }
                        : r
                )
        );
    }

    private static Dictionary<string, string> Names(RawFile mapping)
    {
        const int MaxNames = 100_000;
        using MixedText text = MixedText.Open(mapping);
        var names = new Dictionary<string, string>(StringComparer.Ordinal);
        while (names.Count < MaxNames && text.ReadLine() is { } line)
        {
            string[] parts = line.Split(
                (char[])['\t', ',', ' ', ':', '='],
                2,
                StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries
            );
            if (parts.Length == 2)
            {
                names[parts[0]] = parts[1];
            }
        }

        return names;
    }

    private static void Unused(IReadOnlyList<RawFile> files, IEnumerable<RawFile?> used, ReadingNotes notes)
    {
        string[] left = [.. files.Except(used.OfType<RawFile>()).Select(f => f.Name)];
        if (left.Length > 0)
        {
            notes.Add(
                "Not read, since they do not belong to it: "
                    + $"{string.Join(", ", left.Take(20))}{(left.Length > 20 ? $" and {left.Length - 20} more" : "")}."
            );
        }
    }

    private static bool IsPlain(RawFile file) => Extension(file) is "" or ".txt" or ".text" or ".md";

    private static string Extension(RawFile file) => Path.GetExtension(file.Name).ToLowerInvariant();

    private static string BaseName(RawFile file) => Path.GetFileNameWithoutExtension(file.Name);

    private static string Folder(RawFile file) =>
        file.Name.LastIndexOf('/') is var at && at >= 0 ? file.Name[..at] : "";

    private static string LastPart(string folder) => folder[(folder.LastIndexOf('/') + 1)..];

    private static string Replace(string text, string what, string with) =>
        text.Replace(what, with, StringComparison.OrdinalIgnoreCase);
}
