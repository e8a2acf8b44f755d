using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Pipeline.Contracts;
using Pipeline.Datasets.Auditing;
using Pipeline.Datasets.Ingestion.Layouts;
using Pipeline.Datasets.Ingestion.Rows;
using Pipeline.Datasets.Privacy;
using Pipeline.Datasets.Splitting;
using Pipeline.Datasets.Synthesis;
using Pipeline.Datasets.Validation;

namespace Pipeline.Datasets.Building;

/// <summary>Validates the rows of a part, on all cores; they are written in the order read.</summary>
internal sealed class PartBuilder
{
    private const int RowsABatch = 64;
    private const long CharactersAtOnce = 8L << 20;
    private readonly DatasetRequest _request;
    private readonly DatasetPlan _plan;
    private readonly LabelSet? _labels;
    private readonly RowValidator _validator;
    private readonly HashSet<ulong> _common;
    private readonly ReviewedTexts _reviewed;

    public PartBuilder(DatasetRequest request, DatasetPlan plan)
    {
        (_request, _plan) = (request, plan);
        _labels = plan.Labels();
        _validator = ValidatorFor(request, plan);
        _common = [.. plan.CommonShingles];
        _reviewed = Corrections.Reviewed(request);
    }

    /// <summary>What validates the rows of a plan.</summary>
    public static RowValidator ValidatorFor(DatasetRequest request, DatasetPlan plan)
    {
        Deidentifier? privacy =
            request.Settings.Privacy.Mode == PrivacyMode.Keep
                ? null
                : new Deidentifier(request.Settings.Privacy, request.Project);
        return new RowValidator(
            new ValidationRules(
                plan.Task,
                plan.Labels(),
                plan.SystemPrompt,
                request.Settings.Validation.MaxTokens,
                privacy,
                request.Settings.Columns.Reviewer
            ),
            request.Encoder
        );
    }

    /// <summary>Writes a part.</summary>
    /// <param name="inputs">The dataset's files, opened.</param>
    /// <param name="part">One of the plan's.</param>
    /// <param name="output">Takes the part up.</param>
    public void Write(DatasetInputs inputs, DatasetPart part, Stream output)
    {
        DatasetInput input = inputs.All[part.InputIndex];
        using BinaryWriter writer = PartFile.Writer(output);
        foreach (RawRow[][] batches in Batches(input.Rows(part.Range)))
        {
            var validated = new (PartRow? Accepted, RejectedRow? Rejected)[batches.Length][];
            Parallel.For(
                0,
                batches.Length,
                i => validated[i] = [.. batches[i].Select(row => Validate(row, input.Layout))]
            );
            foreach ((PartRow? accepted, RejectedRow? rejected) in validated.SelectMany(j => j))
            {
                if (accepted is not null)
                {
                    PartFile.Write(writer, accepted);
                }
                else
                {
                    PartFile.Write(writer, rejected!);
                }
            }
        }
    }

    /// <summary>Rows that are validated at once: batches for all cores, within a limit of characters.</summary>
    private static IEnumerable<RawRow[][]> Batches(IEnumerable<RawRow> rows)
    {
        int most = RowsABatch * 4 * Environment.ProcessorCount;
        List<RawRow> gathered = [];
        long length = 0;
        foreach (RawRow row in rows)
        {
            gathered.Add(row);
            length += row.Length;
            if (gathered.Count == most || length > CharactersAtOnce)
            {
                yield return [.. gathered.Chunk(RowsABatch)];
                gathered.Clear();
                length = 0;
            }
        }

        if (gathered.Count > 0)
        {
            yield return [.. gathered.Chunk(RowsABatch)];
        }
    }

    /// <summary>Writes a part of synthetic rows.</summary>
    public void Write(IEnumerable<SyntheticRow> rows, Stream output)
    {
        using BinaryWriter writer = PartFile.Writer(output);
        var layout = new ReviewedRows(new SyntheticLayout(), _reviewed);
        foreach ((RawRow row, SyntheticRow synthetic) in SyntheticLayout.Rows(rows))
        {
            (PartRow? accepted, RejectedRow? rejected) = Validate(row, layout, synthetic.Origin);
            if (accepted is not null && synthetic.Doubt is null)
            {
                PartFile.Write(writer, accepted);
            }
            else
            {
                PartFile.Write(
                    writer,
                    rejected
                        ?? new RejectedRow(
                            accepted!.Example.Id,
                            RejectionOutcome.Rejected,
                            RejectionReason.LabelDisputed,
                            synthetic.Doubt!,
                            null,
                            row.Place,
                            row.Fields
                        )
                );
            }
        }
    }

    private (PartRow? Accepted, RejectedRow? Rejected) Validate(
        RawRow row,
        RowLayout layout,
        SyntheticOrigin? origin = null
    )
    {
        ValidatedRow validated = _validator.Validate(row, layout);
        if (validated.Accepted is not { } accepted)
        {
            return (null, validated.Rejected);
        }

        Example example = accepted with { Synthetic = origin };
        if (layout is ReviewedRows reviewed && reviewed.WhyOut(row, example.Messages) is { } why)
        {
            return (
                null,
                new RejectedRow(row.Id, RejectionOutcome.Rejected, why.Reason, why.Detail, null, row.Place, row.Fields)
            );
        }

        bool plain = _plan.Task == TaskKind.Text;
        int label = example.Label is null ? -1 : _labels!.NumberOf(example.Label);
        var split = new SplitRow(
            label,
            StratifiedSplit.OrderOf(_request.Settings.Split.Seed, example.Text),
            plain ? example.Messages[^1].Content.Length : 1
        );
        List<(Example, RowMeasure, uint[])> pieces = [];
        if (plain && validated.Measure.Tokens > _request.Settings.Validation.MaxTokens)
        {
            pieces =
            [
                .. TextPieces
                    .Divide(example, _request.Encoder, _request.Settings.Validation.MaxTokens)
                    .Select(p => (p, RowMeasure.From(_request.Encoder, p), Sign(p))),
            ];
        }

        byte[] key = SHA256.HashData(Encoding.UTF8.GetBytes(validated.Key));
        byte[] answer = SHA256.HashData(Encoding.UTF8.GetBytes(example.Messages[^1].Content));
        return (
            new PartRow(
                BinaryPrimitives.ReadUInt128LittleEndian(key),
                BinaryPrimitives.ReadUInt64LittleEndian(answer),
                split,
                row.Split,
                example,
                row.Fields,
                validated.Measure,
                Sign(example),
                pieces
            ),
            null
        );
    }

    private uint[] Sign(Example example) => NearDuplicates.Sign(MessageCleaning.PromptText(example.Messages), _common);
}
