using System.Text;
using Pipeline.Contracts;
using Pipeline.Datasets;
using Pipeline.Datasets.Building;
using Pipeline.Datasets.Configuration;
using Pipeline.Datasets.Ingestion.Rows;
using Pipeline.Datasets.Synthesis;
using static Pipeline.Functions.Tests.Datasets.DemoDataset;

namespace Pipeline.Functions.Tests.Datasets.Synthesis;

public sealed class TemplateSynthesisTests
{
    private static SynthesisSettings Settings(string yaml) => ProjectFile.Read($"synthesis:\n{yaml}").Synthesis;

    [Fact]
    public void Rows_SameSettings_AreTheSameAndOneTemplateMoreChangesNoOther()
    {
        string one =
            "  seed: 5\n  templates:\n    - { text: '{{name.firstName}} bought {{commerce.product}}', label: sale, count: 30 }\n";

        List<string> first = [.. TemplateSynthesis.Rows(Settings(one), true).Select(r => r.Text)];

        Assert.Equal(first, TemplateSynthesis.Rows(Settings(one), true).Select(r => r.Text));
        Assert.Equal(
            first,
            TemplateSynthesis
                .Rows(Settings(one + "    - { text: 'none', label: other }\n"), true)
                .Take(30)
                .Select(r => r.Text)
        );
        Assert.NotEqual(
            first,
            TemplateSynthesis
                .Rows(Settings(one.Replace("seed: 5", "seed: 6", StringComparison.Ordinal)), true)
                .Select(r => r.Text)
        );
        Assert.True(first.Distinct().Count() > 25);
        Assert.DoesNotContain(first, t => t.Contains('{', StringComparison.Ordinal));
    }

    [Fact]
    public void Rows_OtherLocale_SpeakAnotherLanguage() =>
        Assert.Contains(
            TemplateSynthesis.Rows(
                Settings("  locale: ru\n  templates: [ { text: '{{name.firstName}}', label: a, count: 20 } ]\n"),
                true
            ),
            r => r.Text.Any(c => c is >= 'А' and <= 'я')
        );

    [Fact]
    public void Rows_FreeAnswers_AreFilledToo() =>
        Assert.All(
            TemplateSynthesis.Rows(
                Settings("  templates: [ { text: 'who is it', answer: '{{name.fullName}}' } ]\n"),
                false
            ),
            r => Assert.Contains(' ', r.Answer)
        );

    [Theory]
    [InlineData("  templates: [ { text: '{{nobody.knows}}', label: a } ]\n", "Bogus cannot fill it")]
    [InlineData("  templates: [ { text: 'x' } ]\n", "without a label or an answer")]
    [InlineData("  locale: klingon\n", "use one of")]
    [InlineData("  model: { rows: 5 }\n", "names no deployment")]
    [InlineData("  model: { deployment: gpt, moneyBudget: 3 }\n", "cannot be kept without priceOfMillionIn")]
    [InlineData("  templates: [ { text: 'x', label: a, count: 0 } ]\n", "must lie between 1 and 100000")]
    public void Read_WrongSynthesis_NamesTheLineAndTheFix(string yaml, string said)
    {
        DatasetException fault = Assert.Throws<DatasetException>(() => Settings(yaml));

        Assert.Contains("line 2", fault.Message, StringComparison.Ordinal);
        Assert.Contains(said, fault.Message, StringComparison.Ordinal);
    }

    /// <summary>
    /// Made rows are learned from alone; one that is, or nearly is, a held-out row is left out and says so; the split
    /// of people's rows stays.
    /// </summary>
    [Fact]
    public void Assemble_MadeRows_AreNeverHeldOutNorRepeatWhatIs()
    {
        string csv =
            "text,label\n"
            + string.Concat(
                Enumerable
                    .Range(0, 60)
                    .Select(i =>
                        $"the crew of flight {i * 37} was {(i % 2 == 0 ? "kind" : "rude")} to row {i},{(i % 2 == 0 ? "pos" : "neg")}\n"
                    )
            );
        DatasetRequest request = Request(new ProjectSettings(), new RawFile("a.csv", Encoding.UTF8.GetBytes(csv)));
        BuiltDataset without = BuiltDataset.Of(request);
        Example heldOut = without.Rows(BlobLayout.TestFile)[0];
        Example learned = without.Rows(BlobLayout.TrainFile)[0];
        SyntheticRow Made(string text, string label) =>
            new()
            {
                Text = text,
                Answer = label,
                Origin = new SyntheticOrigin("templates", "h", [learned.Id]),
            };
        SyntheticRow[] rows =
        [
            Made("a wholly new remark about the breakfast on board", "pos"),
            Made(heldOut.Messages[1].Content, heldOut.Label!),
            Made(heldOut.Messages[1].Content + "!!!", heldOut.Label!),
            Made("another thing", "unknown"),
            Made(learned.Messages[1].Content, learned.Label == "pos" ? "neg" : "pos"),
            Made("doubtful words about a seat", "neg") with
            {
                Doubt = "two say two things",
            },
        ];

        BuiltDataset with = BuiltDataset.Of(
            request,
            made: new SyntheticRows(true, rows, [new SynthesisSummary("templates", 6, 6, 0, 0, 0, 0, null)], [])
        );

        foreach (string file in (string[])[BlobLayout.ValidationFile, BlobLayout.TestFile])
        {
            Assert.Equal(without.Text(file), with.Text(file));
        }

        Example made = Assert.Single(with.Rows(BlobLayout.TrainFile), r => r.Synthetic is not null);
        Assert.Equal(
            without.Text(BlobLayout.TrainFile) + ContractJson.Write(made) + "\n",
            with.Text(BlobLayout.TrainFile)
        );
        Assert.Equal(
            [
                (RejectionReason.Duplicate, "made by templates#2"),
                (RejectionReason.NearDuplicate, "made by templates#3"),
                (RejectionReason.UnknownLabel, "made by templates#4"),
                (RejectionReason.ConflictingLabel, "made by templates#5"),
                (RejectionReason.LabelDisputed, "made by templates#6"),
            ],
            with.Rejected().Select(r => (r.Reason, r.Id)).OrderBy(r => r.Id, StringComparer.Ordinal)
        );
        Assert.Equal(
            (1, 66, 61),
            (with.Manifest.Synthesis[0].Learned, with.Manifest.Rows.Read, with.Manifest.Rows.Accepted)
        );
        Assert.NotEqual(without.Manifest.DatasetId, with.Manifest.DatasetId);
    }
}
