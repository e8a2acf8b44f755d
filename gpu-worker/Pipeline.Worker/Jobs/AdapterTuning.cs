using Pipeline.Contracts;
using Pipeline.Model.Adapters;
using Pipeline.Model.Llama;
using Pipeline.Model.Lora;

namespace Pipeline.Worker.Jobs;

/// <summary>A LoRA adapter on a frozen base, published as peft's files.</summary>
internal sealed class AdapterTuning(PlacedModel placed, TrainingSettings training) : Tuning
{
    private readonly LoraAdapter _adapter = LoraAdapter.Create(
        placed.Model,
        new LoraOptions(training.R, training.Alpha, training.Dropout)
        {
            UseRslora = training.Rslora,
            UseDora = training.Dora,
            Targets = training.Targets,
        },
        training.Seed
    );

    public override TrainableTensors Trained => _adapter;

    public override string WeightsFile => BlobLayout.AdapterWeightsFile;

    public override (string Library, string Tag) Card => ("peft", "lora");

    public override ICausalModel ForInference() => placed.ForInference(_adapter);

    public override void Write(string directory, string baseName) =>
        PeftAdapterFiles.Write(directory, _adapter, baseName);

    public override ProofCheck Moved() =>
        NoneOf("every lora_B is non-zero", [.. _adapter.Unmoved()], $"{_adapter.Pairs.Count} matrices");

    public override (string Check, IReadOnlySet<string> Tensors) Expected()
    {
        var expected = new HashSet<string>(StringComparer.Ordinal);
        foreach (Projection projection in placed.Model.Projections.Where(p => _adapter.Options.Adapts(p.Path)))
        {
            int rank = _adapter.Options.RankOf(projection.Path);
            expected.Add($"base_model.model.{projection.Path}.lora_A.weight F32 [{rank}, {projection.In}]");
            expected.Add($"base_model.model.{projection.Path}.lora_B.weight F32 [{projection.Out}, {rank}]");
            if (_adapter.Options.UseDora)
            {
                expected.Add($"base_model.model.{projection.Path}.lora_magnitude_vector F32 [{projection.Out}]");
            }
        }

        return ("keys, shapes and dtypes are peft's", expected);
    }

    public override (T Bare, T Read, T Tuned) Compare<T>(string directory, Func<ICausalModel, T> ask)
    {
        using LoraAdapter written = PeftAdapterFiles.Read(directory, placed.Model);
        T ResultOf(LoraAdapter? adapter) => ask(placed.ForInference(adapter, folded: false));
        // the last one stays: nothing asks an adapter that is gone
        return (ResultOf(null), ResultOf(written), ResultOf(_adapter));
    }

    public override void Dispose() => _adapter.Dispose();
}
