namespace Pipeline.Evaluation.Scoring;

/// <summary>The possible answers as a tree of tokens, so that what they have in common is read once.</summary>
public sealed class AnswerTree
{
    private readonly List<(int Token, int Parent, int Depth)> _nodes = [];
    private readonly List<(int Node, int Next)>[] _steps;

    /// <summary>Builds the tree.</summary>
    /// <param name="answers">Token ids of each answer, the end token last; none may be empty.</param>
    public AnswerTree(IReadOnlyList<IReadOnlyList<int>> answers)
    {
        ArgumentNullException.ThrowIfNull(answers);
        var known = new Dictionary<(int Parent, int Token), int>();
        _steps = new List<(int, int)>[answers.Count];
        for (int answer = 0; answer < answers.Count; answer++)
        {
            _steps[answer] = [];
            int node = -1;
            for (int i = 0; i < answers[answer].Count; i++)
            {
                int token = answers[answer][i];
                _steps[answer].Add((node, token));
                if (i + 1 == answers[answer].Count)
                {
                    break; // the last token is only predicted, never read
                }

                if (!known.TryGetValue((node, token), out int next))
                {
                    next = _nodes.Count;
                    known[(node, token)] = next;
                    _nodes.Add((token, node, node < 0 ? 0 : _nodes[node].Depth + 1));
                }

                node = next;
            }
        }
    }

    /// <summary>Token, parent (-1: the prompt) and depth from 0 of each node; parents stand before children.</summary>
    public IReadOnlyList<(int Token, int Parent, int Depth)> Nodes => _nodes;

    /// <summary>
    /// For each answer, the node (-1: the prompt) from which each of its tokens is predicted, and the token.
    /// </summary>
    public IReadOnlyList<IReadOnlyList<(int Node, int Next)>> Steps => _steps;

    /// <summary>Whether <paramref name="node"/> sees <paramref name="other"/>: itself and its ancestors.</summary>
    public bool Sees(int node, int other)
    {
        while (node > other)
        {
            node = _nodes[node].Parent;
        }

        return node == other;
    }
}
