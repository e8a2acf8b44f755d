using System.Collections.Frozen;
using Bogus;
using Bogus.Bson;

namespace Pipeline.Datasets.Privacy;

/// <summary>
/// Names of people and places in some forty languages, as the locales of Bogus have them, and the words of English that
/// look like them.
/// </summary>
internal static class Lexicons
{
    private const int ShortestName = 3;
    private static readonly Lazy<(FrozenSet<string> First, FrozenSet<string> Last, FrozenSet<string> Places)> Read =
        new(ReadAll);

    /// <summary>Given names.</summary>
    public static FrozenSet<string> FirstNames => Read.Value.First;

    /// <summary>Family names.</summary>
    public static FrozenSet<string> LastNames => Read.Value.Last;

    /// <summary>Countries, states, cities; some have several words.</summary>
    public static FrozenSet<string> Places => Read.Value.Places;

    /// <summary>Words that begin sentences or stand capitalised, and are no names there.</summary>
    public static FrozenSet<string> Ordinary { get; } =
        Set(
            """
            A About After All Also Am An And Any Are As Ask At Be Because Been Before But By Call Can Card Check Come Could Credit Current Customer Day Dear Did Directed Do Does Done Down During Each Email Every Fax Find
            For From General Get Give Go Good Great Had Has Have He Hello Help Her Here Hey Hi Him His Home Hope How I If Im In Is It Its Just Keep Last Let Like Line List Live Long Look Lost Love Made Make
            Many May Me Mine More Most Much My Name Need Never New Next No None Not Now Number Of Office Oh Ok On Once One Only Or Order Other Our Out Over Own Person Phone Place Please Post Put Question Re Read
            Right Said Same Say See Send Set She Should Show Since So Some Someone State States Still Street Such Sure Take Tell Thank Thanks That The Their Them Then There These They Thing This Those Time To Today Too
            Two Under Until Up Us User Very Was Way We Website Welcome Well Were What When Where Which While Who Whose Why Will With Without Work Would Yes Yet You Your Zip Address Apartment Avenue Bank Box Building City
            Company Corporation Country County Dr Drive Europe Group House Inc International Internet Ltd Miss Mr Mrs Ms Mountain Music North Orchestra Park Press Prof Road Royal School Sir South Suite University West East World
            January February March April June July August September October November December Monday Tuesday Wednesday Thursday Friday Saturday Sunday
            """
        );

    /// <summary>Peoples, tongues and faiths, in lower case.</summary>
    public static FrozenSet<string> Peoples { get; } =
        Set(
            """
            afghan albanian belizean belizian chechen ecuadorean ecuadorian saudi shia shii sunni algerian american arab argentine argentinian armenian asian australian austrian azerbaijani bangladeshi belarusian belgian bolivian bosnian brazilian british buddhist bulgarian burmese cambodian
            canadian catholic chilean chinese christian colombian croatian cuban czech danish dutch egyptian english estonian ethiopian european filipino finnish french georgian german ghanaian greek greenlandic guatemalan
            hindu hispanic hungarian icelandic indian indonesian iranian iraqi irish israeli italian jamaican japanese jewish jordanian kazakh kenyan korean kuwaiti latvian lebanese libyan lithuanian macedonian malaysian
            mexican moldovan mongolian moroccan muslim nepalese nigerian norwegian orthodox pakistani palestinian peruvian polish portuguese protestant romanian russian saudi scottish serbian singaporean slovak slovakian
            slovene slovenian somali spanish sudanese swedish swiss syrian taiwanese thai tibetan tunisian turkish ukrainian uruguayan uzbek venezuelan vietnamese welsh yemeni
            """
        );

    private static (FrozenSet<string> First, FrozenSet<string> Last, FrozenSet<string> Places) ReadAll()
    {
        string[] locales = Database.GetAllLocales();
        HashSet<string> Words(string category, params string[] lists) =>
            [
                .. locales
                    .SelectMany(l => lists.SelectMany(list => Strings(category, list, l)))
                    .Where(w => w.Length >= ShortestName && char.IsUpper(w[0])),
            ];
        HashSet<string> first = Words("name", "first_name", "male_first_name", "female_first_name");
        HashSet<string> last = Words("name", "last_name", "male_last_name", "female_last_name");
        HashSet<string> places = Words("address", "country", "state", "city_name");
        first.RemoveWhere(n => Ordinary.Contains(n) || Peoples.Contains(n.ToLowerInvariant()));
        last.RemoveWhere(n => Ordinary.Contains(n) || Peoples.Contains(n.ToLowerInvariant()));
        places.ExceptWith(Ordinary);
        return (
            first.ToFrozenSet(StringComparer.Ordinal),
            last.ToFrozenSet(StringComparer.Ordinal),
            places.ToFrozenSet(StringComparer.OrdinalIgnoreCase)
        );
    }

    private static IEnumerable<string> Strings(string category, string list, string locale) =>
        Database.Get(category, list, locale) is BArray values
            ? values
                .OfType<BValue>()
                .Where(v => v.ValueType == BValueType.String)
                .Select(v => v.StringValue)
                .Where(s => !s.Contains('#', StringComparison.Ordinal))
            : [];

    private static FrozenSet<string> Set(string words) =>
        words.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries).ToFrozenSet(StringComparer.Ordinal);
}
