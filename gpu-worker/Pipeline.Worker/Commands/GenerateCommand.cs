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
        var baseOption = new Option<string>("--base") { Required = true, Description = "Folder of the base model" };
        var adapterOption = new Option<string?>("--adapter") { Description = "Folder of an adapter" };
        var promptOption = new Option<string>("--prompt") { Required = true, Description = "What the user says" };
        var systemOption = new Option<string?>("--system") { Description = "The system text; default: none" };
        var templateOption = new Option<string?>("--template")
        {
            Description =
                "llama2, llama3, mistral or chatml, or text to continue a plain text; default: told from the base",
        };
        var temperatureOption = new Option<double>("--temperature")
        {
            Description = "0 (default): always the likeliest token",
            DefaultValueFactory = _ => 0,
        };
        var topPOption = new Option<double>("--top-p")
        {
            Description = "Above 0 to 1 (default): draw from the likeliest tokens that reach this together",
            DefaultValueFactory = _ => 1,
        };
        var tokensOption = new Option<int>("--max-tokens")
        {
            Description = "Longest answer; default 256",
            DefaultValueFactory = _ => 256,
        };
        var seedOption = new Option<int>("--seed")
        {
            Description = "The same seed draws the same tokens; default 1",
            DefaultValueFactory = _ => 1,
        };
        Option<string> deviceOption = DeviceOption.Create();
        var command = new Command("generate", "Write an answer")
        {
            baseOption,
            adapterOption,
            promptOption,
            systemOption,
            templateOption,
            temperatureOption,
            topPOption,
            tokensOption,
            seedOption,
            deviceOption,
        };
        command.SetAction(parsed =>
        {
            (double temperature, double topP, int most) = (
                parsed.GetValue(temperatureOption),
                parsed.GetValue(topPOption),
                parsed.GetValue(tokensOption)
            );
            if (temperature < 0 || topP is <= 0 or > 1 || most < 1)
            {
                throw new InvalidDataException(
                    "--temperature is 0 or more, --top-p above 0 to 1, --max-tokens 1 or more."
                );
            }

            string folder = parsed.GetRequiredValue(baseOption);
            using Accelerator? gpu = DeviceOption.Open(parsed, deviceOption);
            ChatEncoder encoder = ChatEncoder.FromDirectory(folder, parsed.GetValue(templateOption));
            string? adapterFolder = parsed.GetValue(adapterOption);
            using PlacedModel placed = AdapterBase.Load(folder, adapterFolder, gpu);
            using LoraAdapter? adapter = adapterFolder is null
                ? null
                : PeftAdapterFiles.Read(adapterFolder, placed.Model);
            ChatMessage[] messages =
                encoder.Template is PlainTextTemplate
                    ? [new(ChatMessage.Excerpt, parsed.GetRequiredValue(promptOption))]
                    :
                    [
                        .. parsed.GetValue(systemOption) is { } system
                            ? [new ChatMessage(ChatMessage.System, system)]
                            : Array.Empty<ChatMessage>(),
                        new(ChatMessage.User, parsed.GetRequiredValue(promptOption)),
                    ];
            (IReadOnlyList<int> ids, bool stopped) = AnswerGenerator.Continue(
                placed.ForInference(adapter),
                [encoder.Encode(messages).Ids],
                most,
                encoder.StopIds,
                choice: new TokenChoice(temperature, topP, parsed.GetValue(seedOption))
            )[0];
            Console.WriteLine(encoder.Tokenizer.Decode(ids).Trim());
            if (!stopped)
            {
                Console.Error.WriteLine($"(cut off after {ids.Count} tokens)");
            }

            return 0;
        });
        return command;
    }
}
