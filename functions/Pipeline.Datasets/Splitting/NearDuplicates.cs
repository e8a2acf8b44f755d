using System.Numerics;
using System.Runtime.InteropServices;

namespace Pipeline.Datasets.Splitting;

/// <summary>
/// Texts that are nearly the same, in clusters. Two texts are when their sets of three-word shingles have a Jaccard similarity
/// of 0.7 at least, letters and digits alone counting, links and names after an @ left out. Found by MinHash (Broder 1997) and
/// banding (Leskovec, Rajaraman and Ullman, "Mining of Massive Datasets", section 3.4): 16 bands of 4 of 64 hashes see a pair at
/// the threshold with a chance of 98.8 %, one at 0.8 with 99.98 %.
/// </summary>
public static class NearDuplicates
{
    /// <summary>Jaccard similarity from which two texts are nearly the same.</summary>
    public const double Threshold = 0.7;

    private const int Hashes = 64;
    private const int Bands = 16;
    private const int RowsABand = Hashes / Bands;
    private const int Words = 3;
    private const int MostRepresentatives = 512; // of the clusters in one bucket

    private static readonly uint[] Factors = Constants(1);
    private static readonly uint[] Offsets = Constants(2);

    /// <summary>Clusters texts. The clusters follow from the texts alone, not from their order.</summary>
    /// <param name="texts">The texts.</param>
    /// <returns>For each text the index of the first of its cluster; its own where it is alone or the first.</returns>
    public static int[] Cluster(IReadOnlyList<string> texts)
    {
        ArgumentNullException.ThrowIfNull(texts);
        HashSet<ulong> common = Common(texts);
        uint[] signatures = new uint[(long)texts.Count * Hashes];
        bool[] empty = new bool[texts.Count];
        Parallel.For(0, texts.Count, i =>
        {
            var shingles = new List<ulong>();
            Shingles(texts[i], shingles);
            List<ulong> own = common.Count == 0 ? shingles : [.. shingles.Where(s => !common.Contains(s))];
            empty[i] = shingles.Count == 0;
            Sign(own.Count > 0 ? own : shingles, signatures.AsSpan(i * Hashes, Hashes));
        });

        int[] parent = [.. Enumerable.Range(0, texts.Count)];
        var buckets = new (ulong Key, ulong Content, int Row)[texts.Count];
        for (int band = 0; band < Bands; band++)
        {
            for (int row = 0; row < texts.Count; row++)
            {
                ReadOnlySpan<uint> signature = signatures.AsSpan(row * Hashes, Hashes);
                buckets[row] = (empty[row] ? (uint)row | (1UL << 63) : Key(signature.Slice(band * RowsABand, RowsABand)), Key(signature), row);
            }

            Array.Sort(buckets);
            Join(buckets, signatures, empty, parent);
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

    /// <summary>Shingles that stand in a fifth of the texts or more, such as an instruction that all share: they tell nothing of a pair.</summary>
    private static HashSet<ulong> Common(IReadOnlyList<string> texts)
    {
        const int Sampled = 20_000;
        const int Fewest = 20;
        int step = Math.Max(1, texts.Count / Sampled);
        var counts = new Dictionary<ulong, int>();
        int looked = 0;
        for (int i = 0; i < texts.Count; i += step, looked++)
        {
            var shingles = new List<ulong>();
            Shingles(texts[i], shingles);
            foreach (ulong shingle in shingles.Distinct())
            {
                counts[shingle] = counts.GetValueOrDefault(shingle) + 1;
            }
        }

        return [.. counts.Where(c => c.Value >= Fewest && c.Value * 5 >= looked).Select(c => c.Key)];
    }

    private static void Join((ulong Key, ulong Content, int Row)[] buckets, uint[] signatures, bool[] empty, int[] parent)
    {
        var representatives = new List<int>(); // one of each cluster that the bucket has met
        for (int at = 0; at < buckets.Length; at++)
        {
            if (at == 0 || buckets[at].Key != buckets[at - 1].Key)
            {
                representatives.Clear();
            }

            int row = buckets[at].Row;
            if (empty[row])
            {
                continue;
            }

            bool joined = false;
            foreach (int other in representatives)
            {
                (int one, int two) = (Root(parent, row), Root(parent, other));
                joined |= one == two;
                if (one != two && Estimate(signatures, row, other) >= Threshold)
                {
                    parent[Math.Max(one, two)] = Math.Min(one, two);
                    joined = true;
                }
            }

            if (!joined && representatives.Count < MostRepresentatives)
            {
                representatives.Add(row);
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

    private static double Estimate(uint[] signatures, int one, int other)
    {
        int equal = 0;
        ReadOnlySpan<uint> a = signatures.AsSpan(one * Hashes, Hashes), b = signatures.AsSpan(other * Hashes, Hashes);
        for (int i = 0; i < Hashes; i++)
        {
            equal += a[i] == b[i] ? 1 : 0;
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

        return key & ~(1UL << 63);
    }

    private static void Sign(List<ulong> shingles, Span<uint> signature)
    {
        signature.Fill(uint.MaxValue);
        Span<Vector<uint>> least = MemoryMarshal.Cast<uint, Vector<uint>>(signature);
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

    /// <summary>Hashes of the runs of three words; a text of fewer words is one run.</summary>
    private static void Shingles(string text, List<ulong> shingles)
    {
        (ulong before, ulong last, int words) = (0, 0, 0);
        for (int at = 0; at < text.Length;)
        {
            if (text[at] == '@')
            {
                for (at++; at < text.Length && (char.IsLetterOrDigit(text[at]) || text[at] == '_') && !IsIdeograph(text[at]); at++)
                {
                    // a name
                }

                continue;
            }

            if (text.AsSpan(at).StartsWith("http://", StringComparison.OrdinalIgnoreCase) || text.AsSpan(at).StartsWith("https://", StringComparison.OrdinalIgnoreCase) || text.AsSpan(at).StartsWith("www.", StringComparison.OrdinalIgnoreCase))
            {
                for (; at < text.Length && !char.IsWhiteSpace(text[at]) && char.IsAscii(text[at]); at++)
                {
                    // a link
                }

                continue;
            }

            if (!char.IsLetterOrDigit(text[at]) && !char.IsSurrogate(text[at]))
            {
                at++;
                continue;
            }

            ulong word = 14695981039346656037;
            bool ideograph = IsIdeograph(text[at]);
            for (int from = at; at < text.Length && (char.IsLetterOrDigit(text[at]) || char.IsSurrogate(text[at])) && (at == from || (!ideograph && !IsIdeograph(text[at]))); at++)
            {
                word = (word ^ char.ToUpperInvariant(text[at])) * 1099511628211;
            }

            words++;
            if (words >= Words)
            {
                shingles.Add(Mix(before, last, word));
            }

            (before, last) = (last, word);
        }

        if (words is > 0 and < Words)
        {
            shingles.Add(Mix(before, last, (ulong)words));
        }
        else if (words == 0 && text.Length > 0)
        {
            shingles.Add(text.Aggregate(14695981039346656037, (hash, c) => (hash ^ c) * 1099511628211)); // the very same signs
        }
    }

    /// <summary>Scripts without blanks between words: a sign is a word.</summary>
    private static bool IsIdeograph(char c) => c is >= '\u2E80' and <= '\u9FFF' or >= '\uF900' and <= '\uFAFF' or >= '\u0E00' and <= '\u0E7F';

    private static ulong Mix(ulong one, ulong two, ulong three)
    {
        ulong mixed = (one * 0x9E3779B97F4A7C15) ^ BitOperations.RotateLeft(two * 0xC2B2AE3D27D4EB4F, 23) ^ BitOperations.RotateLeft(three * 0x165667B19E3779F9, 41);
        mixed = (mixed ^ (mixed >> 31)) * 0xD6E8FEB86659FD93;
        return mixed ^ (mixed >> 32);
    }

    private static uint[] Constants(int seed)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, Hashes).Select(_ => (uint)random.NextInt64(uint.MaxValue) | 1)];
    }
}
