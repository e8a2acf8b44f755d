using Pipeline.Datasets.Ingestion.Rows;

namespace Pipeline.Datasets.Ingestion.Formats;

/// <summary>
/// Whether a file of tab-separated values quotes its cells, as Excel and pandas write them. Most such files do not, and
/// a quotation mark in them is one of a text: quotes count only where every cell that begins with one ends with one,
/// every row has as many cells, and a cell holds what must be quoted or a row has two quoted cells.
/// </summary>
internal static class TabQuotes
{
    private const int HeadCharacters = 65_536;

    /// <summary>Whether quotes are the format's, by the file's beginning.</summary>
    public static bool AreUsed(RawFile file)
    {
        using MixedText text = MixedText.Open(file);
        char[] head = new char[HeadCharacters];
        int read = text.Reader.ReadBlock(head);
        return AreUsed(head.AsSpan(0, read), isWhole: read < head.Length);
    }

    private static bool AreUsed(ReadOnlySpan<char> text, bool isWhole)
    {
        (int cells, int width, int quoted, bool isNeeded) = (1, 0, 0, false);
        for (int at = 0; at < text.Length; at++)
        {
            if (text[at] == '"')
            {
                (int end, bool holdsMore) = EndOfQuoted(text, at);
                if (end < 0)
                {
                    return !isWhole && isNeeded; // the beginning breaks off within the cell
                }

                if (end < text.Length && text[end] is not ('\t' or '\r' or '\n'))
                {
                    return false; // a text that begins with a quotation
                }

                quoted++;
                isNeeded |= holdsMore || quoted == 2;
                at = end;
            }
            else
            {
                int length = text[at..].IndexOfAny("\t\r\n");
                at = length < 0 ? text.Length : at + length;
            }

            if (at < text.Length && text[at] == '\t')
            {
                cells++;
                continue;
            }

            if (width > 0 && cells != width && at < text.Length)
            {
                return false;
            }

            (width, cells, quoted) = (width == 0 ? cells : width, 1, 0);
            at += at + 1 < text.Length && text[at] == '\r' && text[at + 1] == '\n' ? 1 : 0;
        }

        return isNeeded;
    }

    /// <summary>
    /// Where a quoted cell ends, below 0: nowhere; and whether it holds a tab, a line end or a quote.
    /// </summary>
    private static (int End, bool HoldsMore) EndOfQuoted(ReadOnlySpan<char> text, int start)
    {
        bool holdsMore = false;
        for (int at = start + 1; at < text.Length; at++)
        {
            if (text[at] == '"')
            {
                if (at + 1 >= text.Length || text[at + 1] != '"')
                {
                    return (at + 1, holdsMore);
                }

                at++;
                holdsMore = true;
            }

            holdsMore |= text[at] is '\t' or '\r' or '\n';
        }

        return (-1, holdsMore);
    }
}
