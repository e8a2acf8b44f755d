namespace Pipeline.Contracts;

/// <summary>The place of a row in what a person dropped.</summary>
/// <param name="File">The file's name as it was dropped.</param>
/// <param name="Row">1 for the first data row; a header is not counted.</param>
/// <param name="Line">The line of the file on which the row starts, from 1; 0 where the format has none.</param>
/// <param name="Offset">The byte of the unpacked file at which the row starts; -1 where the format does not
/// tell.</param>
public sealed record RowPlace(string File, int Row, int Line, long Offset = -1);
