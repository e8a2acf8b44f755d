using Pipeline.Contracts;
using Pipeline.Datasets.Synthesis;

namespace Pipeline.Datasets.Building;

/// <summary>
/// Raw files to a dataset, in one process: read once to plan, validate every row, reject what repeats, split, write. No
/// more than a few rows are held at a time.
/// </summary>
public static class DatasetBuilder
{
    /// <summary>Part of every dataset id; raised when the same input would give other files.</summary>
    internal const string Version = "10";

    /// <summary>Reads all rows once, to learn what they have in common and where they can be divided.</summary>
    /// <param name="request">What the dataset is made of.</param>
    /// <param name="partBytes">Bytes a part, where a file can be divided; the dataset is the same whatever they
    /// are.</param>
    /// <exception cref="DatasetException">A file is empty, binary or unreadable, or its columns cannot be
    /// told.</exception>
    public static DatasetPlan Plan(DatasetRequest request, long partBytes)
    {
        ArgumentNullException.ThrowIfNull(request);
        using var inputs = new DatasetInputs(request);
        return DatasetPlanner.Plan(request, inputs, partBytes);
    }

    /// <summary>Validates the rows of one part.</summary>
    /// <param name="request">What the dataset is made of.</param>
    /// <param name="plan">Its plan.</param>
    /// <param name="part">The part's index in the plan.</param>
    /// <param name="output">Takes the part up.</param>
    public static void BuildPart(DatasetRequest request, DatasetPlan plan, int part, Stream output)
    {
        ArgumentNullException.ThrowIfNull(plan);
        using var inputs = new DatasetInputs(request);
        new PartBuilder(request, plan.For(plan.Parts[part])).Write(inputs, plan.Parts[part], output);
    }

    /// <summary>Makes the dataset of its parts.</summary>
    /// <param name="request">What it is made of; its files are not read.</param>
    /// <param name="plan">Its plan.</param>
    /// <param name="parts">The parts' streams in the plan's order, seekable.</param>
    /// <param name="folder">Where its files are written.</param>
    /// <param name="synthetic">Synthetic rows; <c>null</c>: none.</param>
    public static DatasetBuild Assemble(
        DatasetRequest request,
        DatasetPlan plan,
        IEnumerable<Stream> parts,
        string folder,
        SyntheticRows? synthetic = null
    )
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(plan);
        Directory.CreateDirectory(folder);
        using var rows = new PartRows(Path.Combine(folder, BlobLayout.RejectedFile), plan.Task == TaskKind.Text);
        using Stream syntheticPart = Scratch();
        new PartBuilder(request, plan).Write(synthetic?.Rows ?? [], syntheticPart);
        rows.Add(
            [
                .. parts.Zip(plan.Parts, (s, p) => new RowPart(s, KindOf(p), p.Correction is not null)),
                new RowPart(syntheticPart, RowKind.Synthetic, false),
            ],
            plan.HasOwnSplit
        );
        return new DatasetAssembler(request, plan, rows, synthetic).Assemble(folder);
    }

    private static RowKind KindOf(DatasetPart part) =>
        part.IsGuard ? RowKind.Guard
        : part.IsTest ? RowKind.TestSet
        : part.Correction == CorrectionKind.Unnamed ? RowKind.Unnamed
        : RowKind.Dropped;

    /// <summary>Builds the dataset from what was dropped, without synthetic rows.</summary>
    /// <param name="request">What it is made of.</param>
    /// <param name="folder">Where its files are written.</param>
    /// <param name="partBytes">Bytes a part; the dataset is the same whatever they are.</param>
    /// <exception cref="DatasetException">A file is empty, binary or unreadable, or its columns cannot be
    /// told.</exception>
    public static DatasetBuild Build(DatasetRequest request, string folder, long partBytes = long.MaxValue)
    {
        using var inputs = new DatasetInputs(request);
        DatasetPlan plan = DatasetPlanner.Plan(request, inputs, partBytes);
        List<Stream> parts = Parts(request, inputs, plan);
        try
        {
            return Assemble(request, plan, parts, folder);
        }
        finally
        {
            parts.ForEach(p => p.Dispose());
        }
    }

    /// <summary>
    /// Builds the dataset with the synthetic rows that project.yaml requests. They are made after the split, of
    /// training rows alone.
    /// </summary>
    /// <param name="request">What it is made of.</param>
    /// <param name="folder">Where its files are written.</param>
    /// <param name="synthesis">Makes the rows.</param>
    /// <param name="cancellation">Ends the calls to a model.</param>
    /// <exception cref="DatasetException">A file is empty, binary or unreadable, its columns cannot be told, or a
    /// model's key or deployment are wrong.</exception>
    public static async Task<DatasetBuild> BuildAsync(
        DatasetRequest request,
        string folder,
        RowSynthesis synthesis,
        CancellationToken cancellation
    )
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(synthesis);
        using var inputs = new DatasetInputs(request);
        DatasetPlan plan = DatasetPlanner.Plan(request, inputs, long.MaxValue);
        List<Stream> parts = Parts(request, inputs, plan);
        try
        {
            DatasetBuild build = Assemble(request, plan, parts, folder);
            if (!request.Settings.Synthesis.IsRequested || build.Manifest.Rows.Train == 0)
            {
                return build;
            }

            SyntheticRows made = await synthesis
                .MakeAsync(
                    build.Manifest.Settings,
                    build.Manifest.Labels,
                    TrainingRows(build),
                    CancellationToken.None,
                    cancellation
                )
                .ConfigureAwait(false);
            return Assemble(request, plan, parts, folder, made);
        }
        finally
        {
            parts.ForEach(p => p.Dispose());
        }
    }

    /// <summary>The rows of a built dataset that are learned from.</summary>
    public static IReadOnlyList<Example> TrainingRows(DatasetBuild build)
    {
        ArgumentNullException.ThrowIfNull(build);
        return
        [
            .. File.ReadLines(Path.Combine(build.Folder, BlobLayout.TrainFile))
                .Select(l => ContractJson.Read<Example>(l)),
        ];
    }

    private static List<Stream> Parts(DatasetRequest request, DatasetInputs inputs, DatasetPlan plan)
    {
        var builder = new PartBuilder(request, plan);
        List<Stream> parts = [];
        foreach (DatasetPart part in plan.Parts)
        {
            parts.Add(Scratch());
            (part.IsGuard ? new PartBuilder(request, plan.For(part)) : builder).Write(inputs, part, parts[^1]);
        }

        return parts;
    }

    /// <summary>A file that is gone when it is closed.</summary>
    private static FileStream Scratch() =>
        new(
            Path.Combine(Path.GetTempPath(), $"pipeline-part-{Guid.NewGuid():N}"),
            FileMode.CreateNew,
            FileAccess.ReadWrite,
            FileShare.None,
            1 << 16,
            FileOptions.DeleteOnClose
        );
}
