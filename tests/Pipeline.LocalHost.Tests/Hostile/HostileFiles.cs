using System.IO.Compression;
using System.Text;

namespace Pipeline.LocalHost.Tests.Hostile;

/// <summary>Files that are too large to be kept, made when they are needed.</summary>
internal static class HostileFiles
{
    private const int RowCount = 60;

    private static readonly Dictionary<string, Action<string>> Writers = new()
    {
        ["a line of 2 GB.txt"] = path => Repeat(path, "", "abcdefg ", 2L << 30, "\n"),
        ["a string of 1 GB.jsonl"] = path =>
            Repeat(path, Json("a") + "{\"text\":\"", "abcdefgh", 1L << 30, "\",\"label\":\"x\"}\n" + Json("b")),
        ["an element of 40 MB.json"] = path =>
        {
            string rows = Json("a").ReplaceLineEndings(",");
            Repeat(
                path,
                $"[{rows}{{\"text\":[",
                "\"abcdefgh\",",
                40L << 20,
                $"\"\"]}},{Json("b").TrimEnd().ReplaceLineEndings(",")}]"
            );
        },
        ["one object of 80 MB.json"] = path =>
            Repeat(path, "{\n\"data\":[", "{\"text\":\"a b c\",\"label\":\"x\"},\n", 80L << 20, "{}]}"),
        ["a million columns.csv"] = path => File.WriteAllText(path, Numbers("c") + "\n" + Numbers("") + "\n"),
        ["a row of a million cells.csv"] = path =>
            File.WriteAllText(path, "text,label\n" + Csv("a") + Numbers("") + "\n" + Csv("b")),
        ["a quotation mark that is never closed.csv"] = path =>
            Repeat(
                path,
                "text,label\n" + Csv("a") + "\"never closed,x\n",
                new string('a', 500) + ",x\n",
                17L << 20,
                "last,x\n"
            ),
        ["20,000 different keys.jsonl"] = path =>
            File.WriteAllLines(
                path,
                Enumerable
                    .Range(0, 20_000)
                    .Select(i => $"{{\"key{i}\":\"v\",\"text\":\"text {i} is here\",\"label\":\"{"ab"[i % 2]}\"}}")
            ),
        ["only different keys.jsonl"] = path =>
            File.WriteAllLines(path, Enumerable.Range(0, 20_000).Select(i => $"{{\"key{i}\":\"v{i}\"}}")),
        ["wide rows with different keys.jsonl"] = path =>
            File.WriteAllLines(
                path,
                Enumerable
                    .Range(0, 20)
                    .Select(i =>
                        $"{{{string.Join(',', Enumerable.Range(0, 500).Select(j => $"\"k{(i * 500) + j}\":1"))}}}"
                    )
            ),
        ["300,000 entries.zip"] = path => ManyEntries(path),
        ["a name of 900 MB.tar.gz"] = path => LongName(path, 900 << 20),
        ["33 million cells.xlsx"] = path =>
            Workbook(path, w => Rows(w, 2000, i => $"<row r=\"{i}\"><c r=\"XFD{i}\"/></row>")),
        ["33 million cells in fewer columns.xlsx"] = path =>
            Workbook(path, w => Rows(w, 12_000, i => $"<row r=\"{i}\"><c r=\"CVA{i}\"/></row>")),
        ["a cell of 900 MB.xlsx"] = path => Workbook(path, LongCell),
        ["parts nested 10,000 deep.eml"] = path =>
            File.WriteAllText(path, Mail + string.Concat(Enumerable.Range(0, 10_000).Select(Nested)) + "\r\nhello"),
        ["32 MB of nested messages.eml"] = path =>
            Repeat(path, Mail, "Content-Type: message/rfc822\r\n\r\n", 32L << 20, "\r\nhello"),
        ["32 MB of parts side by side.eml"] = path =>
            Repeat(path, Mail + Multipart(0), "--b0\r\n\r\nx\r\n", 32L << 20, "--b0--\r\n"),
    };

    /// <summary>Makes a file.</summary>
    /// <param name="kind">Which one.</param>
    /// <param name="path">Where to write it.</param>
    public static void Write(string kind, string path) => Writers[kind](path);

    private const string Mail = "From: a@example.com\r\nSubject: hello\r\nMIME-Version: 1.0\r\n";

    private static string Multipart(int number) => $"Content-Type: multipart/mixed; boundary=\"b{number}\"\r\n\r\n";

    private static string Nested(int number) => $"{Multipart(number)}--b{number}\r\n";

    private static string Json(string word) =>
        string.Concat(
            Enumerable
                .Range(0, RowCount)
                .Select(i => $"{{\"text\":\"text {word} {i} is here\",\"label\":\"{"xy"[i % 2]}\"}}\n")
        );

    private static string Csv(string word) =>
        string.Concat(Enumerable.Range(0, RowCount).Select(i => $"text {word} {i} is here,{"xy"[i % 2]}\n"));

    private static string Numbers(string prefix) =>
        string.Join(',', Enumerable.Range(0, 1_000_000).Select(i => $"{prefix}{i}"));

    private static void Repeat(string path, string begin, string unit, long bytes, string end)
    {
        using FileStream file = File.Create(path);
        file.Write(Encoding.UTF8.GetBytes(begin));
        byte[] block = Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat(unit, (4 << 20) / unit.Length)));
        for (long written = 0; written < bytes; written += block.Length)
        {
            file.Write(block);
        }

        file.Write(Encoding.UTF8.GetBytes(end));
    }

    private static void ManyEntries(string path)
    {
        using FileStream file = File.Create(path);
        using var archive = new ZipArchive(file, ZipArchiveMode.Create);
        for (int i = 0; i < 300_000; i++)
        {
            archive.CreateEntry($"f{i}.txt", CompressionLevel.NoCompression);
        }
    }

    /// <summary>A TAR whose first entry (type <c>L</c>) says that the next one's name has so many bytes.</summary>
    private static void LongName(string path, int bytes)
    {
        byte[] header = new byte[512];
        "longname"u8.CopyTo(header);
        Encoding
            .ASCII.GetBytes("0000644\00000000\00000000\0" + Convert.ToString(bytes, 8).PadLeft(11, '0') + "\0")
            .CopyTo(header, 100);
        "00000000000\0        L"u8.CopyTo(header.AsSpan(136));
        "ustar  \0"u8.CopyTo(header.AsSpan(257));
        Encoding.ASCII.GetBytes(Convert.ToString(header.Sum(b => b), 8).PadLeft(6, '0') + "\0 ").CopyTo(header, 148);
        using var file = new GZipStream(File.Create(path), CompressionLevel.Fastest);
        file.Write(header);
        byte[] block = Encoding.ASCII.GetBytes(new string('a', 1 << 20));
        for (int written = 0; written < bytes; written += block.Length)
        {
            file.Write(block);
        }
    }

    private static void Rows(StreamWriter sheet, int count, Func<int, string> row)
    {
        for (int i = 1; i <= count; i++)
        {
            sheet.Write(row(i));
        }
    }

    private static void LongCell(StreamWriter sheet)
    {
        sheet.Write("<row r=\"1\"><c r=\"A1\" t=\"inlineStr\"><is><t>");
        string block = new('a', 1 << 20);
        for (int i = 0; i < 900; i++)
        {
            sheet.Write(block);
        }

        sheet.Write("</t></is></c></row>");
    }

    private static void Workbook(string path, Action<StreamWriter> rows)
    {
        const string Office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
        const string Package = "http://schemas.openxmlformats.org/package/2006";
        const string Main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
        using FileStream file = File.Create(path);
        using var archive = new ZipArchive(file, ZipArchiveMode.Create);
        Part(
            "[Content_Types].xml",
            $"<Types xmlns=\"{Package}/content-types\"><Default Extension=\"xml\" ContentType=\"application/xml\"/></Types>"
        );
        Part("_rels/.rels", Relationship($"{Office}/officeDocument", "xl/workbook.xml"));
        Part(
            "xl/workbook.xml",
            $"<workbook xmlns=\"{Main}\" xmlns:r=\"{Office}\"><sheets><sheet name=\"a\" sheetId=\"1\" r:id=\"r1\"/></sheets></workbook>"
        );
        Part("xl/_rels/workbook.xml.rels", Relationship($"{Office}/worksheet", "worksheets/sheet1.xml"));
        using var sheet = new StreamWriter(archive.CreateEntry("xl/worksheets/sheet1.xml").Open());
        sheet.Write($"<worksheet xmlns=\"{Main}\"><sheetData>");
        rows(sheet);
        sheet.Write("</sheetData></worksheet>");

        void Part(string name, string content)
        {
            using var part = new StreamWriter(archive.CreateEntry(name).Open());
            part.Write(content);
        }

        string Relationship(string type, string target) =>
            $"<Relationships xmlns=\"{Package}/relationships\"><Relationship Id=\"r1\" Type=\"{type}\" Target=\"{target}\"/></Relationships>";
    }
}
