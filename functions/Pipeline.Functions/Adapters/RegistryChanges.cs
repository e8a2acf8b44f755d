using Microsoft.AspNetCore.Http;
using Pipeline.Contracts;
using Pipeline.Functions.Http;
using Pipeline.Registry.Promotion;
using Pipeline.Storage;

namespace Pipeline.Functions.Adapters;

/// <summary>Changes of the registry that people ask for over HTTP, made under its ETag.</summary>
public sealed class RegistryChanges(PipelineStorage storage, TimeProvider time)
{
    private const int LongestReason = 1000;

    /// <summary>Makes a change.</summary>
    /// <param name="request">Its body may give <see cref="RegistryCall"/>.</param>
    /// <param name="project">The project.</param>
    /// <param name="version">The version it is about, such as 17 or V17; <c>null</c>: the change takes none.</param>
    /// <param name="change">From the registry as it is to what it shall be.</param>
    /// <param name="cancellation">Ends the call.</param>
    /// <returns>The registry, or why it stays as it is: 400, 404 or 409.</returns>
    public async Task<IResult> MakeAsync(
        HttpRequest request,
        string project,
        string? version,
        Func<RegistryPointer, RegistryChange, RegistryCall, RegistryPointer> change,
        CancellationToken cancellation
    )
    {
        ArgumentNullException.ThrowIfNull(change);
        if (!BlobLayout.IsProjectName(project))
        {
            return HttpResults.NoProject(project);
        }

        int number = 0;
        if (version is not null && !VersionNumber.TryParse(version, out number))
        {
            return HttpResults.BadRequest(VersionNumber.Fault(version));
        }

        (RegistryCall? call, string? fault) = await BodyAsync(request, cancellation);
        if (call is null)
        {
            return HttpResults.BadRequest(fault!);
        }

        RegistryAction action = RegistryAction.Promoted; // each change sets its own
        string reason = string.IsNullOrWhiteSpace(call.Reason) ? "no reason was given" : call.Reason.Trim();
        try
        {
            RegistryPointer registry = await storage.Registry.UpdateAsync(
                project,
                p =>
                    call.Champion is { } expected && p.Champion != expected
                        ? throw new RegistryException(
                            $"The champion is {(p.Champion is { } now ? $"V{now}" : "none")}, not V{expected} any "
                                + "more; nothing was changed."
                        )
                        : change(p, new RegistryChange(action, number, reason, time.GetUtcNow()), call),
                cancellation
            );
            return TypedResults.Ok(RegistryView.From(registry));
        }
        catch (RegistryException refused)
        {
            return HttpResults.Conflict(refused.Message);
        }
    }

    private static async Task<(RegistryCall? Call, string? Fault)> BodyAsync(
        HttpRequest request,
        CancellationToken cancellation
    )
    {
        (RegistryCall? call, string? fault) = await RequestBody.JsonAsync(request, cancellation, new RegistryCall());
        return call?.Reason?.Length > LongestReason
            ? (null, $"'reason' may have {LongestReason} characters.")
            : (call, fault);
    }
}

/// <summary>The body of a change, all of it optional.</summary>
/// <param name="Reason">Why, kept in the history; at most 1,000 characters.</param>
/// <param name="Champion">The champion that the caller has seen; when it is another one by now, nothing is
/// changed.</param>
/// <param name="Force">Whether a version that the gate has refused is promoted all the same.</param>
public sealed record RegistryCall(string? Reason = null, int? Champion = null, bool Force = false);
