namespace Pipeline.Tokenization.Tokenizers;

/// <summary>The pieces of a tokenizer.json.</summary>
/// <param name="Ids">Pieces, added and control tokens among them.</param>
/// <param name="Merger">Over those ids.</param>
/// <param name="Controls">Control tokens by text.</param>
/// <param name="Added">Ordinary tokens that stand for themselves, by text.</param>
/// <param name="Name">The file's, for messages.</param>
internal sealed record TokenizerVocabulary(
    Dictionary<string, int> Ids,
    PairMerger Merger,
    Dictionary<string, int> Controls,
    Dictionary<string, int> Added,
    string Name
);
