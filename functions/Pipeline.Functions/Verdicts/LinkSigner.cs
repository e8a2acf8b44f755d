using System.Security.Cryptography;
using System.Text.Json;
using Microsoft.AspNetCore.DataProtection;
using Pipeline.Contracts;

namespace Pipeline.Functions.Verdicts;

/// <summary>Signs links by which a person gives a verdict without a key, and that end by themselves.</summary>
public sealed class LinkSigner(IDataProtectionProvider protection)
{
    private readonly ITimeLimitedDataProtector _protector = protection
        .CreateProtector("verdict links")
        .ToTimeLimitedDataProtector();

    /// <summary>The part of a link that says and proves what it is about; encrypted.</summary>
    public string Sign(VerdictLink link, DateTimeOffset expires) =>
        _protector.Protect(ContractJson.Write(link), expires);

    /// <summary>What a link is about.</summary>
    /// <param name="token">As it was signed.</param>
    /// <returns><c>null</c>: it was not signed here, or its time is over.</returns>
    public VerdictLink? Read(string token)
    {
        try
        {
            return ContractJson.Read<VerdictLink>(_protector.Unprotect(token));
        }
        catch (Exception fault) when (fault is CryptographicException or JsonException or FormatException)
        {
            return null;
        }
    }
}

/// <summary>What a signed link is about.</summary>
/// <param name="Project">The project.</param>
/// <param name="Score">-1, 0 or 1.</param>
/// <param name="AnswerId">The answer; <c>null</c>: text and version say which.</param>
/// <param name="Text">The text that was answered.</param>
/// <param name="Answer">The answer.</param>
/// <param name="AdapterVersion">The version that answered.</param>
/// <param name="Reviewer">Whom the link names; <c>null</c>: nobody.</param>
public sealed record VerdictLink(
    string Project,
    int Score,
    string? AnswerId = null,
    string? Text = null,
    string? Answer = null,
    string? AdapterVersion = null,
    string? Reviewer = null
)
{
    /// <summary>When that reviewer's key was issued: with another key, or none, the link names nobody.</summary>
    public DateTimeOffset? KeyIssuedAt { get; init; }
}
