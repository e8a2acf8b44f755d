using System.Text;
using Bogus;

namespace Pipeline.LocalHost.Samples;

/// <summary>
/// Makes the sample: short posts about parcels, apps and shops with three labels, seeded, and dirty as life is. What a
/// post means rests on negation, contrast and change over time, so that single words do not tell.
/// </summary>
public static class TweetSample
{
    /// <summary>Posts before the dirt.</summary>
    public const int Posts = 2400;

    private const int Seed = 20_261_122;
    private const double Disagreement = 0.06; // share of posts that two people would label differently
    private static readonly string[] Labels = ["negative", "neutral", "positive"];
    private static readonly string[] Good =
    [
        "great",
        "fast",
        "lovely",
        "helpful",
        "reliable",
        "cheap",
        "clear",
        "smooth",
        "tasty",
        "friendly",
        "quiet",
        "clean",
        "brilliant",
        "handy",
        "sturdy",
        "fresh",
        "bright",
        "comfortable",
        "pleasant",
        "excellent",
        "quick",
        "polite",
        "fair",
        "solid",
        "simple",
        "charming",
        "sharp",
        "warm",
        "superb",
        "neat",
    ];
    private static readonly string[] Bad =
    [
        "awful",
        "slow",
        "broken",
        "rude",
        "late",
        "expensive",
        "confusing",
        "noisy",
        "dirty",
        "useless",
        "flimsy",
        "dull",
        "stale",
        "cold",
        "clumsy",
        "unfair",
        "painful",
        "terrible",
        "messy",
        "boring",
        "damp",
        "fragile",
        "heavy",
        "blurry",
        "buggy",
        "greedy",
        "ugly",
        "weak",
        "horrible",
        "annoying",
    ];
    private static readonly string[] Things =
    [
        "the parcel",
        "the app",
        "the support",
        "the delivery",
        "the screen",
        "the battery",
        "the coffee",
        "the hotel room",
        "the website",
        "the train",
        "the camera",
        "the new phone",
    ];
    private static readonly string[] Openings = ["", "", "", "honestly, ", "so ", "well, ", "ok, ", "today: ", "fyi "];
    private static readonly string[] Endings = ["", "", "", ".", "!", " #fail", " #wow", " :)", " :(", " @{0}"];

    /// <summary>The sample as CSV in UTF-8 with a BOM.</summary>
    public static byte[] Csv()
    {
        var faker = new Faker("en") { Random = new Randomizer(Seed) };
        List<(string Text, string Label)> rows = [.. Enumerable.Range(0, Posts).Select(_ => Post(faker))];
        AddDirt(faker, rows);
        var csv = new StringBuilder("id,text,label\n");
        foreach ((int index, (string text, string label)) in faker.Random.Shuffle(rows).Index())
        {
            csv.Append(index + 1).Append(',').Append(Quote(text)).Append(',').Append(Quote(label)).Append('\n');
        }

        return [.. Encoding.UTF8.GetPreamble(), .. Encoding.UTF8.GetBytes(csv.ToString())];
    }

    private static (string Text, string Label) Post(Faker faker)
    {
        Randomizer random = faker.Random;
        string thing = random.ArrayElement(Things);
        bool positive = random.Bool();
        string word = random.ArrayElement(positive ? Good : Bad);
        string other = random.ArrayElement(positive ? Bad : Good);
        string label = positive ? "positive" : "negative";
        (string text, string meant) = random.Int(0, 13) switch
        {
            0 or 1 => ($"{thing} is {word}", label),
            2 or 3 => ($"{thing} is not {other}", label),
            4 => ($"{thing} was never {other}", label),
            5 or 6 => ($"everyone said {thing} is {other} but it is {word}", label),
            7 => ($"{thing} used to be {other}, now it is {word}", label),
            8 => ($"{thing} is {word}, no longer {other}", label),
            9 => ($"i thought {thing} would be {other}. it is {word}", label),
            10 => ($"is {thing} {word} or {other}?", "neutral"),
            11 => ($"they asked me whether {thing} is {word}, i have not tried it", "neutral"),
            12 => (
                $"{thing} arrives on {faker.Date.Weekday()}, my friend says it is {word}, another says {other}",
                "neutral"
            ),
            _ => ($"does anyone know if {thing} is {word}", "neutral"),
        };
        string ending = string.Format(
            System.Globalization.CultureInfo.InvariantCulture,
            random.ArrayElement(Endings),
            faker.Internet.UserName()
        );
        return (
            $"{random.ArrayElement(Openings)}{text}{ending}",
            random.Double() < Disagreement ? random.ArrayElement(Labels) : meant
        );
    }

    /// <summary>
    /// What a real export has: entities, line breaks, copies, blanks, labels nobody knows, rows without end.
    /// </summary>
    private static void AddDirt(Faker faker, List<(string Text, string Label)> rows)
    {
        Randomizer random = faker.Random;
        for (int i = 0; i < rows.Count; i++)
        {
            (string text, string label) = rows[i];
            rows[i] = random.Int(0, 39) switch
            {
                0 => (text + " &amp; that&#39;s it", label),
                1 => ("&quot;" + text + "&quot;", label),
                2 => (text.Replace(", ", ",\n", StringComparison.Ordinal) + "\n", label),
                3 => (text, label.ToUpperInvariant()),
                4 => ("  " + text + " ", label[..3]),
                _ => rows[i],
            };
        }

        List<(string Text, string Label)> clean = [.. rows];
        rows.AddRange(random.ListItems(clean, 40)); // exact copies
        // copies in another case
        rows.AddRange(random.ListItems(clean, 20).Select(r => (r.Text.ToUpperInvariant(), r.Label)));
        rows.AddRange(random.ListItems(clean, 15).Select(r => (r.Text + " (no label)", "")));
        rows.AddRange(
            random.ListItems(clean, 15).Select(r => (r.Text + " (?)", random.ArrayElement(["mixed", "n/a", "spam"])))
        );
        rows.AddRange(Enumerable.Range(0, 8).Select(_ => ("", "neutral")));
        rows.AddRange(Enumerable.Range(0, 6).Select(_ => (faker.Lorem.Sentence(260), "neutral")));
    }

    private static string Quote(string field) =>
        field.AsSpan().IndexOfAny(",\"\n") < 0
            ? field
            : '"' + field.Replace("\"", "\"\"", StringComparison.Ordinal) + '"';
}
