using Pipeline.Model.Kernels;
using Pipeline.Model.Lora;
using Pipeline.Model.Quantization;
using static TorchSharp.torch;

namespace Pipeline.Model.Optimization;

/// <summary>
/// Adam's two moments over a flat buffer, in blocks: of 8-bit codes with one absmax a block, or in float32. Formulas
/// and their order are those of bitsandbytes' <c>csrc/kernels.cu</c> (kOptimizerStatic8bit2StateBlockwise,
/// quantize_2D).
/// </summary>
public sealed class BlockwiseMoments : IDisposable
{
    /// <summary>Numbers that share one absmax.</summary>
    public const int BlockSize = 256;

    private const int BlocksTogether = 1 << 20; // a gibibyte of values
    private const float Beta1 = 0.9f;
    private const float Beta2 = 0.999f;
    private const float Epsilon = 1e-8f;
    private static readonly float[] Signed = DynamicCode.OfBothSigns();
    private static readonly float[] Unsigned = DynamicCode.OfPositives();
    private static readonly byte SignedZero = (byte)Array.IndexOf(Signed, 0f);
    private static readonly byte UnsignedZero = (byte)Array.IndexOf(Unsigned, 0f);

    private readonly Block[] _blocks;
    private readonly Tensor _firstCodes; // uint8 [numbers in 8 bits]
    private readonly Tensor _firstAbsmax; // float32 [blocks in 8 bits]
    private readonly Tensor _secondCodes;
    private readonly Tensor _secondAbsmax;
    private readonly Tensor _first; // float32 [numbers in float32]
    private readonly Tensor _second;

    /// <summary>Makes the moments, all zero.</summary>
    /// <param name="parts">The tensors that the buffer consists of, in their order: how many numbers, and whether in 8
    /// bits. No block reaches over an end.</param>
    /// <param name="device">Where they lie; <c>null</c>: on the CPU.
    /// <see cref="Step(TrainableTensors, int, float, float)"/> is the CPU's.</param>
    public BlockwiseMoments(IReadOnlyList<(long Count, bool In8Bits)> parts, Device? device = null)
    {
        ArgumentNullException.ThrowIfNull(parts);
        var blocks = new List<Block>();
        (long start, long coded, long plain, long absmax) = (0, 0, 0, 0);
        foreach ((long count, bool in8Bits) in parts)
        {
            for (long done = 0; done < count; done += BlockSize)
            {
                int size = (int)Math.Min(BlockSize, count - done);
                blocks.Add(new Block(start + done, size, in8Bits ? coded : plain, in8Bits ? absmax++ : -1));
                coded += in8Bits ? size : 0;
                plain += in8Bits ? 0 : size;
            }

            start += count;
        }

        _blocks = [.. blocks];
        Tensor Zeros(long count, ScalarType type) => zeros(count, type, device: device).DetachFromDisposeScope();
        (_firstCodes, _secondCodes) = (Zeros(coded, ScalarType.Byte), Zeros(coded, ScalarType.Byte));
        (_firstAbsmax, _secondAbsmax) = (Zeros(absmax, ScalarType.Float32), Zeros(absmax, ScalarType.Float32));
        (_first, _second) = (Zeros(plain, ScalarType.Float32), Zeros(plain, ScalarType.Float32));
    }

    /// <summary>Everything that is held, by name. Belongs to this object.</summary>
    public IReadOnlyList<(string Name, Tensor Value)> State =>
        [
            ("first_codes", _firstCodes),
            ("first_absmax", _firstAbsmax),
            ("second_codes", _secondCodes),
            ("second_absmax", _secondAbsmax),
            ("first_moment", _first),
            ("second_moment", _second),
        ];

    /// <summary>
    /// Of each block its first number, its first one among the codes or the moments in float32, how many it has, and
    /// its absmax or -1.
    /// </summary>
    internal long[] Places => [.. _blocks.SelectMany(b => (long[])[b.Start, b.At, b.Size, b.Absmax])];

    /// <summary>The size of a step and ε, with what corrects the moments for having begun at zero.</summary>
    internal static (float Size, float Epsilon) Corrected(int step, float learningRate)
    {
        float correction1 = 1f - MathF.Pow(Beta1, step);
        float correction2 = MathF.Sqrt(1f - MathF.Pow(Beta2, step));
        return (-learningRate * correction2 / correction1, correction2 * Epsilon);
    }

