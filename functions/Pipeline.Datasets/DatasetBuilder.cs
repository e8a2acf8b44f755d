using System.Text;
using Pipeline.Contracts;
using Pipeline.Datasets.Auditing;
using Pipeline.Datasets.Ingestion;
using Pipeline.Datasets.Ingestion.Layouts;
using Pipeline.Datasets.Splitting;
using Pipeline.Datasets.Validation;

namespace Pipeline.Datasets;

/// <summary>Raw files to a dataset: read, choose columns, judge every row, split, write.</summary>
public static class DatasetBuilder
{
    /// <summary>Part of every dataset id; raised when the same input would give other files.</summary>
    internal const string Version = "4";

    /// <summary>Most labels that the default system prompt lists; more would crowd out the text.</summary>
    private const int MostListedLabels = 20;

    /// <summary>Builds the dataset.</summary>
    /// <exception cref="DatasetException">A file is empty, binary or unreadable, or its columns cannot be told.</exception>
    public static DatasetBuild Build(DatasetRequest request)
    {
        ArgumentNullException.ThrowIfNull(request);
        ProjectSettings settings = request.Settings;
        using var reader = new RawReader(settings.Task == ProjectSettings.TextTask, [.. ((string?[])[settings.Columns.Text, settings.Columns.Label]).OfType<string>()]);
        List<Input> inputs = [];
        foreach (RawFile file in request.Files)
        {
            inputs.Add(Read(reader, file, settings, inputs.Count == 0 ? null : inputs[0].Layout));
        }

        Input? testInput = request.TestFile is null ? null : Read(reader, request.TestFile, settings, inputs[0].Layout);
        settings = settings.TaskIsSaid ? settings : settings with { Task = inputs[0].Layout.Task };
        bool plain = settings.Task == ProjectSettings.TextTask;
        List<Input> all = [.. testInput is null ? [] : (Input[])[testInput], .. inputs];
        LabelBook? book = Book(settings, all);
        string? system = settings.SystemPrompt ?? DefaultSystemPrompt(book);
        var judge = new RowJudge(book, settings.Task, system, request.Encoder, settings.Validation.MaxTokens);

        var rejected = new List<RejectedRow>();
        List<Example> testRows = testInput is null ? [] : Judge(judge, testInput, rejected);
        List<Example> rows = [.. inputs.SelectMany(i => Judge(judge, i, rejected))];
        (rows, int[] clusters, NearDuplicateCounts near) = RepeatedRows.TakeOut(testRows, rows, settings.Validation.NearDuplicates == ValidationSettings.Drop, rejected);
        (IReadOnlyList<Example> train, IReadOnlyList<Example> validation, IReadOnlyList<Example> test) =
            StratifiedSplit.Divide(rows, clusters, settings.Split.Validation, request.TestFile is null ? settings.Split.Test : 0, settings.Split.Seed,
                plain ? [.. rows.Select(r => r.Messages[^1].Content.Length)] : null);
        test = request.TestFile is null ? test : testRows;
        if (plain)
        {
            IReadOnlyList<Example> Pieces(IReadOnlyList<Example> texts) => [.. texts.SelectMany(t => TextPieces.Of(t, request.Encoder, settings.Validation.MaxTokens))];
            (train, validation, test) = (Pieces(train), Pieces(validation), Pieces(test));
            (validation, test) = RepeatedRows.WithoutLearned(train, validation, test, reader.Notes);
        }

        var files = new Dictionary<string, byte[]>(StringComparer.Ordinal)
        {
            [BlobLayout.TrainFile] = Lines(train),
            [BlobLayout.ValidationFile] = Lines(validation),
            [BlobLayout.TestFile] = Lines(test),
            [BlobLayout.RejectedFile] = Lines(rejected),
        };
        DatasetAudit audit = new TokenAudit(request.Encoder, settings).Audit(request.DatasetId(), train, validation, test);
        files[BlobLayout.AuditFile] = ContractJson.WriteUtf8(audit, indented: true);
        int duplicates = rejected.Count(r => r.Outcome == RejectedRow.Duplicate);
        List<Example> accepted = [.. testRows, .. rows];
        var manifest = new DatasetManifest
        {
            DatasetId = request.DatasetId(),
            Project = request.Project,
            Task = settings.Task,
            Labels = book is null ? [] : [.. accepted.Select(e => e.Label!).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)],
            SystemPrompt = system ?? "",
            Columns = inputs[0].Layout.Columns,
            Layout = inputs[0].Layout.Name,
            Notes = reader.Notes.Said,
            Sources = [.. request.Files.Append(request.TestFile).OfType<RawFile>().Select(f => new SourceFile(f.Name, f.Length, f.Sha256))],
            Rows = new RowCounts(all.Sum(i => i.Rows.Count), accepted.Count, rejected.Count - duplicates, duplicates, train.Count, validation.Count, test.Count),
            Reasons = Count(rejected.Select(r => r.Reason)),
            NearDuplicates = near,
            RowsByLabel = Count(accepted.Select(e => e.Label).OfType<string>()),
            Base = settings.Base,
            Template = request.Encoder.Template.Name,
            TokenizerSha256 = request.TokenizerSha256,
            LongestTokens = judge.LongestTokens,
            Files = files.ToDictionary(f => f.Key, f => ContentHash.Of(f.Value), StringComparer.Ordinal),
            Settings = settings,
        };
        files[BlobLayout.ManifestFile] = ContractJson.WriteUtf8(manifest, indented: true);
        return new DatasetBuild(manifest, files, FaultOf(manifest, train, test) ?? FaultOf(audit), audit);
    }

    private static Input Read(RawReader reader, RawFile file, ProjectSettings settings, RowLayout? first)
    {
        List<RawRow> rows = [.. reader.Read(file)];
        bool alike = first is TextAndLabel or TextAlone && ((string[])[first.Columns.Text, first.Columns.Label]).All(c => c.Length == 0 || rows.Any(r => r.Fields.ContainsKey(c)));
        return new Input(rows, alike ? first! : LayoutRecognition.Of(rows, first is null ? settings : settings with { Columns = new() }, file.Name));
    }

    private static LabelBook? Book(ProjectSettings settings, List<Input> inputs)
    {
        if (settings.Task != ProjectSettings.ClassificationTask)
        {
            return null;
        }

        return settings.Labels.Count > 0
            ? LabelBook.From(settings.Labels)
            : LabelBook.FromData(inputs.SelectMany(i => i.Rows.Where(r => r.Fault is null).Select(r => TextCleaning.Clean(r.Fields.GetValueOrDefault(i.Layout.Columns.Label, "")))));
    }

    private static string? DefaultSystemPrompt(LabelBook? book) => book switch
    {
        null => null,
        { Labels.Count: <= MostListedLabels } => $"You label a text. Answer with one of: {string.Join(", ", book.Labels)}.",
        _ => "You label a text. Answer with its label alone.",
    };

    private static List<Example> Judge(RowJudge judge, Input input, List<RejectedRow> rejected)
    {
        var accepted = new List<Example>();
        foreach (RawRow row in input.Rows)
        {
            (Example? example, RejectedRow? rejection) = judge.Judge(row, input.Layout);
            if (example is not null)
            {
                accepted.Add(example);
            }
            else
            {
                rejected.Add(rejection!);
            }
        }

        return accepted;
    }

    private static DatasetException? FaultOf(DatasetManifest manifest, IReadOnlyList<Example> train, IReadOnlyList<Example> test)
    {
        if (manifest.Rows.Accepted == 0)
        {
            return new DatasetException(DatasetException.NothingAccepted, $"All {manifest.Rows.Read} rows were rejected ({Said(manifest.Reasons)}); see {BlobLayout.RejectedFile}.");
        }

        if (manifest.Task == ProjectSettings.ClassificationTask && manifest.Labels.Count < 2)
        {
            return new DatasetException(DatasetException.OneLabel, $"Every accepted row has the label '{manifest.Labels[0]}'; at least two labels are needed to learn a difference.");
        }

        return train.Count == 0 || test.Count == 0
            ? new DatasetException(DatasetException.NothingAccepted, $"{manifest.Rows.Accepted} accepted rows leave {train.Count} to train and {test.Count} to test on{(manifest.Reasons.Count > 0 ? $" ({Said(manifest.Reasons)})" : "")}{(manifest.NearDuplicates.Rows > 0 ? $"; {manifest.NearDuplicates.Rows} of them are nearly the same as others, and those are never parted" : "")}; more rows are needed.")
            : null;
    }

    private static DatasetException? FaultOf(DatasetAudit audit) => audit.Passed()
        ? null
        : new DatasetException(DatasetException.AuditFailed, string.Join(" ", audit.Checks.Where(c => c.Level == AuditCheck.Red).Select(c => $"The audit stops here: {c.Name}: {c.Value}, {c.Detail}; {c.Fix}.")));

    private static string Said(IReadOnlyDictionary<string, int> reasons) => string.Join(", ", reasons.Select(r => $"{r.Key} {r.Value}"));

    private static SortedDictionary<string, int> Count(IEnumerable<string> values) =>
        new(values.CountBy(v => v, StringComparer.Ordinal).ToDictionary(), StringComparer.Ordinal);

    private static byte[] Lines<T>(IReadOnlyList<T> rows)
    {
        var text = new StringBuilder();
        foreach (T row in rows)
        {
            text.Append(ContractJson.Write(row)).Append('\n');
        }

        return Encoding.UTF8.GetBytes(text.ToString());
    }

    /// <summary>The rows of a file and their form.</summary>
    private sealed record Input(IReadOnlyList<RawRow> Rows, RowLayout Layout);
}
