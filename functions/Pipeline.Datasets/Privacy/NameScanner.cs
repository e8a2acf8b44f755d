using System.Text.RegularExpressions;

namespace Pipeline.Datasets.Privacy;

/// <summary>
/// Finds what no form gives away: people, places, organisations, addresses, dates, ages, by lexicons and the words
/// around them. It misses some and takes others for what they are not; <c>measure-privacy</c> says how many.
/// </summary>
internal static partial class NameScanner
{
    private const int MaxWordsOfAName = 4;

    /// <summary>Spans of a type.</summary>
    public static IEnumerable<PrivateSpan> Find(string type, string text) =>
        type switch
        {
            PrivateType.Person => Persons(text),
            PrivateType.Place => Places(text),
            PrivateType.Organization => Groups(type, Company().Matches(text))
                .Concat(Groups(type, CompanyContext().Matches(text))),
            PrivateType.StreetAddress => Groups(type, Street().Matches(text))
                .Concat(Groups(type, StreetAbroad().Matches(text)))
                .Concat(Groups(type, Unit().Matches(text))),
            PrivateType.Zip => Groups(type, ZipForm().Matches(text)),
            PrivateType.Date => Groups(type, DateForm().Matches(text)),
            PrivateType.Age => Groups(type, AgeForm().Matches(text)),
            PrivateType.People => Words()
                .Matches(text)
                .Where(w =>
                    Lexicons.Peoples.Contains(w.Value.ToLowerInvariant())
                    || Lexicons.Peoples.Contains(w.Value.ToLowerInvariant().TrimEnd('s'))
                )
                .Select(w => Span(type, w)),
            _ => [],
        };

    /// <summary>
    /// Runs of capitalised words with a known name in them, after a title, or after words that introduce a person.
    /// </summary>
    private static IEnumerable<PrivateSpan> Persons(string text)
    {
        foreach (Match run in Capitalised().Matches(text))
        {
            List<Match> words = CapitalWord().Matches(run.Value).ToList();
            int from = 0;
            while (from < words.Count)
            {
                bool introduced =
                    (from == 0 && words.Count > 1 && Doing().IsMatch(text.AsSpan(run.Index + run.Length)))
                    || from == 0
                        && Introduction().IsMatch(text.AsSpan(Math.Max(0, run.Index - 40), Math.Min(40, run.Index)));
                bool titled = from > 0 && Title().IsMatch(words[from - 1].Value);
                int length = Length(words, from, introduced || titled);
                if (length == 0)
                {
                    from++;
                    continue;
                }

                (int start, Match last) = (run.Index + words[from].Index, words[from + length - 1]);
                yield return new PrivateSpan(
                    PrivateType.Person,
                    start,
                    run.Index + last.Index + last.Value.TrimEnd('.', '\'', '’').Length
                );
                from += length;
            }
        }
    }

    /// <summary>Words of a person's name that begin here; 0: none does.</summary>
    private static int Length(List<Match> words, int from, bool introduced)
    {
        string first = Plain(words[from].Value);
        bool isFirst = Lexicons.FirstNames.Contains(first);
        bool isLast = Lexicons.LastNames.Contains(first);
        bool nextIsName =
            from + 1 < words.Count
            && (
                Lexicons.LastNames.Contains(Plain(words[from + 1].Value))
                || Lexicons.FirstNames.Contains(Plain(words[from + 1].Value))
                || words[from + 1].Value.Length <= 2
            );
        if (
            Lexicons.Ordinary.Contains(first)
            || Title().IsMatch(words[from].Value)
            || (!introduced && !isFirst && !(isLast && (nextIsName || !Lexicons.Places.Contains(first))))
        )
        {
            return 0;
        }

        // A place's name that is a given name too, such as Georgia, is a person's only beside another name.
        if (!introduced && Lexicons.Places.Contains(first) && !nextIsName)
        {
            return 0;
        }

        int length = 1;
        while (
            length < MaxWordsOfAName
            && from + length < words.Count
            && !Lexicons.Ordinary.Contains(Plain(words[from + length].Value))
            && !CompanySuffix().IsMatch(words[from + length].Value)
            && !words[from + length - 1].Value.EndsWith("'s", StringComparison.Ordinal)
        )
        {
            length++;
        }

        return from + length < words.Count && CompanySuffix().IsMatch(words[from + length].Value) ? 0 : length;
    }

