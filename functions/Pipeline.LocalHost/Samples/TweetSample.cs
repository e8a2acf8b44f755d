using System.Text;
using Bogus;

namespace Pipeline.LocalHost.Samples;

/// <summary>
/// Makes the sample: short posts about parcels, apps and shops with three labels, seeded, and dirty as life is. What a
/// post means hangs on a word far from the one that it turns ("i would not after a month call the train slow"), so that
/// neither single words nor their neighbours tell it.
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
        "the bus",
        "the printer",
        "the keyboard",
        "the menu",
        "the new office",
        "the headset",
        "the car park",
        "the update",
        "the chair",
        "the courier",
        "the manual",
        "the breakfast",
    ];

    /// <summary>What stands between the word that turns the meaning and the word that is turned.</summary>
    private static readonly string[] Circumstances =
    [
        "after a day",
        "after a week",
        "after two weeks",
        "after a month",
        "since monday",
        "since last summer",
        "on a rainy morning",
        "at the weekend",
        "in the evening",
        "so far",
        "at home",
        "with the kids",
        "on the road",
        "in the office",
        "with friends",
        "for my brother",
        "near the station",
        "on a tight budget",
        "in a hurry",
        "with gloves on",
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
        string circumstance = random.ArrayElement(Circumstances);
        (string same, string opposite) = positive ? ("positive", "negative") : ("negative", "positive");
        (string text, string meant) = random.Int(0, 15) switch
        {
            0 => ($"{thing} is {word} {circumstance}", same),
            1 => ($"{circumstance} {thing} is {word}", same),
            2 => ($"{thing} is not {word} {circumstance}", opposite),
            3 => ($"{circumstance} {thing} is not {word}", opposite),
            4 => ($"{thing} is, {circumstance}, {word}", same),
            5 => ($"{thing} is not, {circumstance}, {word}", opposite),
            6 => ($"i would {circumstance} call {thing} {word}", same),
            7 => ($"i would not {circumstance} call {thing} {word}", opposite),
            8 => ($"they do {circumstance} find {thing} {word}", same),
            9 => ($"they do not {circumstance} find {thing} {word}", opposite),
            10 => ($"{thing} was {other} {circumstance}, now {word}", same),
            11 => ($"{thing} is {word}, but {circumstance} it was {other}", same),
            12 => ($"is {thing} {word} or {other} {circumstance}?", "neutral"),
            13 => ($"they asked me {circumstance} whether {thing} is {word}", "neutral"),
            14 => ($"does anyone know {circumstance} if {thing} is {word}", "neutral"),
            _ => ($"is {thing} {word} {circumstance} or not", "neutral"),
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
