using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace Pipeline.Datasets.Configuration;

/// <summary>
/// Holds a YAML text within bounds before any node is made of it. Reading nodes recurses, and comparing keys follows
/// aliases: a few bytes of nested lists, or a key that refers to itself, would overflow the stack, which ends the
/// process. What YAML has and settings do not need is refused: merge keys, a key twice, a second document.
/// </summary>
internal sealed class YamlBounds
{
    /// <summary>Characters of a file.</summary>
    public const int MaxCharacters = 1_000_000;

    /// <summary>Lists and mappings within each other, aliases written out.</summary>
    public const int MaxDepth = 16;

    /// <summary>Values, lists and mappings of a file, aliases written out.</summary>
    public const int MaxNodes = 100_000;

    private readonly Stack<Collection> _open = new();
    private readonly Dictionary<AnchorName, Extent> _anchors = [];
    private int _documents;

    private YamlBounds() { }

    /// <summary>Reads the text event by event, without recursion.</summary>
    /// <exception cref="YamlException">The text is over a bound, has a key that is not a single value, or an alias
    /// within what it names.</exception>
    public static void RequireBounded(string yaml)
    {
        if (yaml.Length > MaxCharacters)
        {
            throw new YamlException(Mark.Empty, Mark.Empty, $"the file has more than {MaxCharacters:N0} characters");
        }

        var bounds = new YamlBounds();
        var parser = new Parser(new StringReader(yaml));
        while (parser.MoveNext())
        {
            bounds.Take(parser.Current!);
        }
    }

    private void Take(ParsingEvent at)
    {
        switch (at)
        {
            case DocumentStart when ++_documents > 1:
                throw new YamlException(
                    at.Start,
                    at.End,
                    "a second document begins here ('---'); the settings are one document"
                );
            case Scalar scalar:
                TakeKey(scalar);
                Name(scalar.Anchor, new Extent(1, 0));
                Add(new Extent(1, 0), at);
                break;
            case AnchorAlias alias:
                RejectKey(at, "an alias");
                if (_open.Any(c => c.Anchor == alias.Value))
                {
                    throw new YamlException(
                        at.Start,
                        at.End,
                        $"the alias '*{alias.Value}' stands within what it names"
                    );
                }

                // One that names nothing is refused by the reader.
                Add(_anchors.GetValueOrDefault(alias.Value, new Extent(1, 0)), at);
                break;
            case NodeEvent start: // of a list or a mapping
                RejectKey(at, "a list or a mapping");
                _open.Push(new Collection(start is MappingStart, start.Anchor));
                CheckDepth(0, at);
                break;
            case SequenceEnd or MappingEnd:
                Collection ended = _open.Pop();
                var extent = new Extent(ended.Nodes + 1, ended.Height + 1);
                Name(ended.Anchor, extent);
                Add(extent, at);
                break;
        }
    }

    private void Name(AnchorName anchor, Extent extent)
    {
        if (!anchor.IsEmpty)
        {
            _anchors[anchor] = extent;
        }
    }

    private void Add(Extent extent, ParsingEvent at)
    {
        if (!_open.TryPeek(out Collection? parent))
        {
            return;
        }

        CheckDepth(extent.Height, at);
        parent.Children++;
        parent.Height = Math.Max(parent.Height, extent.Height);
        parent.Nodes += extent.Nodes;
        if (parent.Nodes > MaxNodes)
        {
            throw new YamlException(
                at.Start,
                at.End,
                $"with its aliases written out the file has more than {MaxNodes:N0} values"
            );
        }
    }

    private void CheckDepth(int below, ParsingEvent at)
    {
        if (_open.Count + below > MaxDepth)
        {
            throw new YamlException(
                at.Start,
                at.End,
                $"lists and mappings lie more than {MaxDepth} deep in each other"
            );
        }
    }

    private void TakeKey(Scalar key)
    {
        if (!IsKeyDue(out Collection parent))
        {
            return;
        }

        if (key is { Value: "<<", Style: ScalarStyle.Plain })
        {
            throw new YamlException(key.Start, key.End, "merge keys ('<<') are not read; write the keys out");
        }

        if (!parent.Keys.TryAdd(key.Value, key.Start.Line))
        {
            throw new YamlException(
                key.Start,
                key.End,
                $"the key '{key.Value}' stands here twice, first on line {parent.Keys[key.Value]}"
            );
        }
    }

    private bool IsKeyDue(out Collection parent)
    {
        bool isDue = _open.TryPeek(out Collection? open) && open.IsMapping && open.Children % 2 == 0;
        parent = open!;
        return isDue;
    }

    private void RejectKey(ParsingEvent at, string what)
    {
        if (IsKeyDue(out _))
        {
            throw new YamlException(at.Start, at.End, $"a key must be a single value, not {what}");
        }
    }

    /// <summary>What a node holds, itself included.</summary>
    private readonly record struct Extent(long Nodes, int Height);

    /// <summary>A list or a mapping that has not ended. Of a mapping, keys and values are children in turn.</summary>
    private sealed class Collection(bool isMapping, AnchorName anchor)
    {
        public bool IsMapping => isMapping;

        public AnchorName Anchor => anchor;

        /// <summary>The keys of a mapping, and the line of each.</summary>
        public Dictionary<string, long> Keys { get; } = new(StringComparer.Ordinal);

        public int Children { get; set; }

        public long Nodes { get; set; }

        public int Height { get; set; }
    }
}
