using System.Text;
using Pipeline.Model;
using Pipeline.Model.Checkpoints;
using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.GpuWorker.Tests.Model.Checkpoints;

public sealed class SafetensorsFileTests
{
    private static string Raw(TemporaryFolder folder, string header, int dataBytes)
    {
        string path = Path.Combine(folder.Path, "a.safetensors");
        byte[] json = Encoding.UTF8.GetBytes(header);
        File.WriteAllBytes(path, [.. BitConverter.GetBytes((long)json.Length), .. json, .. new byte[dataBytes]]);
        return path;
    }

    [Theory]
    [InlineData(ScalarType.Float32)]
    [InlineData(ScalarType.Float16)]
    [InlineData(ScalarType.BFloat16)]
    [InlineData(ScalarType.Int64)]
    [InlineData(ScalarType.Byte)]
    public void Write_ThenRead_GivesTheSameTensor(ScalarType dtype)
    {
        using var folder = new TemporaryFolder();
        using DisposeScope scope = NewDisposeScope();
        string path = Path.Combine(folder.Path, "a.safetensors");
        Tensor value = arange(6, dtype: ScalarType.Float32).reshape(2, 3).to(dtype);

        SafetensorsFile.Write(
            path,
            new Dictionary<string, Tensor> { ["b"] = value.t(), ["a"] = value },
            new Dictionary<string, string> { ["format"] = "pt" }
        );

        using SafetensorsFile file = SafetensorsFile.Open(path);
        Assert.True(file.Read("a").equal(value).all().item<bool>());
        Assert.True(file.Read("b").equal(value.t()).all().item<bool>());
        Assert.Equal("pt", file.Metadata["format"]);
        Assert.False(File.Exists(path + ".partial"));
    }

    [Theory]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""", 4, "truncated")]
    [InlineData("""{"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}}""", 8, "lies about 'a'")]
    [InlineData(
        """{"a":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,8]}}""",
        8,
        "not a safetensors file"
    )]
    [InlineData(
        """{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":"""
            + """{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}""",
        12,
        "overlaps"
    )]
    [InlineData("""{"a":{"dtype":"F4","shape":[2],"data_offsets":[0,8]}}""", 8, "dtype F4")]
    [InlineData("""{"a":3}""", 0, "not a safetensors file")]
    [InlineData("not json", 0, "not a safetensors file")]
    public void Open_HeaderThatIsWrong_IsRefusedByName(string header, int dataBytes, string message)
    {
        using var folder = new TemporaryFolder();
        string path = Raw(folder, header, dataBytes);

        ModelException fault = Assert.Throws<ModelException>(() => SafetensorsFile.Open(path));

        Assert.Contains(message, fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Open_FileShorterThanItsHeader_IsRefused()
    {
        using var folder = new TemporaryFolder();
        string path = Path.Combine(folder.Path, "a.safetensors");
        File.WriteAllBytes(path, [.. BitConverter.GetBytes(1000L), 1, 2, 3]);

        Assert.Contains(
            "truncated",
            Assert.Throws<ModelException>(() => SafetensorsFile.Open(path)).Message,
            StringComparison.Ordinal
        );
    }
}
