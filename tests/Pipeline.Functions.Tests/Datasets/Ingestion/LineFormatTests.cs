using Pipeline.Datasets.Ingestion.Rows;
using static Pipeline.Functions.Tests.Datasets.Ingestion.RawFiles;

namespace Pipeline.Functions.Tests.Datasets.Ingestion;

/// <summary>Plain lines that carry tags or labels.</summary>
public sealed class LineFormatTests
{
    [Fact]
    public void Read_Conll_GivesSentencesWithSpans()
    {
        string conll =
            "-DOCSTART- -X- O O\n\n"
            + string.Concat(
                Enumerable.Repeat(
                    "Ada NNP B-PER\nLovelace NNP I-PER\nlives VBZ O\nin IN O\nLondon NNP B-LOC\n. . O\n\n",
                    4
                )
            )
            + "Paris\tB-LOC\nParis\tB-LOC\n";

        List<RawRow> rows = Read("a.txt", Utf8(conll)).Rows;

        Assert.Equal(5, rows.Count);
        Assert.Equal("Ada Lovelace lives in London .", rows[0].Fields["text"]);
        Assert.Equal(
            """[{"start":0,"end":12,"label":"PER"},{"start":22,"end":28,"label":"LOC"}]""",
            rows[0].Fields["spans"]
        );
        Assert.Equal(
            """[{"start":0,"end":5,"label":"LOC"},{"start":6,"end":11,"label":"LOC"}]""",
            rows[^1].Fields["spans"]
        );
        Assert.Equal(3, rows[0].Place.Line);
    }

    [Fact]
    public void Read_ConllWithLastTagsAndTabLines_KeepsSentencesAndNames()
    {
        List<RawRow> rows = Read(
            "a.conll",
            Utf8(string.Concat(Enumerable.Repeat("John\tB-PER\nSmith\tL-PER\nleft\tO\n\t\n", 6)))
        ).Rows;

        Assert.Equal(6, rows.Count);
        Assert.Equal("""[{"start":0,"end":10,"label":"PER"}]""", rows[0].Fields["spans"]);
    }

    [Fact]
    public void Read_LabelledLines_AreToldApart()
    {
        string trec = string.Concat(
            Enumerable
                .Range(0, 30)
                .Select(i =>
                    i % 3 == 0 ? $"NUM:dist How far is it to town {i} ?\n" : $"LOC:city Which city is number {i} ?\n"
                )
        );

        List<RawRow> rows = Read("a.txt", Utf8(trec)).Rows;

        Assert.Equal(("NUM:dist", "How far is it to town 0 ?"), (rows[0].Fields["label"], rows[0].Fields["text"]));
        Assert.Equal(30, rows.Count);
    }
}
