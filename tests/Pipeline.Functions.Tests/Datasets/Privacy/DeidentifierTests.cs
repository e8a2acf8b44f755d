using Pipeline.Contracts;
using Pipeline.Datasets;
using Pipeline.Datasets.Configuration;
using Pipeline.Datasets.Privacy;
using static Pipeline.Functions.Tests.Datasets.DemoDataset;

namespace Pipeline.Functions.Tests.Datasets.Privacy;

public sealed class DeidentifierTests
{
    private static Deidentifier With(PrivacyMode mode, string project = "p", params string[] types) =>
        new(
            types.Length == 0
                ? new PrivacySettings { Mode = mode }
                : new PrivacySettings { Mode = mode, Types = types },
            project
        );

    private static string Replaced(Deidentifier deidentifier, string text) =>
        deidentifier.Replace([new ChatMessage(MessageRole.User, text)], true).Messages[0].Content;

    [Fact]
    public void Replace_Mask_PutsTheTypeInPlaceOfEachValue()
    {
        (List<ChatMessage> messages, IReadOnlyDictionary<string, int> counts) = With(PrivacyMode.Mask)
            .Replace(
                [
                    new ChatMessage(
                        MessageRole.User,
                        "Write to ada@corp.org or call +44 20 7946 0958, card 4454794511390933."
                    ),
                    new ChatMessage(MessageRole.Assistant, "complaint"),
                ],
                true
            );

        Assert.Equal("Write to <EMAIL_ADDRESS> or call <PHONE_NUMBER>, card <CREDIT_CARD>.", messages[0].Content);
        Assert.Equal(
            new Dictionary<string, int>
            {
                ["CREDIT_CARD"] = 1,
                ["EMAIL_ADDRESS"] = 1,
                ["PHONE_NUMBER"] = 1,
            },
            counts
        );
        Assert.Equal("complaint", messages[1].Content);
    }

    [Fact]
    public void Replace_Surrogates_AreTheSameForTheSameValueAndOthersInAnotherProject()
    {
        Deidentifier one = With(PrivacyMode.Surrogate);

        string first = Replaced(one, "mail ada@corp.org today"),
            again = Replaced(one, "it was ADA@corp.org again"),
            other = Replaced(One("q"), "mail ada@corp.org today");

        string surrogate = first.Split(' ')[1];
        Assert.Contains("@example.", surrogate, StringComparison.Ordinal);
        Assert.Contains(surrogate, again, StringComparison.Ordinal);
        Assert.DoesNotContain(surrogate, other, StringComparison.Ordinal);
        static Deidentifier One(string project) => With(PrivacyMode.Surrogate, project);
    }

    [Theory]
    [InlineData(PrivateType.Card, "4454 7945 1139 0933")]
    [InlineData(PrivateType.Iban, "DE89 3704 0044 0532 0130 00")]
    [InlineData(PrivateType.Ip, "106.31.73.20")]
    [InlineData(PrivateType.Email, "UtaKortig@jourrapide.com")]
    [InlineData(PrivateType.Phone, "905-674-3793")]
    [InlineData(PrivateType.Ssn, "460-89-9847")]
    [InlineData(PrivateType.Url, "https://www.UEarly.se/")]
    public void Surrogate_OfAFormOrChecksum_IsFoundAsTheSameType(string type, string value)
    {
        string surrogate = With(PrivacyMode.Surrogate).Surrogate(type, value);

        Assert.NotEqual(value, surrogate);
        PrivateSpan found = Assert.Single(PrivacyScanner.Find($"the number to call is {surrogate} today", [type]));
        Assert.Equal(type, found.Type);
    }

    /// <summary>The answer repeats a name without the words that gave it away.</summary>
    [Fact]
    public void Replace_AnswerThatRepeatsAValue_HasTheSameSurrogate()
    {
        (List<ChatMessage> messages, _) = With(PrivacyMode.Surrogate, "p", PrivateType.Person)
            .Replace(
                [
                    new ChatMessage(MessageRole.User, "My name is Zorblax, book a table. For Zorblax only."),
                    new ChatMessage(MessageRole.Assistant, """{"guest":"Zorblax"}"""),
                ],
                false
            );

        Assert.DoesNotContain("Zorblax", messages[0].Content + messages[1].Content, StringComparison.Ordinal);
        string name = messages[0].Content.Split(',')[0]["My name is ".Length..];
        Assert.Equal($$"""{"guest":"{{name}}"}""", messages[1].Content);
    }

    [Fact]
    public void Build_Surrogates_LeaveNothingOfTheValuesInTheRows()
    {
        string csv =
            "text,label\n"
            + string.Concat(
                Enumerable
                    .Range(0, 40)
                    .Select(i =>
                        $"my address is person{i}@secret{i}.org "
                        + $"and it is {(i % 2 == 0 ? "fine" : "bad")},{(i % 2 == 0 ? "a" : "b")}\n"
                    )
            );
        ProjectSettings settings = ProjectFile.Read("privacy: { mode: surrogate, seed: 4 }\n");

        BuiltDataset build = Build(csv, settings);

        string all =
            build.Text(BlobLayout.TrainFile) + build.Text(BlobLayout.ValidationFile) + build.Text(BlobLayout.TestFile);
        Assert.DoesNotContain("secret", all, StringComparison.OrdinalIgnoreCase);
        Assert.Equal(build.Manifest.Rows.Accepted, build.Manifest.Replaced["EMAIL_ADDRESS"]);
    }

    [Theory]
    [InlineData("privacy: { mode: hide }\n", "use one of keep, mask, surrogate")]
    [InlineData("privacy: { mode: mask, types: [SHOE_SIZE] }\n", "'privacy.types[0]' is 'SHOE_SIZE': use some of")]
    [InlineData("privacy: { locale: xx }\n", "use one of")]
    public void Read_WrongPrivacy_NamesTheLineAndTheFix(string yaml, string message)
    {
        DatasetException fault = Assert.Throws<DatasetException>(() => ProjectFile.Read(yaml));

        Assert.Contains("line 1", fault.Message, StringComparison.Ordinal);
        Assert.Contains(message, fault.Message, StringComparison.Ordinal);
    }
}
