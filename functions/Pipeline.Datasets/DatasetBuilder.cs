using Pipeline.Contracts;
using Pipeline.Datasets.Building;

namespace Pipeline.Datasets;

/// <summary>Raw files to a dataset, in one process: read once to plan, judge every row, take out what repeats, split, write. No more than a few rows are held at a time.</summary>
public static class DatasetBuilder
{
    /// <summary>Part of every dataset id; raised when the same input would give other files.</summary>
    internal const string Version = "5";

    /// <summary>Reads all rows once, to learn what they have in common and where they can be divided.</summary>
    /// <param name="request">What the dataset is made of.</param>
    /// <param name="partBytes">Bytes a part, where a file can be divided; the dataset is the same whatever they are.</param>
    /// <exception cref="DatasetException">A file is empty, binary or unreadable, or its columns cannot be told.</exception>
    public static DatasetPlan Plan(DatasetRequest request, long partBytes)
    {
        ArgumentNullException.ThrowIfNull(request);
        using var inputs = new DatasetInputs(request);
        return DatasetPlanner.Plan(request, inputs, partBytes);
    }

    /// <summary>Judges the rows of one part.</summary>
    /// <param name="request">What the dataset is made of.</param>
    /// <param name="plan">Its plan.</param>
    /// <param name="part">The part's index in the plan.</param>
    /// <param name="output">Takes the part up.</param>
    public static void BuildPart(DatasetRequest request, DatasetPlan plan, int part, Stream output)
    {
        ArgumentNullException.ThrowIfNull(plan);
        using var inputs = new DatasetInputs(request);
        new PartBuilder(request, plan).Write(inputs, plan.Parts[part], output);
    }

    /// <summary>Makes the dataset of its parts.</summary>
    /// <param name="request">What it is made of; its files are not read.</param>
    /// <param name="plan">Its plan.</param>
    /// <param name="parts">The parts' streams in the plan's order, seekable; closed at the end.</param>
    /// <param name="folder">Where its files are written.</param>
    public static DatasetBuild Assemble(DatasetRequest request, DatasetPlan plan, IEnumerable<Stream> parts, string folder)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(plan);
        Directory.CreateDirectory(folder);
        using var rows = new PartRows(Path.Combine(folder, BlobLayout.RejectedFile), plan.Task == ProjectSettings.TextTask);
        foreach ((Stream stream, DatasetPart part) in parts.Zip(plan.Parts))
        {
            rows.Add(stream, part.IsTest);
        }

        return new DatasetAssembler(request, plan, rows).Assemble(folder);
    }

    /// <summary>Builds the dataset.</summary>
    /// <param name="request">What it is made of.</param>
    /// <param name="folder">Where its files are written.</param>
    /// <param name="partBytes">Bytes a part; the dataset is the same whatever they are.</param>
    /// <exception cref="DatasetException">A file is empty, binary or unreadable, or its columns cannot be told.</exception>
    public static DatasetBuild Build(DatasetRequest request, string folder, long partBytes = long.MaxValue)
    {
        ArgumentNullException.ThrowIfNull(request);
        using var inputs = new DatasetInputs(request);
        DatasetPlan plan = DatasetPlanner.Plan(request, inputs, partBytes);
        var builder = new PartBuilder(request, plan);
        Stream Part(DatasetPart part)
        {
            Stream stream = Scratch();
            builder.Write(inputs, part, stream);
            stream.Position = 0;
            return stream;
        }

        return Assemble(request, plan, plan.Parts.Select(Part), folder);
    }

    /// <summary>A file that is gone when it is closed.</summary>
    private static FileStream Scratch() =>
        new(Path.Combine(Path.GetTempPath(), $"pipeline-part-{Guid.NewGuid():N}"), FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None, 1 << 16, FileOptions.DeleteOnClose);
}
