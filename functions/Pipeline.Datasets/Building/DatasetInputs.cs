using Pipeline.Contracts;
using Pipeline.Datasets.Exports;
using Pipeline.Datasets.Ingestion;
using Pipeline.Datasets.Ingestion.Layouts;
using Pipeline.Datasets.Ingestion.Rows;

namespace Pipeline.Datasets.Building;

/// <summary>
/// The files of a dataset, opened: each with the layout of its rows, recognised from the first ones. A test set of its
/// own comes first, and before it the guard set.
/// </summary>
public sealed class DatasetInputs : IDisposable
{
    private const int RowsSampled = 1000;
    private const int FaultyRowsSampled = 20_000;
    private const long CharactersSampled = 32L << 20;
    private readonly RawReader _reader;
    private readonly HashSet<string> _without;
    private readonly ReviewedTexts _reviewed;

    /// <summary>Opens the files.</summary>
    /// <exception cref="DatasetException">A file is empty, binary or unreadable, or its columns are not
    /// recognised.</exception>
    public DatasetInputs(DatasetRequest request)
    {
        ArgumentNullException.ThrowIfNull(request);
        ProjectSettings settings = request.Settings;
        _without = [.. request.Without];
        _reader = new RawReader(
            settings.Task == TaskKind.Text,
            [.. ((string?[])[settings.Columns.Text, settings.Columns.Label]).OfType<string>()],
            settings.Limits
        );
        try
        {
            RequireDifferentFiles(request);
            _reviewed = Corrections.Reviewed(request);
            RowLayout? first = null;
            List<DatasetInput> inputs = [];
            foreach (RawFile file in request.Files)
            {
                inputs.Add(Open(file, settings, first, isTest: false));
                first ??= inputs[0].Layout;
            }

            Layout = first!;
            Settings = settings.HasExplicitTask ? settings : settings with { Task = Layout.Task };
            if (request.Corrections is { } corrections && Settings.Task != TaskKind.Text)
            {
                // Of rows that say the same the first is kept.
                inputs.Insert(0, OpenCorrections(corrections, CorrectionKind.Named));
                inputs.Add(OpenCorrections(corrections, CorrectionKind.Unnamed));
            }

            if (request.TestFile is not null)
            {
                inputs.Insert(0, Open(request.TestFile, settings, first, isTest: true));
            }

            if (request.GuardFile is { } guard)
            {
                inputs.Insert(0, OpenGuard(guard));
            }

            All =
            [
                .. inputs.Select(i =>
                    i is { Correction: null, IsTest: false }
                        ? i with
                        {
                            Layout = new ReviewedRows(i.Layout, _reviewed),
                        }
                        : i
                ),
            ];
        }
        catch
        {
            _reader.Dispose();
            throw;
        }
    }

    /// <summary>The files in the order in which their rows are validated.</summary>
    public IReadOnlyList<DatasetInput> All { get; }

    /// <summary>The task of the guard set's rows; <c>null</c>: there is no guard set.</summary>
    public TaskKind? GuardTask { get; private set; }

    /// <summary>The layout of the file that was uploaded.</summary>
    public RowLayout Layout { get; }

    /// <summary>The project's settings, with the task that the layout gives where they have none.</summary>
    public ProjectSettings Settings { get; }

    /// <summary>By what the data has a split of its own, in words; <c>null</c>: it has none.</summary>
    public string? OwnSplitBy { get; private set; }

    /// <summary>What was noticed on the way.</summary>
    public ReadingNotes Notes => _reader.Notes;

    public void Dispose() => _reader.Dispose();

    private DatasetInput Open(RawFile file, ProjectSettings settings, RowLayout? first, bool isTest)
    {
        IEnumerable<RawRow> rows = _reader.Read(file);
        List<RawRow> sample = Sample(rows);
        if (sample.TrueForAll(r => r.Fault is not null && !r.IsWithdrawn))
        {
            throw new DatasetException(
                DatasetFaultCode.UnreadableFile,
                $"None of the first {sample.Count:N0} rows of '{file.Name}' can be read; the first: {sample[0].Fault}."
            );
        }

        new InputBudget(settings.Limits).RequireColumns(
            file.Name,
            sample.SelectMany(r => r.Fields.Keys).Distinct(StringComparer.Ordinal).Count()
        );

        bool isCorrected = sample.Exists(r => r.Fields.ContainsKey(RejectedTable.Why));
        if (isCorrected)
        {
            rows = rows.Select(SpreadsheetText.Unescape);
            sample = [.. sample.Select(SpreadsheetText.Unescape)];
        }

        bool alike = first is TextAndLabel or TextAlone && HasColumns(sample, first.Columns);
        (RowLayout layout, string? evidence) =
            alike ? new RecognizedLayout(first!, null)
            : settings.Review.Unlabelled && first is null && !isTest ? Unlabelled(sample, settings, file.Name)
            : LayoutRecognition.Recognize(
                sample,
                first is null ? settings : settings with { Columns = new() },
                file.Name
            );
        string? splitColumn = isTest ? null : OwnSplit.ColumnOf(sample, layout.Used);
        if (first is null)
        {
            if (evidence is not null)
            {
                Notes.Add(evidence);
            }

            NoteUnread(sample, layout, splitColumn, settings.Columns, file.Name);
            OwnSplitBy = SplitOf(sample, splitColumn);
        }

        Func<RowRange, IEnumerable<RawRow>>? ranges = isCorrected ? null : _reader.Ranges(file);
        bool hasOwnSplit = !isTest && !settings.Split.Mix;
        return new DatasetInput(
            file,
            layout,
            isTest,
            ranges is not null,
            range => Without(WithSide(range is null ? rows : ranges!(range), hasOwnSplit, splitColumn))
        );
    }

