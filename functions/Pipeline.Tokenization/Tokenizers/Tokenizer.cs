using Pipeline.Contracts;

namespace Pipeline.Tokenization.Tokenizers;

/// <summary>
/// Text to token ids and back. Text is only ever text: control tokens are never parsed out of it. Instances are
/// immutable and may be shared between threads.
/// </summary>
public abstract class Tokenizer
{
    private const string JsonFile = "tokenizer.json";
    private const string SentencePieceFile = "tokenizer.model";
    private readonly Dictionary<string, int> _controls;

    /// <summary>Takes what every tokenizer has.</summary>
    /// <param name="size">Number of ids.</param>
    /// <param name="controls">The control tokens by text.</param>
    private protected Tokenizer(int size, IReadOnlyDictionary<string, int> controls)
    {
        VocabularySize = size;
        _controls = new Dictionary<string, int>(controls, StringComparer.Ordinal);
    }

    /// <summary>Number of ids, 0 to this less one.</summary>
    public int VocabularySize { get; }

    /// <summary>The control tokens by their text, such as <c>&lt;/s&gt;</c> or <c>&lt;|eot_id|&gt;</c>.</summary>
    public IReadOnlyDictionary<string, int> Controls => _controls;

    /// <summary>The ids of <paramref name="text"/>, with no control token among them. An empty text has none.</summary>
    public abstract int[] Encode(string text);

    /// <summary>
    /// The text of <paramref name="ids"/>: control tokens are left out, and so are ids beyond the vocabulary, which a
    /// model whose embeddings are padded may choose; bytes that are not UTF-8 become U+FFFD.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">An id is below 0.</exception>
    public abstract string Decode(IEnumerable<int> ids);

    /// <summary>
    /// Reads the tokenizer of a base model's folder: <c>tokenizer.json</c>, or where there is none SentencePiece's
    /// <c>tokenizer.model</c>.
    /// </summary>
    /// <exception cref="FileNotFoundException">Neither is there.</exception>
    /// <exception cref="InvalidDataException">It is not of a layout that is encoded here exactly as written; the reason
    /// is named.</exception>
    public static Tokenizer FromDirectory(string directory) => FromFile(FileOf(directory));

    /// <summary>Whether a folder holds a file that <see cref="FromDirectory"/> reads.</summary>
    public static bool IsIn(string directory) =>
        File.Exists(Path.Combine(directory, JsonFile)) || File.Exists(Path.Combine(directory, SentencePieceFile));

    /// <summary>The file that <see cref="FromDirectory"/> reads.</summary>
    /// <exception cref="FileNotFoundException">There is none.</exception>
    public static string FileOf(string directory)
    {
        foreach (string name in (string[])[JsonFile, SentencePieceFile])
        {
            string path = Path.Combine(directory, name);
            if (File.Exists(path))
            {
                return path;
            }
        }

        throw new FileNotFoundException(
            $"The base in '{directory}' has neither {JsonFile} nor {SentencePieceFile}.",
            Path.Combine(directory, JsonFile)
        );
    }

    /// <summary>Reads a tokenizer.json or a SentencePiece model.</summary>
    /// <exception cref="InvalidDataException">It is not of a layout that is encoded here exactly as written; the reason
    /// is named.</exception>
    public static Tokenizer FromFile(string path) =>
        path.EndsWith(".json", StringComparison.Ordinal)
            ? TokenizerFile.Read(InputFile.ReadAll(path, InputFile.TokenizerMegabytes), path)
            : SentencePieceModel.Read(InputFile.ReadAll(path, InputFile.TokenizerMegabytes), path);

    private protected bool IsControl(int id) => _controls.ContainsValue(id);
}
