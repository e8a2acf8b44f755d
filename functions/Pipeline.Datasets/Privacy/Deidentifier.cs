using System.Text;
using Bogus;
using Pipeline.Contracts;

namespace Pipeline.Datasets.Privacy;

/// <summary>
/// Takes what tells of people out of texts: by masks that say the type, or by surrogates of the same kind from Bogus. A
/// value has the same surrogate wherever it stands in a project, and nothing is kept for it: the surrogate follows from
/// the value by a hash.
/// </summary>
/// <param name="settings">What is replaced, and by what.</param>
/// <param name="project">Two projects have different surrogates.</param>
public sealed class Deidentifier(PrivacySettings settings, string project)
{
    private const int ShortestAgain = 3;

    /// <summary>Types whose values mean something else in another place: a number, a weekday.</summary>
    private static readonly string[] OnlyByContext =
    [
        PrivateType.Age,
        PrivateType.Zip,
        PrivateType.Date,
        PrivateType.People,
    ];

    private readonly IReadOnlyList<string> _types = [.. PrivateType.All.Where(settings.Types.Contains)];

    /// <summary>
    /// Replaces in the messages of a dialogue. What is found once is replaced wherever it stands: an answer may name
    /// without the words that gave it away in the question.
    /// </summary>
    /// <param name="messages">The dialogue.</param>
    /// <param name="labelled">Whether the answer is a label, which stays.</param>
    /// <returns>The messages, and the values replaced by type.</returns>
    public (List<ChatMessage> Messages, IReadOnlyDictionary<string, int> Replaced) Replace(
        IReadOnlyList<ChatMessage> messages,
        bool labelled
    )
    {
        ArgumentNullException.ThrowIfNull(messages);
        var replaced = new SortedDictionary<string, int>(StringComparer.Ordinal);
        List<bool> stays = [.. messages.Select(m => labelled && m.Role == MessageRole.Assistant)];
        List<List<PrivateSpan>> spans =
        [
            .. messages.Select((m, i) => stays[i] ? [] : PrivacyScanner.Find(m.Content, _types).ToList()),
        ];
        var values = new Dictionary<string, string>(StringComparer.Ordinal); // and the type of each
        foreach (
            (ChatMessage message, PrivateSpan span) in messages
                .Zip(spans)
                .SelectMany(m => m.Second.Select(s => (m.First, s)))
        )
        {
            string value = message.Content[span.Start..span.End];
            if (value.Length >= ShortestAgain && !OnlyByContext.Contains(span.Type))
            {
                values.TryAdd(value, span.Type);
            }
        }

        return (
            [
                .. messages.Select(
                    (m, i) => stays[i] ? m : m with { Content = Replace(m.Content, spans[i], values, replaced) }
                ),
            ],
            replaced
        );
    }

    /// <summary>A value's surrogate: of the same form where the type has one, never the value itself.</summary>
    public string Surrogate(string type, string value)
    {
        ArgumentNullException.ThrowIfNull(value);
        string normal = value.Trim().ToUpperInvariant();
        for (int attempt = 0; ; attempt++)
        {
            int seed = int.Parse(
                ContentHash.ShortOf(project, $"{settings.Seed}", type, normal, $"{attempt}")[..7],
                System.Globalization.NumberStyles.HexNumber,
                System.Globalization.CultureInfo.InvariantCulture
            );
            var faker = new Faker(settings.Locale) { Random = new Randomizer(seed) };
            string surrogate = Make(faker, type, value)
                .Replace("\"", "", StringComparison.Ordinal)
                .Replace("\\", "", StringComparison.Ordinal);
            if (!surrogate.Equals(value, StringComparison.OrdinalIgnoreCase) || attempt == 20)
            {
                return surrogate;
            }
        }
    }

