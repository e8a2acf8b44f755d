namespace Pipeline.Worker.Benchmarks;

/// <summary>One line of <c>bench cpu</c>.</summary>
/// <param name="Case">The method: <c>lora</c>, <c>qlora</c>.</param>
/// <param name="Threads">Of torch.</param>
/// <param name="Batch">Rows a step.</param>
/// <param name="Seq">Tokens a row.</param>
/// <param name="TokS">Tokens a second, best of five.</param>
/// <param name="CeilingShare">That over the ceiling.</param>
/// <param name="CeilingTokS">Tokens a second of the matrix products alone, timed in the same run.</param>
internal sealed record CpuBenchmarkResult(
    string Case,
    int Threads,
    int Batch,
    int Seq,
    double TokS,
    double CeilingShare,
    double CeilingTokS
);
