using System.Text;
using Pipeline.Contracts;
using Pipeline.Datasets.Ingestion.Rows;
using static Pipeline.Functions.Tests.Datasets.DemoDataset;

namespace Pipeline.Functions.Tests.Datasets;

/// <summary>What is learned as an answer, and which answers cannot be.</summary>
public sealed class AnswerDatasetTests
{
    [Fact]
    public void Build_InstructionRows_LearnTheFreeAnswer()
    {
        var settings = new ProjectSettings { Task = TaskKind.Instruction };

        BuiltDataset build = Build(
            "instruction,output\n" + string.Concat(Enumerable.Range(0, 20).Select(i => $"say {i},it is {i}\n")),
            settings
        );

        Assert.Null(build.Fault);
        Assert.Empty(build.Manifest.Labels);
        Assert.Contains(
            "[INST] say 3 [/INST] it is 3 </s>",
            string.Concat(build.Files.Values.Select(f => Encoding.UTF8.GetString(f))),
            StringComparison.Ordinal
        );
    }

    /// <summary>The escapes belong to the JSON that is learned; in a text they are accidents.</summary>
    [Fact]
    public void Build_ExtractionAnswers_KeepTheirEscapes()
    {
        string rows = string.Concat(
            Enumerable
                .Range(0, 20)
                .Select(i =>
                    ContractJson.Write(
                        new Dictionary<string, string>
                        {
                            ["text"] = $"item {i} &amp; more",
                            ["label"] = $$"""{"item":"5\u0022 pipe & co \u0026lt; {{i}}"}""",
                        }
                    ) + "\n"
                )
        );

        BuiltDataset build = BuiltDataset.From(
            Request(
                new ProjectSettings { Task = TaskKind.Extraction, HasExplicitTask = true },
                new RawFile("a.jsonl", Encoding.UTF8.GetBytes(rows))
            )
        );

        Example first = ContractJson.Read<Example>(build.Text(BlobLayout.TrainFile).Split('\n')[0]);
        Assert.Contains("& more", first.Messages[0].Content, StringComparison.Ordinal);
        Assert.Contains("5\\u0022 pipe", first.Messages[^1].Content, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("plain words")]
    [InlineData("[1, 2]")]
    [InlineData("{\"a\": 1, \"a\": 2}")]
    [InlineData("{\"a\": 1")]
    [InlineData("{\"a\": \"half \\ud83d\"}")]
    public void Build_ExtractionAnswerThatIsNoObject_IsRejected(string answer)
    {
        string rows =
            string.Concat(
                Enumerable
                    .Range(0, 20)
                    .Select(i =>
                        ContractJson.Write(
                            new Dictionary<string, string>
                            {
                                ["text"] = $"item {i} and more",
                                ["label"] = $$"""{"item":{{i}}}""",
                            }
                        ) + "\n"
                    )
            )
            + ContractJson.Write(new Dictionary<string, string> { ["text"] = "another thing", ["label"] = answer })
            + "\n";

        BuiltDataset build = BuiltDataset.From(
            Request(
                new ProjectSettings { Task = TaskKind.Extraction, HasExplicitTask = true },
                new RawFile("a.jsonl", Encoding.UTF8.GetBytes(rows))
            )
        );

        RejectedRow rejected = Assert.Single(build.Rejected());
        Assert.Equal(("a.jsonl#21", RejectionReason.InvalidAnswer), (rejected.Id, rejected.Reason));
        Assert.NotEqual("See the detail.", RejectionReasons.Advice(rejected.Reason));
        Assert.Equal(20, build.Manifest.Rows.Accepted);
    }

    [Fact]
    public void Build_AnswerThatTheTokenizerCannotWrite_IsOneRejectedRow()
    {
        BuiltDataset build = Build(
            "text,label\n"
                + Filler("pos", 20)
                + Filler("neg", 20)
                + "an odd one,a▁b\nan odd two,a▁b\nan odd three,a▁b\n"
        );

        Assert.Null(build.Fault);
        Assert.Equal([RejectionReason.InvalidText], build.Rejected().Select(r => r.Reason).Distinct());
    }
}
