namespace Pipeline.Functions.Tests.Datasets.Ingestion;

/// <summary>A row as the writers of Parquet and of spreadsheets take it; its names are the columns'.</summary>
public sealed class LabelledText
{
    public string text { get; set; } = "";
    public string label { get; set; } = "";
}