    /// <summary>One step of Adam with decoupled decay, in place.</summary>
    /// <param name="trained">Values and gradients, all finite.</param>
    /// <param name="step">From 1.</param>
    /// <param name="learningRate">Of this step.</param>
    /// <param name="weightDecay">Times the rate, taken off after the step.</param>
    public void Step(TrainableTensors trained, int step, float learningRate, float weightDecay)
    {
        ArgumentNullException.ThrowIfNull(trained);
        (float size, float epsilon) = Corrected(step, learningRate);
        var factors = new StepFactors(size, epsilon, 1f - (learningRate * weightDecay));
        for (int from = 0; from < _blocks.Length; from += BlocksTogether)
        {
            Step(trained, from, Math.Min(_blocks.Length, from + BlocksTogether), factors);
        }
    }

    /// <summary>The same for some of the blocks: a span counts in int, and a large model has more bytes.</summary>
    private void Step(TrainableTensors trained, int begin, int end, StepFactors factors)
    {
        using TorchSharp.DisposeScope scope = NewDisposeScope();
        var part = BufferPart.From(_blocks.AsSpan(begin, end - begin));
        Tensor values = trained.Values.narrow(0, part.Start, part.Count),
            gradients = trained.Gradients.narrow(0, part.Start, part.Count);
        Tensor firstCodes = _firstCodes.narrow(0, part.CodesAt, part.Codes),
            secondCodes = _secondCodes.narrow(0, part.CodesAt, part.Codes);
        Tensor firstAbsmax = _firstAbsmax.narrow(0, part.AbsmaxAt, part.Absmax),
            secondAbsmax = _secondAbsmax.narrow(0, part.AbsmaxAt, part.Absmax);
        Tensor firstPlain = _first.narrow(0, part.PlainAt, part.Plain),
            secondPlain = _second.narrow(0, part.PlainAt, part.Plain);
        RowParallel.For(
            end - begin,
            BlockSize,
            (from, to) =>
            {
                Span<float> firsts = stackalloc float[BlockSize];
                Span<float> seconds = stackalloc float[BlockSize];
                Span<float> allValues = RowParallel.Floats(values);
                Span<float> allGradients = RowParallel.Floats(gradients);
                Held firstMoments = First(firstCodes, firstAbsmax, firstPlain);
                Held secondMoments = Second(secondCodes, secondAbsmax, secondPlain);
                foreach (Block whole in _blocks.AsSpan(begin + from, to - from))
                {
                    Block block = part.Within(whole);
                    Span<float> first = firstMoments.Begin(block, firsts);
                    Span<float> second = secondMoments.Begin(block, seconds);
                    Update(
                        allValues.Slice((int)block.Start, block.Size),
                        allGradients.Slice((int)block.Start, block.Size),
                        first,
                        second,
                        // no block reaches over the end of a tensor
                        whole.Start < trained.Decayed
                            ? factors
                            : factors with
                            {
                                Decay = 1f,
                            }
                    );
                    firstMoments.End(block, first);
                    secondMoments.End(block, second);
                }
            }
        );
    }

    private static Held First(Tensor codes, Tensor absmax, Tensor plain) =>
        new(codes.bytes, RowParallel.Floats(absmax), RowParallel.Floats(plain), Signed, SignedZero, keepsSign: true);

    private static Held Second(Tensor codes, Tensor absmax, Tensor plain) =>
        new(
            codes.bytes,
            RowParallel.Floats(absmax),
            RowParallel.Floats(plain),
            Unsigned,
            UnsignedZero,
            keepsSign: false
        );

    /// <summary>A block's step.</summary>
    private static void Update(
        Span<float> value,
        ReadOnlySpan<float> gradient,
        Span<float> first,
        Span<float> second,
        StepFactors factors
    )
    {
        (float size, float epsilon, float decay) = factors;
        for (int k = 0; k < value.Length; k++)
        {
            float g = gradient[k];
            second[k] = (second[k] * Beta2) + ((1f - Beta2) * g * g);
            first[k] = (first[k] * Beta1) + ((1f - Beta1) * g);
            value[k] = (value[k] + (size * (first[k] / (MathF.Sqrt(second[k]) + epsilon)))) * decay;
        }
    }

    /// <summary>Where the numbers of one kind begin among these blocks, and how many there are.</summary>
    private static (long At, long Count) Reach(ReadOnlySpan<Block> blocks, bool eightBits)
    {
        (long at, long count) = (0, 0);
        foreach (Block block in blocks)
        {
            if (block.InEightBits == eightBits)
            {
                at = count == 0 ? block.At : at;
                count += block.Size;
            }
        }

        return (at, count);
    }

