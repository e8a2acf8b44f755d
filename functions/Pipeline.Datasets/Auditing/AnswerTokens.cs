using Pipeline.Contracts;
using Pipeline.Tokenization;

namespace Pipeline.Datasets.Auditing;

/// <summary>The learned tokens of an encoded dialogue, answer by answer.</summary>
internal static class AnswerTokens
{
    /// <summary>The runs of learned tokens.</summary>
    public static List<List<int>> Of(EncodedChat chat)
    {
        var runs = new List<List<int>>();
        for (int i = 0; i < chat.Ids.Count; i++)
        {
            if (chat.LossMask[i] == 0)
            {
                continue;
            }

            if (i == 0 || chat.LossMask[i - 1] == 0)
            {
                runs.Add([]);
            }

            runs[^1].Add(chat.Ids[i]);
        }

        return runs;
    }

    /// <summary>Whether the learned tokens give the answers' texts again, blanks at their ends aside.</summary>
    public static bool ReadBack(ChatEncoder encoder, IReadOnlyList<ChatMessage> messages, EncodedChat chat) =>
        Of(chat).Select(a => encoder.Tokenizer.Decode(a[^1] == encoder.EndId ? a[..^1] : a).Trim()).SequenceEqual(messages.Where(encoder.Template.IsLearned).Select(m => m.Content.Trim()));
}
