using System.ClientModel;
using System.ClientModel.Primitives;
using Azure.AI.OpenAI;
using Azure.Identity;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Configuration;
using Pipeline.Datasets;

namespace Pipeline.Functions.Models;

/// <summary>Clients of Azure OpenAI, as the settings say: with a key, else with the machine's identity.</summary>
public sealed class ModelClients(IConfiguration configuration)
{
    /// <summary>Setting: the resource's address, such as <c>https://NAME.openai.azure.com</c>.</summary>
    public const string Endpoint = "AZURE_OPENAI_ENDPOINT";

    /// <summary>Setting: its key; without one the machine's identity is used.</summary>
    public const string Key = "AZURE_OPENAI_API_KEY";

    /// <summary>Setting: how long one try may take, default three minutes.</summary>
    public const string Timeout = "AZURE_OPENAI_TIMEOUT";

    /// <summary>
    /// Setting: tries after the first one, default 6. Waits double from 0.8 s; where the service says Retry-After, it
    /// is that long.
    /// </summary>
    public const string Retries = "AZURE_OPENAI_RETRIES";
    private const int DefaultRetries = 6;

    /// <summary>What must be set where <see cref="For"/> gives nothing.</summary>
    public static string Missing => $"{Endpoint} is not set (and {Key}, or an identity that may use it).";

    /// <summary>The client of a deployment; <c>null</c>: no endpoint is set.</summary>
    /// <exception cref="DatasetException">The endpoint is not an address.</exception>
    public IChatClient? For(string deployment)
    {
        if (configuration[Endpoint] is not { Length: > 0 } address)
        {
            return null;
        }

        if (!Uri.TryCreate(address, UriKind.Absolute, out Uri? endpoint))
        {
            throw new DatasetException(
                DatasetFaultCode.InvalidSettings,
                $"{Endpoint} is '{address}', which is not an address; give one such as https://NAME.openai.azure.com."
            );
        }

        var options = new AzureOpenAIClientOptions
        {
            RetryPolicy = new ClientRetryPolicy(configuration.GetValue(Retries, DefaultRetries)),
            NetworkTimeout = configuration.GetValue(Timeout, TimeSpan.FromMinutes(3)),
        };
        AzureOpenAIClient client = configuration[Key] is { Length: > 0 } key
            ? new AzureOpenAIClient(endpoint, new ApiKeyCredential(key), options)
            : new AzureOpenAIClient(endpoint, new DefaultAzureCredential(), options);
        return new ReadableModelFaults(client.GetChatClient(deployment).AsIChatClient(), deployment);
    }
}