    private static Block FirstOf(ReadOnlySpan<Block> blocks)
    {
        foreach (Block block in blocks)
        {
            if (block.InEightBits)
            {
                return block;
            }
        }

        return default;
    }

    public void Dispose()
    {
        foreach ((_, Tensor value) in State)
        {
            value.Dispose();
        }
    }

    /// <summary>A part of the buffer.</summary>
    /// <param name="Start">Its first number in the buffer.</param>
    /// <param name="Size">Numbers.</param>
    /// <param name="At">Its first number among the codes, or among the moments in float32.</param>
    /// <param name="Absmax">Its place among the absmax values; -1 in float32.</param>
    private readonly record struct Block(long Start, int Size, long At, long Absmax)
    {
        public bool InEightBits => Absmax >= 0;
    }

    /// <summary>What a step multiplies with.</summary>
    /// <param name="Size">Of the step: minus the learning rate, corrected.</param>
    /// <param name="Epsilon">ε, corrected.</param>
    /// <param name="Decay">What is left of a value after the step.</param>
    private readonly record struct StepFactors(float Size, float Epsilon, float Decay);

    /// <summary>The part of the buffer that some blocks, one after the other, take up.</summary>
    /// <param name="Start">Its first number in the buffer.</param>
    /// <param name="Count">Numbers.</param>
    /// <param name="CodesAt">Its first code.</param>
    /// <param name="Codes">Numbers in 8 bits.</param>
    /// <param name="PlainAt">Its first moment in float32.</param>
    /// <param name="Plain">Numbers in float32.</param>
    /// <param name="AbsmaxAt">Its first absmax.</param>
    /// <param name="Absmax">Blocks in 8 bits.</param>
    private readonly record struct BufferPart(
        long Start,
        long Count,
        long CodesAt,
        long Codes,
        long PlainAt,
        long Plain,
        long AbsmaxAt,
        long Absmax
    )
    {
        public static BufferPart From(ReadOnlySpan<Block> all)
        {
            (long codesAt, long codes) = Reach(all, eightBits: true);
            (long plainAt, long plain) = Reach(all, eightBits: false);
            long absmax = 0;
            foreach (Block block in all)
            {
                absmax += block.InEightBits ? 1 : 0;
            }

            return new BufferPart(
                all[0].Start,
                all[^1].Start + all[^1].Size - all[0].Start,
                codesAt,
                codes,
                plainAt,
                plain,
                codes == 0 ? 0 : FirstOf(all).Absmax,
                absmax
            );
        }

        /// <summary>A block whose places are counted from here on.</summary>
        public Block Within(Block whole) =>
            whole with
            {
                Start = whole.Start - Start,
                At = whole.At - (whole.InEightBits ? CodesAt : PlainAt),
                Absmax = whole.InEightBits ? whole.Absmax - AbsmaxAt : whole.Absmax,
            };
    }

    /// <summary>One of the two moments.</summary>
    private readonly ref struct Held(
        Span<byte> codes,
        Span<float> absmax,
        Span<float> plain,
        float[] code,
        byte zero,
        bool keepsSign
    )
    {
        private readonly Span<byte> _codes = codes;
        private readonly Span<float> _absmax = absmax;
        private readonly Span<float> _plain = plain;

        /// <summary>A block's numbers: in place where they are float32, else read into some room.</summary>
        public Span<float> Begin(Block block, Span<float> room)
        {
            if (!block.InEightBits)
            {
                return _plain.Slice((int)block.At, block.Size);
            }

            float largest = _absmax[(int)block.Absmax];
            for (int i = 0; i < block.Size; i++)
            {
                room[i] = code[_codes[(int)block.At + i]] * largest;
            }

            return room[..block.Size];
        }

        /// <summary>Keeps a block's numbers.</summary>
        public void End(Block block, ReadOnlySpan<float> values)
        {
            if (!block.InEightBits)
            {
                return;
            }

            Span<byte> target = _codes.Slice((int)block.At, block.Size);
            float largest = 0;
            foreach (float value in values)
            {
                largest = MathF.Max(largest, MathF.Abs(value));
            }

            _absmax[(int)block.Absmax] = largest;
            if (largest == 0)
            {
                target.Fill(zero);
                return;
            }

            for (int i = 0; i < values.Length; i++)
            {
                int nearest = DynamicCode.Nearest(code, values[i] / largest);
                // A mean that is rounded to zero, or over it, would push the other way.
                if (keepsSign && float.IsNegative(code[nearest]) != float.IsNegative(values[i]))
                {
                    nearest += values[i] > 0 ? 1 : -1;
                }

                target[i] = (byte)nearest;
            }
        }
    }
}
