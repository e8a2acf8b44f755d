using System.Security.Cryptography;
using System.Text;

namespace Pipeline.Contracts;

/// <summary>Ids derived from content: the same content gives the same id on every machine.</summary>
public static class ContentHash
{
    /// <summary>SHA-256 in lower-case hexadecimal, 64 characters.</summary>
    public static string Sha256(ReadOnlySpan<byte> bytes) => Convert.ToHexStringLower(SHA256.HashData(bytes));

    /// <summary>
    /// The first 16 hexadecimal digits of SHA-256 over the parts, each with its length in front so that parts cannot
    /// run together.
    /// </summary>
    public static string ShortOf(params ReadOnlySpan<string> parts)
    {
        var text = new StringBuilder();
        foreach (string part in parts)
        {
            text.Append(part.Length).Append(':').Append(part).Append('\n');
        }

        return Sha256(Encoding.UTF8.GetBytes(text.ToString()))[..16];
    }
}
