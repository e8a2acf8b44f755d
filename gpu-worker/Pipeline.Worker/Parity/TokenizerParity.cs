using System.Text.Json;
using Pipeline.Contracts;
using Pipeline.Tokenization;
using Pipeline.Tokenization.Tokenizers;

namespace Pipeline.Worker.Parity;

/// <summary>Text to ids and back, and dialogues to text, ids and loss mask, vector by vector.</summary>
internal static class TokenizerParity
{
    private static readonly JsonSerializerOptions Insensitive = new() { PropertyNameCaseInsensitive = true };

    public static IReadOnlyList<ParityResult> Check(string folder, string name, string? tokenizerDirectory)
    {
        string directory = tokenizerDirectory ?? Nearest(folder);
        string[] files =
        [
            .. ((string[])["tokenizer.json", "tokenizer.model"])
                .Select(f => Path.Combine(directory, f))
                .Where(File.Exists),
        ];
        if (files.Length == 0)
        {
            throw new InvalidDataException($"'{directory}' holds neither tokenizer.json nor tokenizer.model.");
        }

        return
        [
            .. files.SelectMany(f =>
                CheckVectors(Path.Combine(folder, "vectors.jsonl"), $"{name} ({Path.GetFileName(f)})", f)
            ),
        ];
    }

    private static List<ParityResult> CheckVectors(string vectors, string name, string tokenizerFile)
    {
        var tokenizer = Tokenizer.FromFile(tokenizerFile);
        var counts = new SortedDictionary<string, (int Cases, int Differ, string? First)>(StringComparer.Ordinal);
        void Count(string quantity, bool same, string text)
        {
            (int cases, int differ, string? first) = counts.GetValueOrDefault(quantity);
            counts[quantity] = (cases + 1, differ + (same ? 0 : 1), first ?? (same ? null : $"first: {text}"));
        }

        ChatEncoder? encoder = null;
        foreach (string line in File.ReadLines(vectors).Where(l => l.Length > 0))
        {
            using JsonDocument document = JsonDocument.Parse(line);
            JsonElement vector = document.RootElement;
            int[] ids = Integers(vector.GetProperty("ids"));
            string text = vector.GetProperty("text").GetString()!;
            if (vector.TryGetProperty("messages", out JsonElement messages))
            {
                encoder ??= ChatEncoder.FromFile(tokenizerFile);
                List<ChatMessage> dialogue = messages.Deserialize<List<ChatMessage>>(Insensitive)!;
                EncodedChat encoded = encoder.Encode(dialogue);
                Count("dialogues whose text differs", encoder.Template.Render(dialogue) == text, text);
                Count("dialogues whose ids differ", ids.SequenceEqual(encoded.Ids), text);
                Count(
                    "dialogues whose loss mask differs",
                    Integers(vector.GetProperty("loss_mask")).SequenceEqual(encoded.LossMask.Select(m => (int)m)),
                    text
                );
                continue;
            }

            Count("texts whose ids differ", ids.SequenceEqual(tokenizer.Encode(text)), text);
            if (vector.TryGetProperty("decoded", out JsonElement decoded))
            {
                Count("ids whose text differs", decoded.GetString() == tokenizer.Decode(ids), text);
            }
        }

        return
        [
            .. counts.Select(c => new ParityResult(name, $"{c.Key}, of {c.Value.Cases}", c.Value.Differ, 0)
            {
                Fault = c.Value.First,
            }),
        ];
    }

    private static string Nearest(string folder)
    {
        for (DirectoryInfo? at = new(folder); at is not null; at = at.Parent)
        {
            if (
                File.Exists(Path.Combine(at.FullName, "tokenizer.json"))
                || File.Exists(Path.Combine(at.FullName, "tokenizer.model"))
            )
            {
                return at.FullName;
            }
        }

        throw new InvalidDataException($"There is no tokenizer in '{folder}' or above it; name one with --tokenizer.");
    }

    private static int[] Integers(JsonElement array) => [.. array.EnumerateArray().Select(i => i.GetInt32())];
}
