namespace Pipeline.Tokenization;

/// <summary>A dialogue as the model sees it.</summary>
/// <param name="Ids">Token ids, BOS and EOS of every turn among them.</param>
/// <param name="LossMask">1 where the token is supervised (answers and their end tokens), else 0; as long as
/// <paramref name="Ids"/>.</param>
public sealed record EncodedChat(IReadOnlyList<int> Ids, IReadOnlyList<byte> LossMask)
{
    /// <summary>How many tokens are supervised.</summary>
    public int SupervisedTokens => LossMask.Count(m => m == 1);

    /// <summary>The runs of supervised tokens: each answer with its end token.</summary>
    public IReadOnlyList<IReadOnlyList<int>> Answers()
    {
        var answers = new List<List<int>>();
        for (int i = 0; i < Ids.Count; i++)
        {
            if (LossMask[i] == 0)
            {
                continue;
            }

            if (i == 0 || LossMask[i - 1] == 0)
            {
                answers.Add([]);
            }

            answers[^1].Add(Ids[i]);
        }

        return answers;
    }
}
