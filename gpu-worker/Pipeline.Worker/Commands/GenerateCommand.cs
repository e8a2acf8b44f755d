using System.CommandLine;
using Pipeline.Contracts;
using Pipeline.Evaluation.Scoring;
using Pipeline.Model.Adapters;
using Pipeline.Model.Gpu;
using Pipeline.Tokenization;
using Pipeline.Tokenization.Templates;
using Pipeline.Worker.Jobs;

namespace Pipeline.Worker.Commands;

/// <summary><c>generate</c>: what a base, with or without an adapter, answers.</summary>
internal static class GenerateCommand
{
    public static Command Create()
    {
        var options = new GenerateOptions();
        var command = new Command("generate", "Write an answer");
        options.All.ForEach(command.Options.Add);
        command.SetAction(parsed => Run(parsed, options));
        return command;
    }

    private static int Run(ParseResult parsed, GenerateOptions options)
    {
        (double temperature, double topP, int most) = (
            parsed.GetValue(options.Temperature),
            parsed.GetValue(options.TopP),
            parsed.GetValue(options.MaxTokens)
        );
        if (temperature < 0 || topP is <= 0 or > 1 || most < 1)
        {
            throw new InvalidDataException("--temperature is 0 or more, --top-p above 0 to 1, --max-tokens 1 or more.");
        }

        string folder = parsed.GetRequiredValue(options.Base);
        using Accelerator? gpu = DeviceOption.Open(parsed, options.Device);
        ChatEncoder encoder = BaseChecks.EncoderOf(folder, parsed.GetValue(options.Template));
        IReadOnlyList<int> prompt = encoder.Encode(Messages(encoder, parsed, options)).Ids;
        BaseChecks.RequireFits(folder, prompt.Count);
        string? adapterFolder = parsed.GetValue(options.Adapter);
        using PlacedModel placed = AdapterBase.Load(folder, adapterFolder, gpu);
        using LoraAdapter? adapter = adapterFolder is null ? null : PeftAdapterFiles.Read(adapterFolder, placed.Model);
        (IReadOnlyList<int> ids, bool stopped) = AnswerGenerator.Continue(
            placed.ForInference(adapter),
            [prompt],
            most,
            encoder.StopIds,
            choice: new TokenChoice(temperature, topP, parsed.GetValue(options.Seed))
        )[0];
        Console.WriteLine(encoder.Tokenizer.Decode(ids).Trim());
        if (!stopped)
        {
            Console.Error.WriteLine($"(cut off after {ids.Count} tokens)");
        }

        return 0;
    }

    private static ChatMessage[] Messages(ChatEncoder encoder, ParseResult parsed, GenerateOptions options)
    {
        string prompt = parsed.GetRequiredValue(options.Prompt);
        return encoder.Template is PlainTextTemplate ? [new(MessageRole.Excerpt, prompt)]
            : parsed.GetValue(options.System) is { } system
                ? [new(MessageRole.System, system), new(MessageRole.User, prompt)]
            : [new(MessageRole.User, prompt)];
    }

    private sealed class GenerateOptions
    {
        public Option<string> Base { get; } =
            new("--base") { Required = true, Description = "Folder of the base model" };

        public Option<string?> Adapter { get; } = new("--adapter") { Description = "Folder of an adapter" };

        public Option<string> Prompt { get; } = new("--prompt") { Required = true, Description = "What the user says" };

        public Option<string?> System { get; } = new("--system") { Description = "The system text; default: none" };

        public Option<string?> Template { get; } =
            new("--template")
            {
                Description =
                    "llama2, llama3, mistral or chatml, or text to continue a plain text; default: told from the base",
            };

        public Option<double> Temperature { get; } =
            new("--temperature")
            {
                Description = "0 (default): always the likeliest token",
                DefaultValueFactory = _ => 0,
            };

        public Option<double> TopP { get; } =
            new("--top-p")
            {
                Description = "Above 0 to 1 (default): draw from the likeliest tokens that reach this together",
                DefaultValueFactory = _ => 1,
            };

        public Option<int> MaxTokens { get; } =
            new("--max-tokens") { Description = "Longest answer; default 256", DefaultValueFactory = _ => 256 };

        public Option<int> Seed { get; } =
            new("--seed")
            {
                Description = "The same seed draws the same tokens; default 1",
                DefaultValueFactory = _ => 1,
            };

        public Option<string> Device { get; } = DeviceOption.Create();

        /// <summary>In the order of the help.</summary>
        public List<Option> All =>
            [Base, Adapter, Prompt, System, Template, Temperature, TopP, MaxTokens, Seed, Device];
    }
}
