namespace Pipeline.Contracts;

/// <summary>A blob's container and name.</summary>
public readonly record struct BlobAddress(string Container, string Name)
{
    public override string ToString() => $"{Container}/{Name}";
}