    private string Replace(
        string text,
        List<PrivateSpan> spans,
        Dictionary<string, string> values,
        SortedDictionary<string, int> replaced
    )
    {
        foreach ((string value, string type) in values)
        {
            for (
                int at = text.IndexOf(value, StringComparison.Ordinal);
                at >= 0;
                at = text.IndexOf(value, at + value.Length, StringComparison.Ordinal)
            )
            {
                var again = new PrivateSpan(type, at, at + value.Length);
                if (IsWhole(text, again) && !spans.Exists(s => s.Overlaps(again)))
                {
                    spans.Add(again);
                }
            }
        }

        if (spans.Count == 0)
        {
            return text;
        }

        var result = new StringBuilder();
        int done = 0;
        foreach (PrivateSpan span in spans.OrderBy(s => s.Start))
        {
            string value = text[span.Start..span.End];
            replaced[span.Type] = replaced.GetValueOrDefault(span.Type) + 1;
            result
                .Append(text, done, span.Start - done)
                .Append(settings.Mode == PrivacyMode.Mask ? $"<{span.Type}>" : Surrogate(span.Type, value));
            done = span.End;
        }

        return result.Append(text, done, text.Length - done).ToString();
    }

    private static bool IsWhole(string text, PrivateSpan span) =>
        (span.Start == 0 || !char.IsLetterOrDigit(text[span.Start - 1]))
        && (span.End == text.Length || !char.IsLetterOrDigit(text[span.End]));

    private static string Make(Faker faker, string type, string value) =>
        type switch
        {
            PrivateType.Email => faker.Internet.ExampleEmail().ToLowerInvariant(),
            PrivateType.Url => $"https://www.example.org/{faker.Internet.DomainWord()}",
            PrivateType.Ip => value.Contains(':', StringComparison.Ordinal)
                ? $"2001:db8::{faker.Random.Hexadecimal(4, "")}"
                : $"192.0.2.{faker.Random.Int(1, 254)}", // RFC 5737, RFC 3849: of documentation
            PrivateType.Card => Card(faker, value),
            PrivateType.Iban => Iban(faker, value),
            PrivateType.Person => Person(faker, value),
            PrivateType.Place => faker.Address.City(),
            PrivateType.Organization => faker.Company.CompanyName(),
            PrivateType.StreetAddress => faker.Address.StreetAddress(),
            PrivateType.People => faker.PickRandom(
                "Norwegian",
                "Portuguese",
                "Canadian",
                "Kenyan",
                "Peruvian",
                "Thai",
                "Irish",
                "Polish"
            ),
            _ => Digits(faker, value, keep: 0), // the form stays: phone, SSN, date, ZIP, age
        };

    /// <summary>As many words as the name had.</summary>
    private static string Person(Faker faker, string value) =>
        value.Contains(' ', StringComparison.Ordinal)
            ? $"{faker.Name.FirstName()} {faker.Name.LastName()}"
            : faker.Name.FirstName();

    private static string Digits(Faker faker, string value, int keep)
    {
        int digits = 0;
        return string.Concat(
            value.Select(c =>
                !char.IsAsciiDigit(c) ? c
                : digits++ < keep ? c
                : (char)('0' + faker.Random.Int(digits == 1 ? 1 : 0, 9))
            )
        );
    }

    /// <summary>Another number of the same issuer's form whose check digit is right.</summary>
    private static string Card(Faker faker, string value)
    {
        string other = Digits(faker, value, keep: 1);
        int last = other.AsSpan().LastIndexOfAnyInRange('0', '9');
        return Enumerable
            .Range(0, 10)
            .Select(d => $"{other[..last]}{d}{other[(last + 1)..]}")
            .First(c => PrivacyScanner.IsLuhn(string.Concat(c.Where(char.IsAsciiDigit))));
    }

    /// <summary>Another account of the same country whose check digits are right.</summary>
    private static string Iban(Faker faker, string value)
    {
        string other =
            value[..4]
            + string.Concat(
                value[4..]
                    .Select(c =>
                        char.IsAsciiDigit(c) ? (char)('0' + faker.Random.Int(0, 9))
                        : char.IsAsciiLetter(c) ? (char)((char.IsUpper(c) ? 'A' : 'a') + faker.Random.Int(0, 25))
                        : c
                    )
            );
        return Enumerable
            .Range(2, 97)
            .Select(c => $"{other[..2]}{c:00}{other[4..]}")
            .First(i => PrivacyScanner.IsIban(i.Replace(" ", "", StringComparison.Ordinal)));
    }
}
