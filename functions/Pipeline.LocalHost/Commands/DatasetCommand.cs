using System.CommandLine;
using Pipeline.Contracts;
using Pipeline.Datasets;
using Pipeline.Datasets.Configuration;
using Pipeline.Datasets.Ingestion;
using Pipeline.Functions;
using Pipeline.LocalHost.Processes;
using Pipeline.LocalHost.Samples;
using Pipeline.Reporting.Pages;
using Pipeline.Tokenization;

namespace Pipeline.LocalHost.Commands;

/// <summary><c>dataset build</c>, offline and without storage, and <c>dataset sample</c>, which writes the demo's raw file anew.</summary>
internal static class DatasetCommand
{
    public static Command Create()
    {
        var project = new Option<string?>("--project") { Description = "project.yaml; default: every default" };
        var input = new Option<string>("--input") { Required = true, Description = "The raw file" };
        var output = new Option<string>("--out") { Required = true, Description = "Folder that will hold the dataset" };
        var build = new Command("build", "Build a dataset from a raw file, offline") { project, input, output };
        build.SetAction(parsed => Build(parsed.GetValue(project), parsed.GetRequiredValue(input), parsed.GetRequiredValue(output)));
        var file = new Option<string>("--out") { Required = true, Description = "The file" };
        var sample = new Command("sample", "Write the demo's raw file") { file };
        sample.SetAction(parsed => File.WriteAllBytes(parsed.GetRequiredValue(file), TweetSample.Csv()));
        return new Command("dataset", "Datasets without storage") { build, sample };
    }

    private static int Build(string? projectFile, string input, string output)
    {
        foreach (string path in ((string?[])[projectFile, input]).OfType<string>())
        {
            if (!File.Exists(path) && !(path == input && Directory.Exists(path)))
            {
                throw new HostException($"'{path}' does not exist.");
            }
        }

        ProjectSettings settings = ProjectFile.Read(projectFile is null ? "" : File.ReadAllText(projectFile));
        string models = Environment.GetEnvironmentVariable("PIPELINE_MODELS") is { Length: > 0 } said ? said : RepositoryLayout.Models;
        (ChatEncoder encoder, string sha256) = new BaseCatalog(new BaseModelFolders(models)).EncoderFor(settings);
        string? test = settings.Split.TestFile is { } name ? Path.Combine(Path.GetDirectoryName(Path.GetFullPath(input))!, name) : null;
        if (test is not null && !File.Exists(test))
        {
            throw new HostException($"split.test names '{settings.Split.TestFile}', which does not lie beside '{input}'.");
        }

        var request = new DatasetRequest
        {
            Project = "local", Settings = settings, Files = [Read(input)], TestFile = test is null ? null : Read(test), Encoder = encoder, TokenizerSha256 = sha256,
        };
        DatasetBuild build = DatasetBuilder.Build(request, output);
        File.WriteAllText(Path.Combine(output, BlobLayout.AuditPageFile), AuditPage.Write(build.Manifest, build.Audit));
        RowCounts rows = build.Manifest.Rows;
        Console.WriteLine($"{rows.Read} rows read = {rows.Accepted} accepted + {rows.Rejected} rejected + {rows.Duplicates} duplicates; {(build.Manifest.Task == ProjectSettings.TextTask ? "in pieces: " : "")}{rows.Train} to train, {rows.Validation} to validate, {rows.Test} to test");
        Console.WriteLine($"Read as {build.Manifest.Layout}, task {build.Manifest.Task}{(settings.TaskIsSaid ? "" : " (guessed)")}; text from '{build.Manifest.Columns.Text}'{(build.Manifest.Columns.Label.Length > 0 ? $", answer from '{build.Manifest.Columns.Label}'" : "")}{(build.Manifest.Columns.Guessed ? " (guessed)" : "")}.");
        if (build.Manifest.NearDuplicates is { Clusters: > 0 } near)
        {
            Console.WriteLine($"{near.Rows} rows are nearly the same as others, in {near.Clusters} clusters of up to {near.Largest}{(near.Conflicting > 0 ? $", {near.Conflicting} of them with different labels" : "")}; none is parted by the split.");
        }

        foreach (string note in build.Manifest.Notes)
        {
            Console.WriteLine(note);
        }

        foreach ((string reason, int count) in build.Manifest.Reasons)
        {
            Console.WriteLine($"  {reason} {count}");
        }

        Console.WriteLine(AuditPage.Verdict(build.Audit));
        return build.Fault is null ? 0 : throw build.Fault;
    }

    private static RawFile Read(string path) => Directory.Exists(path) ? RawFile.FromFolder(path) : RawFile.FromPath(path);
}