    private static IEnumerable<PrivateSpan> Places(string text)
    {
        List<Match> words = PlaceWord().Matches(text).ToList();
        for (int i = 0; i < words.Count; i++)
        {
            for (int count = Math.Min(4, words.Count - i); count > 0; count--)
            {
                (int start, int end) = (words[i].Index, words[i + count - 1].Index + words[i + count - 1].Length);
                string place = text[start..end];
                if (
                    char.IsUpper(place[0])
                    && (count > 1 || !Lexicons.Ordinary.Contains(place))
                    && Lexicons.Places.Contains(place)
                )
                {
                    yield return new PrivateSpan(PrivateType.Place, start, end);
                    i += count - 1;
                    break;
                }
            }
        }

        foreach (
            PrivateSpan span in Groups(PrivateType.Place, PlaceContext().Matches(text))
                .Where(s =>
                    !Lexicons.Ordinary.Contains(text[s.Start..s.End])
                    && !Lexicons.Peoples.Contains(text[s.Start..s.End].ToLowerInvariant())
                )
        )
        {
            yield return span;
        }
    }

    private static string Plain(string word) =>
        word.EndsWith("'s", StringComparison.Ordinal) ? word[..^2] : word.TrimEnd('.');

    private static IEnumerable<PrivateSpan> Groups(string type, IEnumerable<Match> matches) =>
        matches.Select(m => m.Groups["it"].Success ? Span(type, m.Groups["it"]) : Span(type, m));

    private static PrivateSpan Span(string type, Capture found) => new(type, found.Index, found.Index + found.Length);

    [GeneratedRegex(@"(?:\p{Lu}[\p{L}\p{M}'’-]*\.?)(?:[ ]\p{Lu}[\p{L}\p{M}'’-]*\.?)*")]
    private static partial Regex Capitalised();

    [GeneratedRegex(@"\p{Lu}[\p{L}\p{M}'’-]*\.?")]
    private static partial Regex CapitalWord();

    [GeneratedRegex(@"[\p{L}\p{M}'’-]+")]
    private static partial Regex Words();

    [GeneratedRegex(@"[\p{L}\p{M}'’.&-]{0,60}[\p{L}\p{M}]")]
    private static partial Regex PlaceWord();

    [GeneratedRegex(@"^(?:Mr|Mrs|Ms|Miss|Dr|Prof|Sir|Madam|Herr|Frau)\.?$")]
    private static partial Regex Title();

    [GeneratedRegex(
        @"(?:\b(?:name is|name's|named|called|this is|i am|i'm|user:|name:|author:|directed by:?|written by|sung by|by|with|dear|regards,|sincerely,|thanks,|account of|behalf of|friend|brother|sister|husband|wife|colleague)\s+)\z",
        RegexOptions.IgnoreCase
    )]
    private static partial Regex Introduction();

    [GeneratedRegex(
        @"\A (?:lives|lived|listed|moved|said|says|spent|works|worked|flew|called|wrote|sent|was born|is from)\b"
    )]
    private static partial Regex Doing();

    [GeneratedRegex(
        @"^(?:Inc|LLC|Ltd|PLC|GmbH|AG|SA|Corp|Corporation|Company|Group|Bank|University|Orchestra|Street|Road|Avenue)\.?$"
    )]
    private static partial Regex CompanySuffix();

    [GeneratedRegex(
        @"\p{Lu}[\p{L}\p{M}\d&'.-]{0,60}(?:(?:,? (?:and|&)|,)? \p{Lu}[\p{L}\p{M}\d&'.-]{0,60}){0,4},? (?:Inc|LLC|Ltd|PLC|Plc|GmbH|Corp|Corporation|Group|Holdings|Foundation|Institute|University|and Sons)\b\.?|(?<![:,] )\p{Lu}\p{Ll}{1,60}, \p{Lu}\p{Ll}{1,60} and \p{Lu}\p{Ll}{1,60}|(?<!\p{L}[ ])\p{Lu}\p{Ll}{2,60}-\p{Lu}\p{Ll}{2,60}(?= (?:invested|has|is|was|office|announced|employees))"
    )]
    private static partial Regex Company();

    [GeneratedRegex(
        @"(?:\b(?:address of|work (?:at|for)|works (?:at|for)|employed by|employees (?:at|of)|company|CEO of|founder of|office of|support|headquarters of|customers? of|shares of|bought by) )(?<it>\p{Lu}[\p{L}\p{M}\d&'-]{1,60}(?: \p{Lu}[\p{L}\p{M}\d&'-]{1,60}){0,2})|\bThe (?<it>\p{Lu}[\p{L}\p{M}&'-]{1,60}) (?:Orchestra|office|company|team|group|website)\b|(?<it>\b\p{Lu}[\p{L}\p{M}&'-]{1,60})(?= is (?:the brainchild|an? \w+ (?:multinational|company)))"
    )]
    private static partial Regex CompanyContext();

