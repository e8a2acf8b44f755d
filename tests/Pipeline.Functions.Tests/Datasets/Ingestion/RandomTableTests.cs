using CsCheck;
using Pipeline.Contracts;
using Pipeline.Datasets;
using Pipeline.Datasets.Ingestion;
using Pipeline.Datasets.Ingestion.Layouts;
using Pipeline.Datasets.Ingestion.Rows;

namespace Pipeline.Functions.Tests.Datasets.Ingestion;

/// <summary>
/// Random tables, of every format, encoding, order of columns and type of cells, read back to exactly what they say, or
/// are refused.
/// </summary>
public sealed class RandomTableTests
{
    private const int Tables = 5_000;

    /// <summary>A reader that refused everything would pass too; so few may be refused.</summary>
    private const double MaxRefused = 0.02;

    static RandomTableTests() => System.Text.Encoding.RegisterProvider(System.Text.CodePagesEncodingProvider.Instance);

    [Fact]
    public void Read_RandomTables_GivesTheirMeaningOrRefuses()
    {
        int refused = 0;
        // the seed of a table that fails is printed; give it as seed: "…" to see that table again
        RandomTable.Gen.Sample(
            table =>
            {
                if (Read(table) is not { } read)
                {
                    Interlocked.Increment(ref refused);
                    return true;
                }

                return read.SequenceEqual(table.Meaning);
            },
            iter: Tables,
            print: Describe
        );

        Assert.True(refused <= MaxRefused * Tables, $"{refused} of {Tables} tables were refused");
    }

    /// <summary>What was read; <c>null</c>: the table was refused.</summary>
    private static IReadOnlyList<(string Text, string? Label)>? Read(RandomTable table)
    {
        try
        {
            using var reader = new RawReader();
            List<RawRow> rows = [.. reader.Read(new RawFile(table.FileName, table.Write()))];
            // Eight bits without a mark are a guess by statistics, which is said: no silent misreading.
            if (table.IsUnmarked && reader.Notes.Sentences.Any(IsAnotherCodePage))
            {
                return null;
            }

            RowLayout layout = LayoutRecognition.Recognize(rows, new ProjectSettings(), table.FileName).Layout;
            return [.. rows.Select(r => Read(r, layout))];
        }
        catch (DatasetException)
        {
            return null;
        }
    }

    private static bool IsAnotherCodePage(string note) =>
        note.Contains("was read as", StringComparison.Ordinal) && !note.Contains("1252", StringComparison.Ordinal);

    private static (string Text, string? Label) Read(RawRow row, RowLayout layout)
    {
        if (row.Fault is not null)
        {
            return (row.Fault, "fault");
        }

        RowContent content = layout.Map(row, TaskKind.Classification);
        return content.Reason switch
        {
            null => (content.Messages[0].Content, content.Messages[^1].Content),
            RejectionReason.MissingLabel => (row[layout.Columns.Text].Text, null),
            { } reason => (reason.Name(), content.Detail),
        };
    }

    private static string Describe(RandomTable table) =>
        $"{table.FileName} {table.Format} encoding {table.Encoding} {table.Kind}, "
        + $"columns {table.TextName} {table.LabelName}, "
        + $"extras {string.Join(' ', table.Extras)}\n{System.Text.Encoding.UTF8.GetString(table.Write())}\n"
        + $"read: {(Read(table) is { } read ? string.Join(" | ", read) : "refused")}\n"
        + $"meant: {string.Join(" | ", table.Meaning)}";
}
