namespace Pipeline.Datasets.Ingestion;

/// <summary>A file as it was dropped.</summary>
/// <param name="Name">Its name, without a folder.</param>
/// <param name="Bytes">All of it.</param>
public sealed record RawFile(string Name, ReadOnlyMemory<byte> Bytes);
