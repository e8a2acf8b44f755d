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
            "  seed: 5\n  templates:\n"
            + "    - { text: '{{name.firstName}} bought {{commerce.product}}', label: sale, count: 30 }\n";

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
    [InlineData("  templates: [ { text: 'x' } ]\n", "'synthesis.templates[0]' has no label or answer")]
    [InlineData("  locale: klingon\n", "use one of")]
    [InlineData("  model: { rows: 5 }\n", "'synthesis.model' has no deployment")]
    [InlineData("  model: { deployment: gpt, moneyBudget: 3 }\n", "cannot be kept without priceOfMillionIn")]
    [InlineData("  templates: [ { text: 'x', label: a, count: 0 } ]\n", "must lie between 1 and 100000")]
    public void Read_WrongSynthesis_NamesTheLineAndTheFix(string yaml, string message)
    {
        DatasetException fault = Assert.Throws<DatasetException>(() => Settings(yaml));

        Assert.Contains("line 2", fault.Message, StringComparison.Ordinal);
        Assert.Contains(message, fault.Message, StringComparison.Ordinal);
    }

    /// <summary>
    /// Synthetic rows are for training alone; one that equals or nearly equals a held-out row is rejected and reported;
    /// the split of people's rows stays.
    /// </summary>
    [Fact]
    public void Assemble_SyntheticRows_AreNeverHeldOutNorRepeatOthers()
    {
        DatasetRequest request = Request(new ProjectSettings(), new RawFile("a.csv", Encoding.UTF8.GetBytes(Reviews)));
        BuiltDataset without = BuiltDataset.From(request);
        SyntheticRow[] rows = OneSoundAndFiveUnusable(
            without.Rows(BlobLayout.TrainFile)[0],
            without.Rows(BlobLayout.TestFile)[0]
        );

        BuiltDataset with = BuiltDataset.From(
            request,
            synthetic: new SyntheticRows(true, rows, [new SynthesisSummary("templates", 6, 6, 0, 0, 0, 0, null)], [])
        );

        AssertOnlyTrainingGrewByOneRow(without, with);
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

    private static string Reviews =>
        "text,label\n"
        + string.Concat(
            Enumerable
                .Range(0, 60)
                .Select(i => i % 2 == 0 ? (i, Word: "kind", Label: "pos") : (i, Word: "rude", Label: "neg"))
                .Select(r => $"the crew of flight {r.i * 37} was {r.Word} to row {r.i},{r.Label}\n")
        );

    private static SyntheticRow[] OneSoundAndFiveUnusable(Example trained, Example heldOut)
    {
        SyntheticRow Create(string text, string label) =>
            new()
            {
                Text = text,
                Answer = label,
                Origin = new SyntheticOrigin("templates", "h", [trained.Id]),
            };

        return
        [
            Create("a wholly new remark about the breakfast on board", "pos"),
            Create(heldOut.Messages[1].Content, heldOut.Label!),
            Create(heldOut.Messages[1].Content + "!!!", heldOut.Label!),
            Create("another thing", "unknown"),
            Create(trained.Messages[1].Content, trained.Label == "pos" ? "neg" : "pos"),
            Create("doubtful words about a seat", "neg") with
            {
                Doubt = "two say two things",
            },
        ];
    }

    private static void AssertOnlyTrainingGrewByOneRow(BuiltDataset without, BuiltDataset with)
    {
        foreach (string file in (string[])[BlobLayout.ValidationFile, BlobLayout.TestFile])
        {
            Assert.Equal(without.Text(file), with.Text(file));
        }

        Example synthetic = Assert.Single(with.Rows(BlobLayout.TrainFile), r => r.Synthetic is not null);
        Assert.Equal(
            without.Text(BlobLayout.TrainFile) + ContractJson.Write(synthetic) + "\n",
            with.Text(BlobLayout.TrainFile)
        );
    }
}
