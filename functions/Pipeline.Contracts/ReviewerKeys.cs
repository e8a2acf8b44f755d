namespace Pipeline.Contracts;

/// <summary>
/// <c>projects/{project}/reviewers.json</c>: the reviewers of a project. Keys are kept as hashes only.
/// </summary>
/// <param name="Reviewers">In the order of their names.</param>
public sealed record ReviewerKeys(IReadOnlyList<ReviewerKey> Reviewers)
{
    /// <summary>The reviewer whom a key names; <c>null</c>: none.</summary>
    public string? Find(string key)
    {
        string hash = Hash(key);
        return Reviewers.FirstOrDefault(r => r.KeySha256 == hash)?.Name;
    }

    /// <summary>The reviewers with another one, whose key replaces an older one of the same name.</summary>
    public ReviewerKeys With(string name, string key, DateTimeOffset at) =>
        new([
            .. Without(name)
                .Reviewers.Append(new ReviewerKey(name, Hash(key), at))
                .OrderBy(r => r.Name, StringComparer.Ordinal),
        ]);

    /// <summary>The reviewers without one.</summary>
    public ReviewerKeys Without(string name) => new([.. Reviewers.Where(r => r.Name != name)]);

    private static string Hash(string key)
    {
        ArgumentNullException.ThrowIfNull(key);
        return ContentHash.Sha256(System.Text.Encoding.UTF8.GetBytes(key));
    }
}

/// <summary>A reviewer.</summary>
/// <param name="Name">Who.</param>
/// <param name="KeySha256">SHA-256 of the key.</param>
/// <param name="IssuedAt">When the key was issued.</param>
public sealed record ReviewerKey(string Name, string KeySha256, DateTimeOffset IssuedAt);
