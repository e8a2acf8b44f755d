using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;
using Pipeline.Contracts;
using Pipeline.Datasets.Ingestion.Rows;
using Pipeline.Functions.Tests.Datasets;
using Pipeline.Reporting.Baselines;

namespace Pipeline.Functions.Tests.Reporting.Baselines;

public sealed class LinearModelTests
{
    private static List<(string Text, string Label)> Labelled(int rows)
    {
        string[] good = ["fast", "lovely", "clean"];
        string[] bad = ["slow", "awful", "dirty"];
        var random = new Random(3);
        return
        [
            .. Enumerable
                .Range(0, rows)
                .Select(i =>
                    i % 4 == 0
                        ? ($"The train's {bad[random.Next(3)]}, again ({i})!", "bad")
                        : ($"Today the coffee: {good[random.Next(3)]}…  #{i}", "good")
                ),
        ];
    }

    /// <summary>The sample of before, on which the same kind of model of scikit-learn reaches 93.5 %.</summary>
    [Fact]
    public void Train_SampleOfBefore_IsWithin15PointsOfScikitLearn()
    {
        string folder = RepositoryFiles.At("tests", "Golden", "sample-of-before");
        BuiltDataset built = BuiltDataset.FromFiles(
            [RawFile.FromPath(Path.Combine(folder, "tweets.csv"))],
            File.ReadAllText(Path.Combine(folder, "project.yaml"))
        );

        using LinearModel model = BaselineScores.TrainLinear(
            [.. built.Rows(BlobLayout.TrainFile)],
            built.Manifest.Labels
        )!;

        double right = built
            .Rows(BlobLayout.TestFile)
            .Average(e => model.Predict(e.Messages[^2].Content) == e.Label ? 1.0 : 0);
        Assert.InRange(right, 0.92, 0.95);
    }

    /// <summary>Real posts; the figures of scikit-learn lie beside them.</summary>
    [Theory]
    [InlineData("tweets3", 0.544)]
    [InlineData("polarity2", 0.793)]
    public void Train_RealTexts_IsWithin15PointsOfScikitLearn(string name, double expected)
    {
        List<(string Text, string Label)> train = Split(name, "train");
        List<(string Text, string Label)> test = Split(name, "test");

        using LinearModel model = LinearModel.Train(train);

        double right = test.Average(t => model.Predict(t.Text) == t.Label ? 1.0 : 0);
        Assert.InRange(right, expected - 0.015, expected + 0.015);
    }

    [Fact]
    public void WriteOnnx_AnyText_IsAnsweredAsByTheModel()
    {
        using LinearModel model = LinearModel.Train(Labelled(120));
        using var file = new MemoryStream();

        model.WriteOnnx(file);

        using var options = new SessionOptions { LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_ERROR };
        using var session = new InferenceSession(file.ToArray(), options);
        Assert.Equal(["Text"], session.InputMetadata.Keys);
        Assert.Equal(["Answer.output", "Score.output"], session.OutputMetadata.Keys.Order(StringComparer.Ordinal));
        string[] texts =
        [
            .. Labelled(300).Select(r => r.Text),
            "",
            "never seen: Ünknown 😀",
            "it's\tslow\n\nand fast?",
        ];
        foreach (string text in texts)
        {
            var input = new DenseTensor<string>(new[] { LinearModel.Prepare(text) }, [1, 1]);
            using IDisposableReadOnlyCollection<DisposableNamedOnnxValue> answer = session.Run([
                NamedOnnxValue.CreateFromTensor("Text", input),
            ]);
            Assert.Equal(model.Predict(text), answer.Single(a => a.Name == "Answer.output").AsTensor<string>()[0, 0]);
            float[] expected = [.. model.Probabilities(text)];
            float[] given = [.. answer.Single(a => a.Name == "Score.output").AsTensor<float>()];
            Assert.Equal(expected.Length, given.Length);
            Assert.All(expected.Zip(given), p => Assert.Equal(p.First, p.Second, 1e-5f));
        }
    }

    [Fact]
    public void Train_RareLabel_CountsAsMuchAsTheFrequentOne()
    {
        List<(string Text, string Label)> rows =
        [
            .. Enumerable.Range(0, 95).Select(i => ($"word{i % 5}", "frequent")),
            .. Enumerable.Range(0, 5).Select(i => ($"word{i % 5}", "rare")),
        ];

        using LinearModel model = LinearModel.Train(rows);

        Assert.All(model.Probabilities("word1"), p => Assert.Equal(0.5f, p, 0.02f));
    }

    [Fact]
    public void Train_SameRows_GivesTheSameFile()
    {
        byte[] Write()
        {
            using LinearModel model = LinearModel.Train(Labelled(60));
            using var file = new MemoryStream();
            model.WriteOnnx(file);
            return file.ToArray();
        }

        Assert.Equal(Write(), Write());
    }

    [Fact]
    public void Train_MoreCharactersThanItReads_TakesADrawAndCountsIt()
    {
        string text = new('a', LinearModel.MaxCharacters / 10);
        List<(string Text, string Label)> rows =
        [
            .. Enumerable.Range(0, 20).Select(i => (i % 2 == 0 ? $"x {text}" : $"y {text}", i % 2 == 0 ? "x" : "y")),
        ];

        using LinearModel model = LinearModel.Train(rows);

        Assert.Equal(9, model.Rows);
    }

    [Fact]
    public void Train_OneLabel_IsRefused() =>
        Assert.Throws<ArgumentException>(() => LinearModel.Train([("a", "x"), ("b", "x")]));

    private static List<(string Text, string Label)> Split(string name, string part) =>
        [
            .. File.ReadLines(RepositoryFiles.Shared("data", "splits", $"{name}.{part}.tsv"))
                .Skip(1)
                .Select(line => line.Split('\t', 2))
                .Select(c => (c[1], c[0])),
        ];
}
