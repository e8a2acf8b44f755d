using System.Numerics;
using System.Runtime.InteropServices;

namespace Pipeline.Datasets.Splitting;

/// <summary>
/// Texts that are nearly the same, in clusters. Two texts are when their sets of <see cref="Shingles"/> have a Jaccard
/// similarity of 0.7 at least. Found by MinHash (Broder 1997) and banding (Leskovec, Rajaraman and Ullman, "Mining of
/// Massive Datasets", section 3.4): 16 bands of 4 of 64 hashes see a pair at the threshold with a chance of 98.8 %, one
/// at 0.8 with 99.98 %.
/// </summary>
public static class NearDuplicates
{
    /// <summary>Jaccard similarity from which two texts are nearly the same.</summary>
    private const double Threshold = 0.7;

    /// <summary>Numbers of a signature.</summary>
    public const int Hashes = 64;

    private const int Bands = 16;
    private const int RowsABand = Hashes / Bands;
    private const int MaxRepresentatives = 512; // of the clusters in one bucket

    private static readonly uint[] Factors = Constants(1);
    private static readonly uint[] Offsets = Constants(2);

    /// <summary>A text's signature: the least of each of 64 hashes over its shingles.</summary>
    /// <param name="text">The text.</param>
    /// <param name="common">Shingles that do not count, unless there are no others.</param>
    public static uint[] Sign(string text, IReadOnlySet<ulong> common)
    {
        ArgumentNullException.ThrowIfNull(common);
        List<ulong> shingles = Shingles.From(text);
        List<ulong> own = common.Count == 0 ? shingles : shingles.FindAll(s => !common.Contains(s));
        uint[] signature = new uint[Hashes];
        Sign(own.Count > 0 ? own : shingles, signature);
        return signature;
    }

    /// <summary>Clusters texts. The clusters follow from the texts alone, not from their order.</summary>
    /// <param name="signatures">Signatures of texts, which are not empty.</param>
    /// <param name="texts">The texts to cluster, by the number of their signature.</param>
    /// <returns>For each text the index of the first of its cluster; its own where it is alone or the first.</returns>
    public static int[] Cluster(SignatureStore signatures, IReadOnlyList<int> texts)
    {
        ArgumentNullException.ThrowIfNull(signatures);
        ArgumentNullException.ThrowIfNull(texts);
        int[] parent = [.. Enumerable.Range(0, texts.Count)];
        var keys = new ulong[texts.Count];
        var rows = new int[texts.Count];
        var signature = new uint[Hashes];
        for (int band = 0; band < Bands; band++)
        {
            for (int row = 0; row < texts.Count; row++)
            {
                signatures.Read(texts[row], signature);
                (keys[row], rows[row]) = (Key(signature.AsSpan(band * RowsABand, RowsABand)), row);
            }

            Array.Sort(keys, rows);
            for (int from = 0, to; from < keys.Length; from = to)
            {
                for (to = from + 1; to < keys.Length && keys[to] == keys[from]; to++)
                {
                    // one bucket
                }

                if (to - from > 1)
                {
                    Join(rows.AsSpan(from, to - from), signatures, texts, parent);
                }
            }
        }

        var first = new int[texts.Count];
        var least = new Dictionary<int, int>();
        for (int i = 0; i < first.Length; i++)
        {
            int root = Root(parent, i);
            first[i] = least.TryGetValue(root, out int known) ? known : least[root] = i;
        }

        return first;
    }

    /// <summary>
    /// Joins those of a bucket that are nearly the same. They are met in an order that their content gives, whatever
    /// theirs was.
    /// </summary>
    private static void Join(Span<int> bucket, SignatureStore signatures, IReadOnlyList<int> texts, int[] parent)
    {
        var members = new (ulong Content, int Row, uint[] Signature)[bucket.Length];
        for (int i = 0; i < members.Length; i++)
        {
            var signature = new uint[Hashes];
            signatures.Read(texts[bucket[i]], signature);
            members[i] = (Key(signature), bucket[i], signature);
        }

        Array.Sort(members, (a, b) => a.Content != b.Content ? a.Content.CompareTo(b.Content) : a.Row.CompareTo(b.Row));
        var representatives = new List<(int Row, uint[] Signature)>(); // one of each cluster that the bucket has met
        foreach ((_, int row, uint[] signature) in members)
        {
            bool joined = false;
            foreach ((int other, uint[] like) in representatives)
            {
                (int one, int two) = (Root(parent, row), Root(parent, other));
                joined |= one == two;
                if (one != two && Estimate(signature, like) >= Threshold)
                {
                    parent[Math.Max(one, two)] = Math.Min(one, two);
                    joined = true;
                }
            }

            if (!joined && representatives.Count < MaxRepresentatives)
            {
                representatives.Add((row, signature));
            }
        }
    }

    private static int Root(int[] first, int row)
    {
        while (first[row] != row)
        {
            first[row] = first[first[row]];
            row = first[row];
        }

        return row;
    }

    private static double Estimate(uint[] one, uint[] other)
    {
        int equal = 0;
        for (int i = 0; i < Hashes; i++)
        {
            equal += one[i] == other[i] ? 1 : 0;
        }

        return (double)equal / Hashes;
    }

    private static ulong Key(ReadOnlySpan<uint> rows)
    {
        ulong key = 14695981039346656037;
        foreach (uint row in rows)
        {
            key = (key ^ row) * 1099511628211;
        }

        return key;
    }

    private static void Sign(List<ulong> shingles, uint[] signature)
    {
        Array.Fill(signature, uint.MaxValue);
        Span<Vector<uint>> least = MemoryMarshal.Cast<uint, Vector<uint>>(signature.AsSpan());
        ReadOnlySpan<Vector<uint>> factors = MemoryMarshal.Cast<uint, Vector<uint>>(Factors);
        ReadOnlySpan<Vector<uint>> offsets = MemoryMarshal.Cast<uint, Vector<uint>>(Offsets);
        foreach (ulong shingle in shingles)
        {
            var low = new Vector<uint>((uint)shingle);
            var high = new Vector<uint>((uint)(shingle >> 32));
            for (int i = 0; i < least.Length; i++)
            {
                // A multiply alone would keep the low bits' order; folding the high half in breaks it.
                Vector<uint> mixed = (low * factors[i]) + offsets[i];
                mixed = (mixed ^ (mixed >> 15) ^ high) * factors[i];
                least[i] = Vector.Min(least[i], mixed ^ (mixed >> 16));
            }
        }
    }

    private static uint[] Constants(int seed)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, Hashes).Select(_ => (uint)random.NextInt64(uint.MaxValue) | 1)];
    }
}
