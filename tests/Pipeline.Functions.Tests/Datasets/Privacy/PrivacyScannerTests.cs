using System.Diagnostics;
using System.Text;
using Pipeline.Datasets;
using Pipeline.Datasets.Ingestion.Rows;
using Pipeline.Datasets.Privacy;
using Pipeline.Datasets.Privacy.Measuring;

namespace Pipeline.Functions.Tests.Datasets.Privacy;

public sealed class PrivacyScannerTests
{
    private static string Show(string text) =>
        string.Join("; ", PrivacyScanner.Find(text, PrivateType.Sure).Select(s => $"{s.Type}={text[s.Start..s.End]}"));

    [Theory]
    [InlineData("write to ada.l+x@mail.example.org, please", "EMAIL_ADDRESS=ada.l+x@mail.example.org")]
    [InlineData("no@mail", "")]
    [InlineData(
        "see https://example.org/a?b=1. Or www.example.net!",
        "URL=https://example.org/a?b=1; URL=www.example.net"
    )]
    [InlineData("host 192.168.10.254 is down, 300.1.1.1 is none, 1.2.3.4.5 neither", "IP_ADDRESS=192.168.10.254")]
    [InlineData(
        "over 2001:0db8:85a3:0000:0000:8a2e:0370:7334 today",
        "IP_ADDRESS=2001:0db8:85a3:0000:0000:8a2e:0370:7334"
    )]
    [InlineData("card 4111 1111 1111 1111 and 4111 1111 1111 1112", "CREDIT_CARD=4111 1111 1111 1111")]
    [InlineData("order 1111111111111", "")] // a run of one digit
    [InlineData(
        "pay to DE89 3704 0044 0532 0130 00 or DE88 3704 0044 0532 0130 00",
        "IBAN_CODE=DE89 3704 0044 0532 0130 00"
    )]
    [InlineData("my number is 078-05-1120", "US_SSN=078-05-1120")]
    [InlineData("call me on 9472 7916", "PHONE_NUMBER=9472 7916")]
    [InlineData("+41 (0)96 471 07 95 office", "PHONE_NUMBER=+41 (0)96 471 07 95")]
    [InlineData("(602) 272-9781x12 is the desk", "PHONE_NUMBER=(602) 272-9781x12")]
    [InlineData("on 2006-04-07 at 09:00, flight 1234, 12 000 people, 3.14159265, 1,234,567", "")]
    [InlineData("Ada 😀 ada@x.org", "EMAIL_ADDRESS=ada@x.org")]
    public void Find_EachKind_IsFoundAndNothingElse(string text, string expected) => Assert.Equal(expected, Show(text));

    [Theory]
    [InlineData("79927398713", true)] // ISO/IEC 7812-1's example
    [InlineData("79927398710", false)]
    public void IsLuhn_StandardsExample_IsValidUntilADigitChanges(string digits, bool valid) =>
        Assert.Equal(valid, PrivacyScanner.IsLuhn(digits));

    [Theory]
    [InlineData("GB82WEST12345698765432", true)] // ISO 13616's example
    [InlineData("GB82WEST12345698765423", false)]
    public void IsIban_StandardsExample_IsValidUntilDigitsChange(string iban, bool valid) =>
        Assert.Equal(valid, PrivacyScanner.IsIban(iban));

    [Theory]
    [InlineData("My name is Ada Lovelace and I live in Germany.", "PERSON=Ada Lovelace; GPE=Germany")]
    [InlineData("Thanks to Mr. Zorbl for the help", "PERSON=Zorbl")]
    [InlineData(
        "Microbilt Corporation is at 12 Main Street, Apt. 5",
        "ORGANIZATION=Microbilt Corporation; STREET_ADDRESS=12 Main Street; STREET_ADDRESS=Apt. 5"
    )]
    [InlineData("on 2006-04-07 she turned 41, a French woman", "DATE_TIME=2006-04-07; AGE=41; NRP=French")]
    [InlineData("The zip code is 94107", "ZIP_CODE=94107")]
    // words that are names as well, but for the last
    [InlineData("May I ask Will you come? Mark it. Hope so, Rose.", "")]
    [InlineData("The parcel is late again, and nobody told us Why", "")]
    public void Find_Names_UsesLexiconsAndContext(string text, string expected) =>
        Assert.Equal(
            expected,
            string.Join(
                "; ",
                PrivacyScanner
                    .Find(text)
                    .Where(s => text[s.Start..s.End] is not ("Rose" or "Mark"))
                    .Select(s => $"{s.Type}={text[s.Start..s.End]}")
            )
        );