    /// <exception cref="DatasetException">The same file is to be two things.</exception>
    private static void RequireDifferentFiles(DatasetRequest request)
    {
        IEnumerable<(string What, string? Name)> files =
        [
            ("the dropped file", request.Files[0].Name),
            ("split.test", request.TestFile?.Name),
            ("promotion.guard", request.GuardFile?.Name),
        ];
        if (files.Where(f => f.Name is not null).GroupBy(f => f.Name).FirstOrDefault(g => g.Count() > 1) is { } same)
        {
            throw new DatasetException(
                DatasetFaultCode.InvalidSettings,
                $"'{same.Key}' is {string.Join(" and ", same.Select(f => f.What))} at once; use different files."
            );
        }
    }

    private static bool HasColumns(List<RawRow> sample, ColumnReading columns) =>
        ((string[])[columns.Text, columns.Label]).All(c =>
            c.Length == 0 || sample.Exists(r => r.Fields.ContainsKey(c) || r[c].Kind != CellKind.Missing)
        );

    /// <summary>
    /// The guard set: of the project's task where its rows have the form of the project's, or point to that task by
    /// themselves; else questions with free answers.
    /// </summary>
    private DatasetInput OpenGuard(RawFile file)
    {
        if (Settings.Task == TaskKind.Text)
        {
            throw new DatasetException(
                DatasetFaultCode.InvalidSettings,
                "project.yaml names promotion.guard, and the task is text: plain texts have no answers to guard. "
                    + "Leave it out."
            );
        }

        bool isUnlabelled = Settings.Review.Unlabelled;
        ProjectSettings free = Settings with { HasExplicitTask = false, Columns = new(), Labels = [] };
        DatasetInput input = Open(file, isUnlabelled ? Settings : free, Layout, isTest: true);
        RowLayout layout = input.Layout;
        bool isProjects =
            isUnlabelled
            || layout.Task == Settings.Task
            || ReferenceEquals(layout, Layout)
            || (layout.Name == Layout.Name && layout is not TextAndLabel);
        TaskKind task =
            isProjects ? Settings.Task
            : layout.OtherTasks.Contains(TaskKind.Instruction) ? TaskKind.Instruction
            : layout.Task;
        GuardTask = task;
        Notes.Add(
            $"'{file.Name}' is the guard set, read as {layout.Name}, task {task.Name()}; nothing is learned from it."
        );
        return input with { IsGuard = true };
    }

    /// <summary>A file of texts without answers.</summary>
    private RecognizedLayout Unlabelled(List<RawRow> sample, ProjectSettings settings, string fileName)
    {
        if (settings.Task == TaskKind.Text)
        {
            throw new DatasetException(
                DatasetFaultCode.InvalidSettings,
                "project.yaml says task: text, which learns no answers, and review.unlabelled; leave one of them out."
            );
        }

        if (settings.Columns.AlsoText.Count > 0)
        {
            throw new DatasetException(
                DatasetFaultCode.InvalidSettings,
                "project.yaml names columns.alsoText and says review.unlabelled; texts without answers are of one "
                    + "column: put them together in it."
            );
        }

        if (settings.Columns.Label is { } label)
        {
            throw new DatasetException(
                DatasetFaultCode.InvalidSettings,
                $"project.yaml names columns.label '{label}' and says review.unlabelled, that there are no answers; "
                    + "leave one of them out."
            );
        }

        ColumnReading columns = ColumnGuess.ChooseText(sample, settings.Columns, fileName);
        return new RecognizedLayout(
            new UnlabelledTexts(columns, settings.Task, _reviewed),
            settings.Columns.Text is null ? $"The texts without answers are in column '{columns.Text}'." : null
        );
    }

