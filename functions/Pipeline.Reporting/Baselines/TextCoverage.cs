namespace Pipeline.Reporting.Baselines;

/// <summary>
/// How near every text of a set is to the chosen ones: the greatest cosine of their words' TF-IDF. A word of one text
/// says nothing of others and is left out.
/// </summary>
internal sealed class TextCoverage
{
    /// <summary>Of a longer text the beginning is compared.</summary>
    private const int MaxCharacters = 2_000;

    private readonly (int Word, float Weight)[][] _texts;
    private readonly (int Text, float Weight)[][] _postings;
    private readonly float[] _nearest;
    private readonly float[] _similar;
    private readonly List<int> _touched = [];
    private readonly float[]? _weights;
    private readonly int _open;

    /// <summary>Reads the texts.</summary>
    /// <param name="texts">All texts.</param>
    /// <param name="open">The first so many are to be chosen among; the others are chosen already.</param>
    /// <param name="weights">What each text counts, to be chosen and to be near to; <c>null</c>: each 1.</param>
    public TextCoverage(IReadOnlyList<string> texts, int open, float[]? weights)
    {
        (_open, _weights) = (open, weights);
        var numbers = new Dictionary<string, int>(StringComparer.Ordinal);
        int[][] words = [.. texts.Select(t => Words(t, numbers))];
        int[] counts = new int[numbers.Count];
        foreach (int word in words.SelectMany(w => w))
        {
            counts[word]++;
        }

        _texts = [.. words.Select(w => Weighted(w, counts, texts.Count))];
        var postings = new List<(int, float)>[numbers.Count];
        foreach ((int text, (int Word, float Weight)[] content) in _texts.Index())
        {
            foreach ((int word, float weight) in content)
            {
                (postings[word] ??= []).Add((text, weight));
            }
        }

        _postings = [.. postings.Select(p => p?.ToArray() ?? [])];
        _nearest = new float[texts.Count];
        _similar = new float[texts.Count];
        for (int known = open; known < texts.Count; known++)
        {
            Add(known);
        }
    }

    /// <summary>
    /// Greedy choice with lazy updates: what a text gains only falls, so that one whose gain was measured anew and is
    /// still the greatest is the next (Minoux 1978).
    /// </summary>
    /// <param name="count">How many to choose.</param>
    public List<int> Choose(int count)
    {
        var queue = new PriorityQueue<(int Text, int Round), (float, int)>();
        foreach (int text in Enumerable.Range(0, _open))
        {
            queue.Enqueue((text, 0), (-Gain(text), text));
        }

        List<int> chosen = [];
        while (chosen.Count < count && queue.TryDequeue(out (int Text, int Round) next, out _))
        {
            if (next.Round < chosen.Count)
            {
                queue.Enqueue((next.Text, chosen.Count), (-Gain(next.Text), next.Text));
                continue;
            }

            chosen.Add(next.Text);
            Add(next.Text);
        }

        return chosen;
    }

    private float Gain(int text)
    {
        Measure(text);
        float gain = 0;
        foreach (int other in _touched)
        {
            gain += Math.Max(0, _similar[other] - _nearest[other]) * (_weights?[other] ?? 1);
        }

        return gain * (_weights?[text] ?? 1);
    }

    private void Add(int text)
    {
        Measure(text);
        foreach (int other in _touched)
        {
            _nearest[other] = Math.Max(_nearest[other], _similar[other]);
        }
    }

    /// <summary>How alike a text and all those are that share a word with it.</summary>
    private void Measure(int text)
    {
        foreach (int other in _touched)
        {
            _similar[other] = 0;
        }

        _touched.Clear();
        foreach ((int word, float weight) in _texts[text])
        {
            foreach ((int other, float theirs) in _postings[word])
            {
                if (_similar[other] == 0)
                {
                    _touched.Add(other);
                }

                _similar[other] += weight * theirs;
            }
        }
    }

    private static (int, float)[] Weighted(int[] words, int[] counts, int texts)
    {
        (int Word, double Weight)[] weights =
        [
            .. words
                .Where(w => counts[w] > 1)
                .Select(w => (w, Math.Log((double)texts / counts[w])))
                .Where(w => w.Item2 > 0),
        ];
        double length = Math.Sqrt(weights.Sum(w => w.Weight * w.Weight));
        return [.. weights.Select(w => (w.Word, (float)(w.Weight / length)))];
    }

    private static int[] Words(string text, Dictionary<string, int> numbers) =>
        [
            .. LinearModel
                .Prepare(text.Length > MaxCharacters ? text[..MaxCharacters] : text)
                .Split(' ', StringSplitOptions.RemoveEmptyEntries)
                .Distinct(StringComparer.Ordinal)
                .Select(w => numbers.TryGetValue(w, out int known) ? known : numbers[w] = numbers.Count),
        ];
}
