using Pipeline.Contracts;
using Pipeline.Functions.Tests.Datasets;
using Pipeline.Reporting.Baselines;
using Pipeline.Reporting.Pages;

namespace Pipeline.Functions.Tests.Reporting.Baselines;

/// <summary>What needs no language model is known before anything is trained.</summary>
public sealed class DatasetBaselinesTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("baselines-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Forecast_OfADataset_IsWhatTheReportSaysAfterwards()
    {
        BuiltDataset built = WriteDataset();

        BaselineForecast forecast = DatasetBaselines.Forecast(_folder, built.Manifest.Labels)!;

        List<Example> train = built.Rows(BlobLayout.TrainFile);
        List<Example> test = built.Rows(BlobLayout.TestFile);
        using LinearModel linear = BaselineScores.TrainLinear(train, built.Manifest.Labels)!;
        foreach ((Baseline kind, string[] answers) in BaselineScores.Answers(train, test, linear))
        {
            Assert.Equal(
                (double)answers.Zip(test).Count(p => p.First == p.Second.Label) / test.Count,
                forecast.Scores[kind].Accuracy,
                1e-12
            );
        }

        Assert.Equal((train.Count, test.Count), (forecast.LearnedRows, forecast.TestRows));
        Assert.Contains(
            "Before you pay for a GPU: A linear model",
            AuditPage.Write(built.Manifest, built.Audit, forecast)
        );
    }

    [Fact]
    public void Forecast_OfALongFile_LearnsAShareOfItsRows()
    {
        BuiltDataset built = WriteDataset();
        long length = built.Files[BlobLayout.TrainFile].Length;

        BaselineForecast half = DatasetBaselines.Forecast(_folder, built.Manifest.Labels, length / 2, length)!;

        Assert.InRange(half.LearnedRows, 0.4 * built.Manifest.Rows.Train, 0.6 * built.Manifest.Rows.Train);
        Assert.Equal(built.Manifest.Rows.Test, half.TestRows);
    }

    [Fact]
    public void Forecast_WithoutLabelsOrRows_IsNone()
    {
        BuiltDataset built = WriteDataset();
        Assert.Null(DatasetBaselines.Forecast(_folder, []));

        File.WriteAllText(Path.Combine(_folder, BlobLayout.TestFile), "");

        Assert.Null(DatasetBaselines.Forecast(_folder, built.Manifest.Labels));
    }

    private BuiltDataset WriteDataset()
    {
        var random = new Random(1);
        string[] words = ["harbour", "window", "engine", "garden", "letter", "mirror", "ticket", "carpet"];
        string Text(int i) => string.Join(' ', Enumerable.Range(0, 7).Select(_ => words[random.Next(8)])) + $" {i}";
        BuiltDataset built = DemoDataset.Build(
            "text,label\n"
                + string.Concat(
                    Enumerable
                        .Range(0, 300)
                        .Select(i => $"{Text(i)} {(i % 10 == 0 ? "late" : "early")},{"ab"[i % 2]}\n")
                )
        );
        foreach (string file in (string[])[BlobLayout.TrainFile, BlobLayout.TestFile])
        {
            File.WriteAllBytes(Path.Combine(_folder, file), built.Files[file]);
        }

        return built;
    }
}