    /// <summary>The corrections of one kind.</summary>
    private DatasetInput OpenCorrections(RawFile file, CorrectionKind kind)
    {
        IEnumerable<RawRow> rows = _reader.Read(file);
        return new DatasetInput(
            file,
            Corrections.Layout(Layout, Settings),
            IsTest: false,
            SupportsRanges: false,
            _ =>
                Without(rows)
                    .Where(r => Corrections.IsNamed(r) == (kind == CorrectionKind.Named) && Corrections.Teaches(r))
                    .Select(r => Corrections.Placed(r, Settings.Columns.Reviewer))
        )
        {
            Correction = kind,
        };
    }

    /// <summary>The first rows, by which the layout is recognised: so many, and so long together.</summary>
    private static List<RawRow> Sample(IEnumerable<RawRow> rows)
    {
        List<RawRow> sample = [];
        (int sound, long length) = (0, 0);
        foreach (RawRow row in rows)
        {
            sample.Add(row);
            sound += row.Fault is null ? 1 : 0;
            length += row.Length;
            if (sound == RowsSampled || sample.Count == FaultyRowsSampled || length > CharactersSampled)
            {
                break;
            }
        }

        return sample;
    }

    /// <summary>Rows with the side that their column says, or without any where none is kept.</summary>
    private static IEnumerable<RawRow> WithSide(IEnumerable<RawRow> rows, bool hasOwnSplit, string? column) =>
        !hasOwnSplit ? rows.Select(r => r.Split is null ? r : r with { Split = null })
        : column is null ? rows
        : rows.Select(r => OwnSplit.Read(r, column));

    private static string? SplitOf(List<RawRow> sample, string? column) =>
        column is not null ? $"column '{column}'"
        : sample.Exists(r => r.Split is not null) ? "the names of its files or lists"
        : null;

    /// <summary>Says which columns nothing is learned from, so that none is dropped in silence.</summary>
    /// <exception cref="DatasetException">A guess would leave texts unread.</exception>
    private void NoteUnread(
        List<RawRow> sample,
        RowLayout layout,
        string? splitColumn,
        ColumnSettings columns,
        string fileName
    )
    {
        HashSet<string> used =
        [
            .. layout.Used.Select(u => u.Split('.', '[')[0]),
            .. layout.Used,
            .. columns.Reviewer is { } reviewer ? [reviewer] : ColumnSettings.ReviewerNames,
            .. splitColumn is null ? (string[])[] : [splitColumn],
        ];
        string[] unread =
        [
            .. sample
                .Where(r => r.Fault is null)
                .SelectMany(r => r.Fields.Keys)
                .Distinct(StringComparer.Ordinal)
                .Where(c => !used.Contains(c)),
        ];
        if (
            columns.Text is null
            && UnreadTexts.Question(sample, layout, unread.Except(columns.Ignore), fileName) is { } question
        )
        {
            throw question;
        }

        if (layout.Used.Contains(Messages.Tools) && sample.Exists(r => r[Messages.Tools].Text is not ("" or "[]")))
        {
            Notes.Add(
                $"Column '{Messages.Tools}' is added to the system text; calls of functions are learned as JSON."
            );
        }

        if (unread.Length > 0)
        {
            Notes.Add($"Not read of '{fileName}': {ReadingNotes.List(unread)}.");
        }
    }

    /// <summary>Withdrawn rows keep their places and lose their content.</summary>
    private IEnumerable<RawRow> Without(IEnumerable<RawRow> rows) =>
        _without.Count == 0
            ? rows
            : rows.Select(r =>
                _without.Contains(r.Id)
                    ? r with
                    {
                        Fields = new Dictionary<string, string>(),
                        Kinds = null,
                        Fault = RawRow.Withdrawn,
                        IsWithdrawn = true,
                    }
                    : r
            );
}

/// <summary>A file of a dataset.</summary>
/// <param name="File">As it was dropped.</param>
/// <param name="Layout">The form of its rows.</param>
/// <param name="IsTest">Whether it is the test set.</param>
/// <param name="SupportsRanges">Whether its format can be read by ranges of bytes.</param>
/// <param name="Rows">Its rows, or those of a part.</param>
public sealed record DatasetInput(
    RawFile File,
    RowLayout Layout,
    bool IsTest,
    bool SupportsRanges,
    Func<RowRange?, IEnumerable<RawRow>> Rows
)
{
    /// <summary>Which corrections its rows are; <c>null</c>: they are data.</summary>
    public CorrectionKind? Correction { get; init; }

    /// <summary>Whether it is the guard set.</summary>
    public bool IsGuard { get; init; }
}
