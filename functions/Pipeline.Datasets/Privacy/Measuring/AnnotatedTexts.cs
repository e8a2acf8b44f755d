using Pipeline.Contracts;
using Pipeline.Datasets.Ingestion;
using Pipeline.Datasets.Ingestion.Layouts;
using Pipeline.Datasets.Ingestion.Rows;

namespace Pipeline.Datasets.Privacy.Measuring;

/// <summary>Texts with the spans that people marked in them.</summary>
public static class AnnotatedTexts
{
    /// <summary>Measures what is found in a file against its annotations.</summary>
    /// <returns>The counts by type, the texts measured, and the rows that could not be read.</returns>
    /// <exception cref="DatasetException">The file cannot be read, or has no span annotations.</exception>
    public static (PrivacyMeasure Measure, int Texts, int Unread) Measure(RawFile file)
    {
        ArgumentNullException.ThrowIfNull(file);
        using var reader = new RawReader();
        List<RawRow> rows = [.. reader.Read(file)];
        if (LayoutRecognition.Recognize(rows, new ProjectSettings(), file.Name).Layout is not SpanAnnotations layout)
        {
            throw new DatasetException(
                DatasetFaultCode.NoColumn,
                $"'{file.Name}' has no span annotations: a text, and a list of start, end and type beside it."
            );
        }

        var measure = new PrivacyMeasure();
        (int texts, int unread) = (0, 0);
        foreach (RawRow row in rows)
        {
            if (row.Fault is not null || layout.Annotated(row) is not { Fault: null } annotated)
            {
                unread++;
                continue;
            }

            measure.Add(annotated.Spans, PrivacyScanner.Find(annotated.Text));
            texts++;
        }

        return (measure, texts, unread);
    }
}
