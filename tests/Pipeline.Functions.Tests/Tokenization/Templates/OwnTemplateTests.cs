using System.Text.Json;
using Pipeline.Contracts;
using Pipeline.Datasets.Auditing;
using Pipeline.Datasets.Splitting;
using Pipeline.Tokenization;
using Pipeline.Tokenization.Templates;

namespace Pipeline.Functions.Tests.Tokenization.Templates;

/// <summary>
/// A base's own chat template decides, is contradicted only by name, and is never passed over in silence.
/// </summary>
public sealed class OwnTemplateTests : IDisposable
{
    private const string Turns = "{% for m in messages %}{{ m['content'] }}{% endfor %}";
    private readonly string _folder = Directory.CreateTempSubdirectory("own-template-").FullName;

    public OwnTemplateTests()
    {
        foreach (string file in (string[])["tokenizer.json", "config.json"])
        {
            File.Copy(RepositoryFiles.At("gpu-worker", "models", "tiny-llama-chat", file), Path.Combine(_folder, file));
        }
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private void Write(string template) =>
        File.WriteAllText(
            Path.Combine(_folder, "tokenizer_config.json"),
            JsonSerializer.Serialize(new { chat_template = template })
        );

    [Theory]
    [InlineData("[INST] <<SYS>>" + Turns, "llama2")]
    [InlineData("[INST]" + Turns, "mistral")]
    public void Template_OfAKindThatIsHere_IsUsed(string own, string template)
    {
        Write(own);

        var encoder = ChatEncoder.FromDirectory(_folder);

        Assert.Equal((template, null), (encoder.Template.Name, encoder.TemplateNote));
    }

    [Theory]
    [InlineData("<|user|>\n" + Turns + "</s>", "of zephyr's kind")]
    [InlineData("{{ '<|' + m['role'] + '|>' }}<|assistant|>" + Turns, "of zephyr's kind")]
    [InlineData("<|user|>" + Turns + "<|end|>", "of phi3's kind")]
    [InlineData("<start_of_turn>" + Turns, "of gemma's kind")]
    [InlineData("### Instruction:" + Turns, "of no kind that is known")]
    public void Template_OfAnotherKind_IsRefusedUntilOneIsNamed(string own, string title)
    {
        Write(own);

        Assert.Contains(
            title,
            Assert.Throws<ChatTemplateException>(() => ChatEncoder.FromDirectory(_folder)).Message,
            StringComparison.Ordinal
        );
        var named = ChatEncoder.FromDirectory(_folder, "llama2");
        Assert.Equal("llama2", named.Template.Name);
        Assert.Contains(title, named.TemplateNote, StringComparison.Ordinal);
    }

    [Fact]
    public void Template_InAFileOrAList_IsRead()
    {
        File.WriteAllText(
            Path.Combine(_folder, "tokenizer_config.json"),
            JsonSerializer.Serialize(
                new
                {
                    chat_template = new[]
                    {
                        new { name = "tool_use", template = "<start_of_turn>" },
                        new { name = "default", template = "[INST]" + Turns },
                    },
                }
            )
        );
        Assert.Equal("mistral", ChatEncoder.FromDirectory(_folder).Template.Name);

        File.WriteAllText(Path.Combine(_folder, "chat_template.jinja"), "[INST] <<SYS>>" + Turns);
        Assert.Equal("llama2", ChatEncoder.FromDirectory(_folder).Template.Name);
    }

    [Fact]
    public void Template_ThatIsMissing_IsGuessedAndSaid()
    {
        var encoder = ChatEncoder.FromDirectory(_folder);

        Assert.Equal("llama2", encoder.Template.Name);
        Assert.Contains("no chat template of its own", encoder.TemplateNote, StringComparison.Ordinal);
        Assert.Null(ChatEncoder.FromDirectory(_folder, "llama2").TemplateNote);
    }

    /// <summary>By the SHA-256 of its text; the texts themselves are not here, so a hash stands for one.</summary>
    [Fact]
    public void Known_Names_AreThoseOfTheList()
    {
        Assert.Null(OwnTemplate.From("[INST]").KnownAs);
        var read = OwnTemplate.From("  <|im_start|>\n");
        Assert.Equal((null, "chatml", "  <|im_start|>\n"), (read.KnownAs, read.Kind, read.Text));
        Assert.Equal("'qwen2_5'", new OwnTemplate("qwen2_5", "chatml").Title);
    }

    /// <summary>More ids than embeddings: what a row holds of them is told by the audit.</summary>
    [Fact]
    public void Measure_OfIdsWithoutEmbeddings_SaysSo()
    {
        string config = Path.Combine(_folder, "config.json");
        var row = new Example
        {
            Id = "a#1",
            Messages = [new(MessageRole.User, "Hi"), new(MessageRole.Assistant, "Hello there")],
            Text = "",
            Source = new RowPlace("a", 1, 1),
        };
        Assert.False(RowMeasure.From(ChatEncoder.FromDirectory(_folder, "llama2"), row).HasUnknownId);

        File.WriteAllText(
            config,
            File.ReadAllText(config).Replace("\"vocab_size\": 4096", "\"vocab_size\": 300", StringComparison.Ordinal)
        );

        RowMeasure measure = RowMeasure.From(ChatEncoder.FromDirectory(_folder, "llama2"), row);
        Assert.True(measure.HasUnknownId);
        var audit = new TokenAudit(new ProjectSettings(), "</s>", null);
        audit.Add(Split.Train, null, measure, false, () => row.Id);
        AuditCheck check = audit
            .Build("d", new LanguageCounts(0, new Dictionary<string, int>()), 0, [])
            .Checks.Single(c => c.Name.Contains("no embedding", StringComparison.Ordinal));
        Assert.Equal((AuditLevel.Red, 1), (check.Level, check.Value));
    }

    [Fact]
    public void Begin_OfAnotherModel_IsRefused()
    {
        string config = Path.Combine(_folder, "config.json");
        File.WriteAllText(
            config,
            File.ReadAllText(config).Replace("\"bos_token_id\": 1", "\"bos_token_id\": 7", StringComparison.Ordinal)
        );

        Assert.Contains(
            "bos_token_id 7",
            Assert.Throws<InvalidDataException>(() => ChatEncoder.FromDirectory(_folder, "llama2")).Message,
            StringComparison.Ordinal
        );
    }
}