    [GeneratedRegex(
        @"\b\d{1,6}[A-Za-z]? (?:\p{Lu}[\p{L}\p{M}'.-]{0,60},? ){1,4}(?:Street|St|Avenue|Ave|Road|Rd|Lane|Ln|Drive|Dr|Court|Ct|Boulevard|Blvd|Place|Pl|Way|Square|Terrace|Circle|Parkway|Highway|Hwy|Trail|Crescent|Close)\b\.?|\bP\.? ?O\.? Box \d+\b|\bPSC \d+, Box \d+(?:\s+[AD]PO A[AEP] \d{5})?|\bUnit \d+ Box \d+(?:\s+[AD]PO A[AEP] \d{5})?"
    )]
    private static partial Regex Street();

    [GeneratedRegex(
        @"(?<![\p{L}])(?:\d{3,6} )?(?:Rua|Via|Viale|Rue|Calle|Avenida|Av\.|Strada|Ulica|ul\.|Piazza|Rue de|Avenue|Chemin|Quai|Place) (?:\p{L}[\p{L}\p{M}'.-]{0,60} ?){1,4} ?\d{1,5}\b|(?:\b\d{3,6} )?\b\p{Lu}[\p{L}\p{M}'.-]{0,60}(?:stra(?:ss|ß)e|str\.|gasse|weg|platz|gata|gatan|vägen|vegen|veien|vej|gade|tie|katu|kuja|polku|straat|laan|weg|plein|utca|út|tér|ulice|ulica|cesta|bakki|götu|gata) \d{1,5}[A-Za-z]?\b|\b\d{3,6} \p{Lu}[\p{L}\p{M}'.-]{1,60}(?: \p{L}[\p{L}\p{M}'.-]{1,60}){0,3} \d{1,5}\b|(?<=(?:^|\n)[ ]*)\p{Lu}[\p{L}\p{M}'.-]{1,60}(?: [\p{L}\p{M}'.-]{1,60}){0,2} \d{1,4}[A-Za-z]?(?=\s*(?:\n|\z))"
    )]
    private static partial Regex StreetAbroad();

    [GeneratedRegex(@"\b(?:Apt|Apartment|Suite|Unit|Flat|Room|Floor)\.? ?#?\d{1,5}[A-Za-z]?\b")]
    private static partial Regex Unit();

    [GeneratedRegex(
        @"\b(?i:zip|zip code|postal code|post code|postcode|plz)\b[:#]? ?(?:is )?(?<it>[A-Za-z]{0,2}\d[\dA-Za-z -]{1,8}\d)|(?<=\bin (?:\p{L}[\p{L}\p{M}]* ){1,4})(?<it>\d{4,6}(?:-\d{3})?)\b(?! (?:people|words|rows|days))|(?<=\b[A-Z]{2},? )(?<it>\d{4,5}(?:-\d{4})?)\b|(?<=(?:^|\n)[ ]*)(?<it>\d{4,6}(?:-\d{3,4})?)(?=[ ]*(?:\n|\z))|\b(?<it>[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2})\b"
    )]
    private static partial Regex ZipForm();

    [GeneratedRegex(
        @"\b(?:19|20)\d\d-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d)?)?\b|\b\d{1,2}[./-]\d{1,2}[./-](?:19|20)?\d\d\b|\b(?:\d{1,2}(?:st|nd|rd|th)? (?:of )?)?(?:January|February|March|April|May|June|July|August|September|October|November|December)\b(?: \d{1,2}(?:st|nd|rd|th)?\b)?(?:,? (?:19|20)\d\d\b)|\b(?:January|February|March|April|June|July|August|September|October|November|December) \d{1,2}\b|\b(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day\b|(?<=\b(?:in|since|during|until|from|of|year|by) )(?:19|20)\d\d\b|\b(?:yesterday|tomorrow|tonight)\b",
        RegexOptions.IgnoreCase
    )]
    private static partial Regex DateForm();

    [GeneratedRegex(
        @"\b(?<it>1?\d{1,2})(?=[ -](?:years?|yrs?)[ -]old\b| ?y/?o\b)|(?<=\b(?:turn|turned|turning|aged|age|age of|age:) )(?<it>1?\d{1,2})\b",
        RegexOptions.IgnoreCase
    )]
    private static partial Regex AgeForm();

    [GeneratedRegex(
        @"(?<=\b(?:in|live in|lives in|living in|born in|visit|visiting|travel(?:l?ing)? to|flew to|move to|moved to|from|near|city of|where:|city:|country:) )(?<it>\p{Lu}[\p{L}\p{M}'-]{2,60}(?: \p{Lu}[\p{L}\p{M}'-]{2,60}){0,2})|(?<=(?:^|\n)[ ]*)(?<it>\p{Lu}{2,60}(?: \p{Lu}{2,60}){0,2})(?=[ ]*\n)"
    )]
    private static partial Regex PlaceContext();
}
