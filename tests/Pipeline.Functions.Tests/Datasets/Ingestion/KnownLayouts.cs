namespace Pipeline.Functions.Tests.Datasets.Ingestion;

/// <summary>
/// A file of each known layout: its JSON, the layout's name, the task, and its first row as it is to be read.
/// </summary>
internal static class KnownLayouts
{
    public static TheoryData<string, string, string, string> Rows { get; } =
        new()
        {
            {
                """[{"instruction": "Add.", "input": "1 2", "output": "3"}, """
                    + """{"instruction": "Hi", "input": "", "output": "Hello"}]""",
                "alpaca",
                "instruction",
                "user=Add.\n\n1 2 | assistant=3"
            },
            {
                """[{"conversations": [{"from": "human", "value": "Hi"}, """
                    + """{"from": "gpt", "value": "Hello"}, {"from": "human", "value": "Find"}, """
                    + """{"from": "function_call", "value": "{}"}, {"from": "observation", "value": "[1]"}, """
                    + """{"from": "gpt", "value": "One"}], "tools": "[f]"}]""",
                "ShareGPT",
                "chat",
                "system=Functions that can be called:\n[f] | user=Hi | assistant=Hello | user=Find | "
                    + "assistant={} | user=[1] | assistant=One"
            },
            {
                """[{"messages": [{"role": "system", "content": "Be kind."}, """
                    + """{"role": "user", "content": [{"type": "text", "text": "Hi"}]}, """
                    + """{"role": "assistant", "content": "Hello"}]}]""",
                "messages",
                "chat",
                "system=Be kind. | user=Hi | assistant=Hello"
            },
            {
                """[{"text": "<s>[INST] <<SYS>>\nBe kind.\n<</SYS>>\n\nHi [/INST] Hello </s>"""
                    + """<s>[INST] And? [/INST] Bye </s>"}]""",
                "Llama-2 text",
                "chat",
                "system=Be kind. | user=Hi | assistant=Hello | user=And? | assistant=Bye"
            },
            {
                """[{"prompt": "Hi", "chosen": "Hello", "rejected": "Go"}]""",
                "preference pairs (the chosen answers)",
                "chat",
                "user=Hi | assistant=Hello"
            },
            {
                """[{"conversations": [{"from": "human", "value": "Hi"}],"""
                    + """ "chosen": {"from": "gpt", "value": "Hello"},"""
                    + """ "rejected": {"from": "gpt", "value": "Go"}}]""",
                "preference pairs (the chosen answers)",
                "chat",
                "user=Hi | assistant=Hello"
            },
            {
                """[{"chosen": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}],"""
                    + """ "rejected": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Go"}]}]""",
                "preference pairs (the chosen answers)",
                "chat",
                "user=Hi | assistant=Hello"
            },
            {
                """[{"prompt": "Hi", "completion": "Hello", "label": true}]""",
                "thumbs (the approved answers)",
                "chat",
                "user=Hi | assistant=Hello"
            },
            {
                """[{"messages": [{"role": "user", "content": "Hi"}, """
                    + """{"role": "assistant", "content": "Go"}], "label": false}]""",
                "thumbs (the approved answers)",
                "chat",
                "disapproved: column 'label' says that this answer is not to be learned"
            },
            {
                """[{"full_text": "Ada 😀 in Rome","""
                    + """ "spans": [{"entity_type": "CITY", "entity_value": "Rome","""
                    + """ "start_position": 9, "end_position": 13}, """
                    + """{"entity_type": "PERSON", "entity_value": "Ada", "start_position": 0, "end_position": 3}]}]""",
                "span annotations",
                "extraction",
                "user=Ada 😀 in Rome | assistant={\"CITY\":[\"Rome\"],\"PERSON\":[\"Ada\"]}"
            },
            {
                """[{"userInput": {"text": "2 people please"},"""
                    + """ "labels": [{"slot": "people", "valueSpan": {"endIndex": 8}}]}]""",
                "span annotations",
                "extraction",
                "user=2 people please | assistant={\"people\":[\"2 people\"]}"
            },
            {
                """[{"text": "Ada left", "label": [[0, 3, "NAME"]]}, {"text": "none", "label": []}]""",
                "span annotations",
                "extraction",
                "user=Ada left | assistant={\"NAME\":[\"Ada\"]}"
            },
        };
}
