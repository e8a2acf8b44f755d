using System.Globalization;
using System.Text.Json.Nodes;
using Pipeline.Contracts;

namespace Pipeline.Registry.Comparison;

/// <summary>What differs in what two versions are made of: data, settings, base, code.</summary>
internal static class VersionChanges
{
    /// <summary>The differences, data first.</summary>
    public static IReadOnlyList<VersionChange> Between(VersionFiles older, VersionFiles newer) =>
        [
            .. Data(older.Manifest, newer.Manifest),
            .. Differences(
                ChangeArea.Settings,
                Leaves(older.Manifest?.Settings, ""),
                Leaves(newer.Manifest?.Settings, "")
            ),
            .. Differences(ChangeArea.Settings, Leaves(older.Training, "training"), Leaves(newer.Training, "training"))
                .Where(c => c.Name == "training.learningRate"), // the one that the base may give
            .. Differences(ChangeArea.Base, Base(older), Base(newer)),
            .. Differences(ChangeArea.Code, Code(older.Proof), Code(newer.Proof)),
        ];

    private static IEnumerable<VersionChange> Data(DatasetManifest? older, DatasetManifest? newer)
    {
        if (older is null || newer is null)
        {
            return [];
        }

        return Differences(ChangeArea.Data, Facts(older), Facts(newer));
    }

    private static SortedDictionary<string, string> Facts(DatasetManifest manifest)
    {
        var facts = new SortedDictionary<string, string>(StringComparer.Ordinal)
        {
            ["dataset"] = manifest.DatasetId,
            ["rows read"] = Number(manifest.Rows.Read),
            ["rows rejected"] = Number(manifest.Rows.Rejected),
            ["rows to train"] = Number(manifest.Rows.Train),
            ["rows to validate"] = Number(manifest.Rows.Validation),
            ["rows held out"] = Number(manifest.Rows.Test),
            ["rows of the guard set"] = Number(manifest.Guard?.Rows ?? 0),
            ["rows synthetic"] = Number(manifest.Synthesis.Sum(s => s.Learned)),
        };
        foreach ((string label, int rows) in manifest.RowsByLabel)
        {
            facts[$"rows of label '{label}'"] = Number(rows);
        }

        foreach (SourceFile source in manifest.Sources)
        {
            facts[$"file {source.Name}"] = $"SHA-256 {source.Sha256[..Math.Min(12, source.Sha256.Length)]}…";
        }

        return facts;
    }

    private static SortedDictionary<string, string> Base(VersionFiles version)
    {
        var facts = new SortedDictionary<string, string>(StringComparer.Ordinal) { ["base"] = version.Evaluation.Base };
        if (version.Manifest is { } manifest)
        {
            facts["template"] = manifest.Template;
        }

        foreach ((string file, string sha256) in version.Proof?.Base ?? new Dictionary<string, string>())
        {
            facts[file] = $"SHA-256 {sha256[..Math.Min(12, sha256.Length)]}…";
        }

        return facts;
    }

    private static SortedDictionary<string, string> Code(AdapterProof? proof) =>
        new((proof?.Code ?? new Dictionary<string, string>()).ToDictionary(), StringComparer.Ordinal);

    /// <summary>Every value of a record by its path, such as <c>training.epochs</c>.</summary>
    private static SortedDictionary<string, string> Leaves<T>(T? settings, string path)
        where T : class
    {
        var leaves = new SortedDictionary<string, string>(StringComparer.Ordinal);
        if (settings is not null)
        {
            Add(JsonNode.Parse(ContractJson.WriteUtf8(settings)), path);
        }

        return leaves;

        void Add(JsonNode? node, string at)
        {
            if (node is JsonObject children)
            {
                foreach ((string name, JsonNode? child) in children)
                {
                    Add(child, at.Length == 0 ? name : $"{at}.{name}");
                }
            }
            else if (node is not null)
            {
                leaves[at] = node.ToJsonString();
            }
        }
    }

    private static IEnumerable<VersionChange> Differences(
        ChangeArea area,
        SortedDictionary<string, string> older,
        SortedDictionary<string, string> newer
    ) =>
        older
            .Keys.Union(newer.Keys, StringComparer.Ordinal)
            .Select(name => new VersionChange(area, name, older.GetValueOrDefault(name), newer.GetValueOrDefault(name)))
            .Where(c => c.Older != c.Newer);

    private static string Number(int rows) => rows.ToString(CultureInfo.InvariantCulture);
}
