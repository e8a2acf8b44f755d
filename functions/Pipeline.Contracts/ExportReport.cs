namespace Pipeline.Contracts;

/// <summary>
/// <c>export.json</c>: a version as files for llama.cpp, each evaluated on the held-out rows: what a form costs is
/// measured.
/// </summary>
public sealed record ExportReport
{
    public int SchemaVersion { get; init; } = 1;
    public required string Base { get; init; }
    public required string DatasetId { get; init; }

    /// <summary>The chat template's name.</summary>
    public required string Template { get; init; }

    /// <summary>Held-out rows.</summary>
    public required int Rows { get; init; }

    /// <summary>What a row's score is, as <see cref="EvaluationReport.ScoreName"/>.</summary>
    public required string ScoreName { get; init; }

    /// <summary>The score of the merged model as it is computed here, in float32, 0 to 1.</summary>
    public required double Score { get; init; }

    /// <summary>Texts of the dataset that both tokenizers encode alike: all of them.</summary>
    public required int TextsEncodedAlike { get; init; }

    /// <summary>The files, in the order written.</summary>
    public required IReadOnlyList<ExportedFile> Files { get; init; }

    /// <summary>What a person should know.</summary>
    public required IReadOnlyList<string> Notes { get; init; }
}

/// <summary>A file of an export.</summary>
/// <param name="Name">Its name, such as <c>model-Q8_0.gguf</c>.</param>
/// <param name="Form">F32, F16, BF16, or a quantised form.</param>
/// <param name="Bytes">Its size.</param>
/// <param name="Sha256">Of its bytes, lower-case hexadecimal.</param>
public sealed record ExportedFile(string Name, string Form, long Bytes, string Sha256)
{
    /// <summary>Held-out rows that it answers as the merged model does.</summary>
    public required int SameAnswers { get; init; }

    /// <summary>Its score, 0 to 1.</summary>
    public required double Score { get; init; }

    /// <summary>The largest difference of a right answer's log-likelihood to the merged model's, nats.</summary>
    public required double LargestDifference { get; init; }

    /// <summary>Tokens of prompts and right answers over the seconds of its evaluation.</summary>
    public required double TokensPerSecond { get; init; }

    /// <summary>Bytes of its weights in memory.</summary>
    public required long WeightBytes { get; init; }
}