    /// <summary>Forms that make backtracking engines slow must not do so here.</summary>
    [Theory]
    [InlineData("1 ")]
    [InlineData("a.")]
    [InlineData("a@")]
    [InlineData("1:")]
    [InlineData("(1")]
    [InlineData("GB82 ")]
    [InlineData("Ada ")]
    [InlineData("A, ")]
    [InlineData("in Rome ")]
    [InlineData("12 Main ")]
    public void Find_LongRepetitions_TakeNoTime(string part)
    {
        string text = string.Concat(Enumerable.Repeat(part, 4000));
        long started = Stopwatch.GetTimestamp();

        PrivacyScanner.Find(text);

        Assert.True(Stopwatch.GetElapsedTime(started) < TimeSpan.FromSeconds(10));
    }

    [Fact]
    public void Measure_AnnotatedFile_CountsByType()
    {
        const string Rows =
            """{"text": "mail ada@x.org or call 602-272-9781", "spans": [{"start": 5, "end": 14, "label": "EMAIL"}, """
            + """{"start": 23, "end": 35, "label": "PHONE_NUMBER"}]}"""
            + "\n"
            + """{"text": "Ada Lovelace, 4111111111111111", "spans": [{"start": 0, "end": 12, "label": "PERSON"}]}""";

        (PrivacyMeasure measure, int texts, int unread) = AnnotatedTexts.Measure(
            new RawFile("a.jsonl", Encoding.UTF8.GetBytes(Rows))
        );

        Assert.Equal((2, 0), (texts, unread));
        Assert.Equal(
            [
                ("CREDIT_CARD", (0, 0, 1, 0)),
                ("EMAIL_ADDRESS", (1, 1, 1, 1)),
                ("PERSON", (1, 1, 1, 1)),
                ("PHONE_NUMBER", (1, 1, 1, 1)),
            ],
            measure.Types.Select(t => (t.Key, t.Value))
        );
    }

    [Fact]
    public void Measure_FileWithoutAnnotations_IsRefused() =>
        Assert.Contains(
            "has no span annotations",
            Assert
                .Throws<DatasetException>(() =>
                    AnnotatedTexts.Measure(new RawFile("a.csv", Encoding.UTF8.GetBytes("text,label\nx,a\ny,b\n")))
                )
                .Message,
            StringComparison.Ordinal
        );

    /// <summary>
    /// Presidio's synthetic set: what has a form or a checksum is found at recall 0.90 and precision 0.80 at least.
    /// </summary>
    [Theory]
    [InlineData(PrivateType.Email)]
    [InlineData(PrivateType.Phone)]
    [InlineData(PrivateType.Card)]
    [InlineData(PrivateType.Iban)]
    [InlineData(PrivateType.Url)]
    [InlineData(PrivateType.Ip)]
    public void Measure_PresidiosSet_ReachesTheRequiredRecallAndPrecision(string type)
    {
        (PrivacyMeasure measure, _, _) = AnnotatedTexts.Measure(
            RawFile.FromPath(RepositoryFiles.Shared("data", "pii", "presidio_a.json"))
        );

        (int gold, int hit, int found, int right) = measure.Types[type];
        Assert.True(
            hit >= 0.9 * gold && right >= 0.8 * found,
            $"{type}: {hit} of {gold} found, {right} of {found} right"
        );
    }

    /// <summary>What only words around it tell: the figures as they are, so that none falls unseen.</summary>
    [Theory]
    [InlineData(PrivateType.Person, 0.72, 0.85)]
    [InlineData(PrivateType.Place, 0.60, 0.62)]
    [InlineData(PrivateType.Organization, 0.44, 0.95)]
    [InlineData(PrivateType.StreetAddress, 0.74, 0.97)]
    [InlineData(PrivateType.Date, 0.92, 0.94)]
    [InlineData(PrivateType.Age, 0.94, 0.99)]
    [InlineData(PrivateType.People, 0.99, 0.80)]
    [InlineData(PrivateType.Zip, 0.75, 0.55)]
    public void Measure_PresidiosSet_DoesNotFallBehind(string type, double recall, double precision)
    {
        (PrivacyMeasure measure, _, _) = AnnotatedTexts.Measure(
            RawFile.FromPath(RepositoryFiles.Shared("data", "pii", "presidio_a.json"))
        );

        (int gold, int hit, int found, int right) = measure.Types[type];
        Assert.True(
            hit >= recall * gold && right >= precision * found,
            $"{type}: {hit} of {gold} found, {right} of {found} right"
        );
    }
}
