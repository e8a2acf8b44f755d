using Google.Protobuf;
using Google.Protobuf.Collections;
using Microsoft.ML;
using Onnx;

namespace Pipeline.Reporting.Baselines;

/// <summary>
/// A linear model as ONNX. What Microsoft.ML exports (5.0.1, <c>NgramExtractingTransformer.SaveAsOnnx</c>) has the
/// n-grams' weights in the order of its features, where ONNX reads them in the order of the n-grams: they are put
/// there, and inputs and outputs that only the training needs are left out.
/// </summary>
internal static class LinearModelFile
{
    /// <summary>The one input: a text as <see cref="LinearModel.Prepare"/> gives it, of shape [rows, 1].</summary>
    public const string Text = "Text";

    /// <summary>The label, of shape [rows, 1].</summary>
    public const string Label = "Answer.output";

    /// <summary>The labels' probabilities, of shape [rows, labels].</summary>
    public const string Probabilities = "Score.output";

    /// <summary>Writes the model.</summary>
    public static void Write(MLContext context, ITransformer model, IDataView sample, Stream stream)
    {
        using var exported = new MemoryStream();
        context.Model.ConvertToOnnx(model, sample, exported);
        ModelProto file = ModelProto.Parser.ParseFrom(exported.ToArray());
        GraphProto graph = file.Graph;
        foreach (NodeProto node in graph.Node.Where(n => n.OpType == "TfIdfVectorizer"))
        {
            OrderWeights(node);
        }

        Keep(graph.Output, [Label, Probabilities]);
        RemoveUnused(graph);
        Keep(graph.Input, [Text]);
        file.WriteTo(stream);
    }

    private static void OrderWeights(NodeProto node)
    {
        AttributeProto weights = node.Attribute.First(a => a.Name == "weights");
        AttributeProto features = node.Attribute.First(a => a.Name == "ngram_indexes");
        float[] byFeature = [.. weights.Floats];
        weights.Floats.Clear();
        weights.Floats.AddRange(features.Ints.Select(f => byFeature[f]));
    }

    private static void Keep(RepeatedField<ValueInfoProto> values, string[] names)
    {
        foreach (ValueInfoProto value in values.Where(v => !names.Contains(v.Name)).ToList())
        {
            values.Remove(value);
        }

        if (values.Count != names.Length)
        {
            throw new InvalidOperationException(
                $"Microsoft.ML has exported no {string.Join(", ", names.Except(values.Select(v => v.Name)))}."
            );
        }
    }

    /// <summary>Nodes that lead to no output.</summary>
    private static void RemoveUnused(GraphProto graph)
    {
        HashSet<string> needed = [.. graph.Output.Select(o => o.Name)];
        foreach (NodeProto node in graph.Node.Reverse().ToList())
        {
            if (node.Output.Any(needed.Contains))
            {
                needed.UnionWith(node.Input);
            }
            else
            {
                graph.Node.Remove(node);
            }
        }

        foreach (TensorProto constant in graph.Initializer.Where(i => !needed.Contains(i.Name)).ToList())
        {
            graph.Initializer.Remove(constant);
        }
    }
}
