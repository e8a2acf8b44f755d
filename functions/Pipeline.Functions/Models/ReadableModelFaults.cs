using System.ClientModel;
using System.Text.Json;
using Azure.Identity;
using Microsoft.Extensions.AI;
using Pipeline.Datasets.Synthesis;

namespace Pipeline.Functions.Models;

/// <summary>Says what follows from a client's fault, and what to do.</summary>
internal sealed class ReadableModelFaults(IChatClient inner, string deployment) : DelegatingChatClient(inner)
{
    public override async Task<ChatResponse> GetResponseAsync(
        IEnumerable<ChatMessage> messages,
        ChatOptions? options = null,
        CancellationToken cancellationToken = default
    )
    {
        try
        {
            return await base.GetResponseAsync(messages, options, cancellationToken);
        }
        catch (Exception fault) when (!cancellationToken.IsCancellationRequested && Explain(fault) is { } explained)
        {
            throw explained;
        }
    }

    private ModelCallException? Explain(Exception fault) =>
        fault switch
        {
            ClientResultException { Status: 400 } refused when CodeOf(refused) == "content_filter" =>
                new ModelCallException("the content filter refused the prompt", ModelCallFault.Refused, fault),
            ClientResultException { Status: 401 or 403 } => new ModelCallException(
                $"Azure OpenAI refuses the key or identity (HTTP {((ClientResultException)fault).Status}); see "
                    + $"{ModelClients.Key}",
                ModelCallFault.Misconfigured,
                fault
            ),
            ClientResultException { Status: 404 } => new ModelCallException(
                $"Azure OpenAI has no deployment '{deployment}' at this endpoint; see {ModelClients.Endpoint} and "
                    + "synthesis.model.deployment",
                ModelCallFault.Misconfigured,
                fault
            ),
            ClientResultException { Status: 400 } bad => new ModelCallException(
                $"Azure OpenAI does not take the call: {bad.Message.ReplaceLineEndings(" ")}",
                ModelCallFault.Misconfigured,
                fault
            ),
            AuthenticationFailedException or CredentialUnavailableException => new ModelCallException(
                $"no identity was found that may use Azure OpenAI; set {ModelClients.Key}, or give the machine one",
                ModelCallFault.Misconfigured,
                fault
            ),
            ClientResultException away => new ModelCallException(
                away.Status == 0 ? "no connection" : $"HTTP {away.Status}",
                ModelCallFault.Away,
                fault
            ),
            AggregateException or HttpRequestException or OperationCanceledException => new ModelCallException(
                "no answer in time, or no connection",
                ModelCallFault.Away,
                fault
            ),
            _ => null,
        };

    /// <summary>The service's code of a fault, <c>error.code</c> of the body; <c>null</c>: it names none.</summary>
    private static string? CodeOf(ClientResultException fault)
    {
        try
        {
            using JsonDocument? body = fault.GetRawResponse() is { } response
                ? JsonDocument.Parse(response.Content)
                : null;
            return
                body?.RootElement is { ValueKind: JsonValueKind.Object } root
                && root.TryGetProperty("error", out JsonElement error)
                && error.ValueKind == JsonValueKind.Object
                && error.TryGetProperty("code", out JsonElement code)
                && code.ValueKind == JsonValueKind.String
                ? code.GetString()
                : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
