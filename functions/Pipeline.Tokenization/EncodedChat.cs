namespace Pipeline.Tokenization;

/// <summary>A dialogue as the model sees it.</summary>
/// <param name="Ids">Token ids, BOS and EOS of every turn among them.</param>
/// <param name="LossMask">1 where the token is learned (answers and their end tokens), else 0; as long as <paramref name="Ids"/>.</param>
public sealed record EncodedChat(IReadOnlyList<int> Ids, IReadOnlyList<byte> LossMask)
{
    /// <summary>How many tokens are learned.</summary>
    public int SupervisedTokens => LossMask.Count(m => m == 1);
}
