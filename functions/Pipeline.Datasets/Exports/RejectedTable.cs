using System.Data;
using Pipeline.Contracts;
using Pipeline.Datasets.Ingestion.Rows;
using Sylvan.Data.Csv;

namespace Pipeline.Datasets.Exports;

/// <summary>
/// The rejected rows alone as CSV, in the columns they came in and with the reason after: to be corrected in a
/// spreadsheet and dropped again. What a spreadsheet would run is a text there (<see cref="SpreadsheetText"/>).
/// </summary>
public static class RejectedTable
{
    /// <summary>The column that says what is wrong; a corrected table may keep it.</summary>
    public const string Why = "why rejected";

    /// <summary>Writes the table.</summary>
    /// <param name="rows">Lines of <c>rejected.jsonl</c>; duplicates, withdrawn rows and those that are not to be
    /// learned are passed over, for there is nothing to correct.</param>
    /// <param name="output">Takes the table up.</param>
    public static void Write(IEnumerable<RejectedRow> rows, TextWriter output)
    {
        ArgumentNullException.ThrowIfNull(rows);
        List<RejectedRow> correctable = [.. rows.Where(CanBeCorrected)];
        using var table = new DataTable();
        foreach (
            string column in correctable
                .SelectMany(r => r.Fields.Keys)
                .Where(c => c != Why)
                .Distinct(StringComparer.Ordinal)
                .Append(Why)
        )
        {
            table.Columns.Add(SpreadsheetText.Escape(column));
        }

        foreach (RejectedRow row in correctable)
        {
            DataRow line = table.NewRow();
            foreach ((string column, string value) in row.Fields)
            {
                line[SpreadsheetText.Escape(column)] = SpreadsheetText.Escape(value);
            }

            line[Why] = $"{row.Reason.Name()}: {row.Detail}";
            table.Rows.Add(line);
        }

        using DataTableReader reader = table.CreateDataReader();
        using CsvDataWriter writer = CsvDataWriter.Create(output, new CsvDataWriterOptions { NewLine = "\n" });
        writer.Write(reader);
    }

    /// <summary>Whether a person can make a good row of it.</summary>
    public static bool CanBeCorrected(RejectedRow row)
    {
        ArgumentNullException.ThrowIfNull(row);
        return row.Outcome == RejectionOutcome.Rejected
            && row.Reason
                is not (RejectionReason.Withdrawn or RejectionReason.Disapproved or RejectionReason.NothingToLearn)
            && row.Fields.Count > 0;
    }
}
