using System.ComponentModel;
using System.Text.Json.Serialization;

namespace Pipeline.Contracts;

/// <summary>Who hears of it when a run has ended: completed, failed, or in need of settings.</summary>
public sealed record NoticeSettings
{
    /// <summary>Addresses that are called.</summary>
    [Description("addresses that are called when a run has ended")]
    public IReadOnlyList<WebhookSettings> Webhooks { get; init; } = [];

    /// <summary>Mail addresses; the server is set by <c>PIPELINE_SMTP_…</c>, not here.</summary>
    [ValuesOf(ValuesOfAttribute.MailAddresses)]
    [Description("mail addresses that are written to when a run has ended; needs PIPELINE_SMTP_HOST")]
    public IReadOnlyList<string> Mail { get; init; } = [];

    /// <summary>Whether nobody is told.</summary>
    [JsonIgnore]
    public bool IsEmpty => Webhooks.Count + Mail.Count == 0;
}

/// <summary>An address that is called.</summary>
public sealed record WebhookSettings
{
    /// <summary>Where; https, or http on this machine.</summary>
    [ShortForm]
    [ValuesOf(ValuesOfAttribute.WebAddresses)]
    [Description("the address; https, or http on the same machine")]
    public required string Url { get; init; }

    [Description("the form of the body")]
    public WebhookForm Form { get; init; }
}

/// <summary>The form of a webhook's body.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<WebhookForm>))]
public enum WebhookForm
{
    [JsonStringEnumMemberName("json")]
    [Description("type, timestamp and data of the run, signed as Standard Webhooks has it")]
    Json,

    [JsonStringEnumMemberName("slack")]
    [Description("a Slack message, for an incoming webhook")]
    Slack,

    [JsonStringEnumMemberName("teams")]
    [Description("a Teams message with an adaptive card, for a workflow")]
    Teams,
}
