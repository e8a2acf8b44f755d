using Pipeline.Datasets.Splitting;

namespace Pipeline.Functions.Tests.Datasets.Splitting;

/// <summary>Alone in the process: one of them measures its memory.</summary>
[Collection(Alone)]
[CollectionDefinition(Alone, DisableParallelization = true)]
public sealed class NearDuplicatesTests
{
    private const string Alone = "near-duplicates, alone";

    /// <summary>Clusters texts as a dataset's are.</summary>
    internal static int[] Clusters(IReadOnlyList<string> texts)
    {
        var common = new CommonShingles();
        foreach (string text in texts)
        {
            common.Add(text);
        }

        HashSet<ulong> shared = [.. common.Found()];
        using var store = new SignatureStore();
        return NearDuplicates.Cluster(store, [.. texts.Select(t => store.Add(NearDuplicates.Sign(t, shared)))]);
    }

    /// <summary>
    /// Long texts are sampled more thinly, and what all of them share is found all the same: memory must not grow with
    /// the length of texts.
    /// </summary>
    [Fact]
    public void CommonShingles_LongTexts_AreHeldInBoundedMemory()
    {
        const string Shared = "you are a helpful assistant of the company";
        long before = GC.GetTotalMemory(forceFullCollection: true);
        int[] expected = Found(400, 10);

        int[] found = Found(400, 50_000); // 20 million shingles, 160 MB were all of them held

        Assert.Equal(6, expected.Length);
        Assert.Equal(expected, found);

        int[] Found(int texts, int words)
        {
            var common = new CommonShingles();
            for (int i = 0; i < texts; i++)
            {
                if (common.WantsNext)
                {
                    common.Add(
                        string.Concat(
                            Enumerable.Range(0, words).Select(w => $"{(char)('a' + (w % 26))}{((long)i * words) + w} ")
                        ) + Shared
                    );
                }
                else
                {
                    common.Skip();
                }
            }

            Assert.True(GC.GetTotalMemory(forceFullCollection: true) - before < 80_000_000);
            ulong[] all = common.Found();
            ulong[] shared = [.. Shingles.From(Shared)];
            return [.. Enumerable.Range(0, shared.Length).Where(i => all.Contains(shared[i]))];
        }
    }

    [Theory]
    [InlineData(
        "The flight was late again and nobody told us why",
        "RT @united the flight was LATE again, and nobody told us why http://t.co/x1",
        true
    )]
    [InlineData(
        "The flight was late again and nobody told us why",
        "The flight was on time and everybody told us so",
        false
    )]
    [InlineData("good morning friend 12", "good morning friend 13", false)] // short texts that differ in a word of four
    [InlineData("thanks", "Thanks!!!", true)]
    [InlineData("@a", "@b", false)] // no word is left of either: the signs decide
    [InlineData("?!", "?!", true)]
    [InlineData("今天天气很好我们去公园散步吧", "今天天气很好我们去公园散步呢", true)]
    public void Cluster_Pairs_AreAsAReaderWouldSay(string one, string other, bool same) =>
        Assert.Equal(same ? [0, 0] : [0, 1], Clusters([one, other]));

    /// <summary>
    /// Pairs of known similarity: those well above the threshold are found, those well below are not.
    /// </summary>
    [Fact]
    public void Cluster_ManyPairs_FollowsTheExactSimilarity()
    {
        var random = new Random(4);
        string[] words = [.. Enumerable.Range(0, 4000).Select(i => $"w{i}")];
        var texts = new List<string>();
        for (int pair = 0; pair < 2000; pair++)
        {
            string[] text = [.. Enumerable.Range(0, 40).Select(_ => words[random.Next(words.Length)])];
            texts.Add(string.Join(' ', text));
            for (int changes = random.Next(8); changes > 0; changes--)
            {
                text[random.Next(text.Length)] = words[random.Next(words.Length)];
            }

            texts.Add(string.Join(' ', text));
        }

        int[] clusters = Clusters(texts);

        (int found, int similar, int wrong) = (0, 0, 0);
        for (int i = 0; i < texts.Count; i += 2)
        {
            double similarity = Similarity(texts[i], texts[i + 1]);
            bool joined = clusters[i] == clusters[i + 1];
            similar += similarity >= 0.8 ? 1 : 0;
            found += similarity >= 0.8 && joined ? 1 : 0;
            wrong += similarity < 0.5 && joined ? 1 : 0;
        }

        Assert.True(similar > 400 && found >= 0.95 * similar, $"{found} of {similar}");
        Assert.Equal(0, wrong);
        // no pair was joined to another pair
        Assert.Equal(2000, clusters.Where((c, i) => i % 2 == 0 && c == i).Count());
    }

    /// <summary>Jaccard's similarity by its definition, over runs of three words.</summary>
    private static double Similarity(string one, string other)
    {
        static HashSet<string> Runs(string text)
        {
            string[] words = text.Split(' ');
            return [.. Enumerable.Range(0, words.Length - 2).Select(i => string.Join(' ', words[i..(i + 3)]))];
        }

        return (double)Runs(one).Intersect(Runs(other)).Count() / Runs(one).Union(Runs(other)).Count();
    }

    /// <summary>
    /// What all texts share tells nothing of a pair: an instruction before each input does not make them one.
    /// </summary>
    [Fact]
    public void Cluster_TextsBehindOneInstruction_AreComparedWithoutIt()
    {
        string instruction = string.Join(' ', Enumerable.Range(0, 45).Select(k => $"rule{k}"));
        string[] texts =
        [
            .. Enumerable.Range(0, 120).Select(i => $"{instruction}\n\nabout {i} and its {i * 31} odd {i * 17} things"),
            $"{instruction}\n\nabout 5 and its 155 odd 85 things!",
        ];

        int[] clusters = Clusters(texts);

        Assert.Equal(120, clusters.Distinct().Count());
        Assert.Equal(5, clusters[^1]);
    }

    [Fact]
    public void Cluster_OtherOrder_GivesTheSameClusters()
    {
        var random = new Random(9);
        string[] templates =
        [
            .. Enumerable.Range(0, 12).Select(t => string.Join(' ', Enumerable.Range(0, 12).Select(k => $"t{t}w{k}"))),
        ];
        string[] texts =
        [
            .. Enumerable
                .Range(0, 3000)
                .Select(i => $"{templates[i % 12]} {random.Next(50)} {random.Next(50)} {random.Next(5000)}"),
        ];
        int[] order = [.. Enumerable.Range(0, texts.Length)];
        random.Shuffle(order);

        int[] one = Clusters(texts);
        int[] other = Clusters([.. order.Select(i => texts[i])]);

        HashSet<string> Sets(IEnumerable<(string Text, int Cluster)> rows) =>
            [
                .. rows.GroupBy(r => r.Cluster)
                    .Select(g => string.Join('|', g.Select(r => r.Text).Order(StringComparer.Ordinal))),
            ];
        Assert.Equal(Sets(texts.Zip(one)), Sets(order.Select(i => texts[i]).Zip(other)));
    }

    [Fact]
    public void Cluster_NamesInScriptsWithoutBlanks_DoNotSwallowTheText() =>
        Assert.Equal(
            [0, 1],
            Clusters(["转发@名字：今天天气很好我们去公园散步", "转发@名字：这本书写得非常有意思值得一读"])
        );
}
