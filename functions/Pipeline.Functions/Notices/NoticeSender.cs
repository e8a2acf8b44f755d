using System.Globalization;
using System.Net;
using System.Text;
using MailKit.Net.Smtp;
using MailKit.Security;
using Microsoft.Extensions.Configuration;
using MimeKit;
using Pipeline.Contracts;
using StandardWebhooks;

namespace Pipeline.Functions.Notices;

/// <summary>Sends what is to be said of a run to one address.</summary>
public sealed class NoticeSender(IConfiguration configuration, TimeProvider time) : IDisposable
{
    /// <summary>Setting: signs webhooks; <c>whsec_</c> and base64. Without one they are not signed.</summary>
    public const string WebhookSecret = "PIPELINE_WEBHOOK_SECRET";

    /// <summary>Settings: the mail server, its port (default 587), who signs in there, the sender.</summary>
    public const string SmtpHost = "PIPELINE_SMTP_HOST";
    public const string SmtpPort = "PIPELINE_SMTP_PORT";
    public const string SmtpUser = "PIPELINE_SMTP_USER";
    public const string SmtpPassword = "PIPELINE_SMTP_PASSWORD";
    public const string SmtpFrom = "PIPELINE_SMTP_FROM";

    private const int SubmissionPort = 587;
    private static readonly TimeSpan SendTimeout = TimeSpan.FromSeconds(15);
    private readonly HttpClient _http = new(
        new SocketsHttpHandler { AllowAutoRedirect = false, PooledConnectionLifetime = TimeSpan.FromMinutes(5) }
    )
    {
        Timeout = SendTimeout,
    };

    /// <summary>Calls a webhook.</summary>
    /// <param name="webhook">Where.</param>
    /// <param name="notice">What.</param>
    /// <param name="id">The same for each try, so that the receiver can tell a repetition.</param>
    /// <param name="cancellation">Ends the call.</param>
    /// <exception cref="NoticeRefusedException">No further try helps.</exception>
    /// <exception cref="HttpRequestException">It could not be reached, or asks to try again.</exception>
    public async Task CallAsync(WebhookSettings webhook, RunNotice notice, string id, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(webhook);
        ArgumentNullException.ThrowIfNull(notice);
        string body = WebhookBody.Write(notice, webhook.Form);
        using var request = new HttpRequestMessage(HttpMethod.Post, webhook.Url)
        {
            Content = new StringContent(body, Encoding.UTF8, "application/json"),
        };
        DateTimeOffset now = time.GetUtcNow();
        request.Headers.Add("webhook-id", id);
        request.Headers.Add("webhook-timestamp", now.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture));
        if (configuration[WebhookSecret] is { Length: > 0 } secret)
        {
            request.Headers.Add("webhook-signature", SignatureOf(secret, id, now, body));
        }

        using HttpResponseMessage answer = await _http.SendAsync(
            request,
            HttpCompletionOption.ResponseHeadersRead,
            cancellation
        );
        if (answer.IsSuccessStatusCode)
        {
            return;
        }

        string words = $"it answered {(int)answer.StatusCode} {answer.ReasonPhrase}";
        bool isPassing =
            answer.StatusCode is HttpStatusCode.RequestTimeout or HttpStatusCode.TooManyRequests
            || (int)answer.StatusCode >= 500;
        throw isPassing ? new HttpRequestException(words) : new NoticeRefusedException(words);
    }

    /// <summary>Writes a mail.</summary>
    /// <exception cref="NoticeRefusedException">No further try helps.</exception>
    /// <exception cref="IOException">The server could not be reached, or asks to try again.</exception>
    public async Task WriteMailAsync(string address, RunNotice notice, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(notice);
        if (configuration[SmtpHost] is not { Length: > 0 } host)
        {
            throw new NoticeRefusedException($"{SmtpHost} is not set");
        }

        if (configuration[SmtpFrom] is not { Length: > 0 } from || !MailboxAddress.TryParse(from, out _))
        {
            throw new NoticeRefusedException($"{SmtpFrom} is not set to a mail address");
        }

        using MimeMessage mail = MailOf(notice, from, address);
        string? user = configuration[SmtpUser];
        using var smtp = new SmtpClient { Timeout = (int)SendTimeout.TotalMilliseconds };
        try
        {
            if (!int.TryParse(configuration[SmtpPort] ?? $"{SubmissionPort}", out int port) || port is < 1 or > 65535)
            {
                throw new NoticeRefusedException($"{SmtpPort} is no port");
            }

            // A password is only sent over a connection that is encrypted.
            SecureSocketOptions security =
                user is { Length: > 0 } && port != ImplicitTlsPort
                    ? SecureSocketOptions.StartTls
                    : SecureSocketOptions.Auto;
            await smtp.ConnectAsync(host, port, security, cancellation);
            if (user is { Length: > 0 })
            {
                await smtp.AuthenticateAsync(user, configuration[SmtpPassword] ?? "", cancellation);
            }

            await smtp.SendAsync(mail, cancellation);
            await smtp.DisconnectAsync(quit: true, cancellation);
        }
        catch (Exception fault)
            when (fault
                    is AuthenticationException
                        or NotSupportedException
                        or SslHandshakeException
                        or MailKit.ServiceNotAuthenticatedException
            )
        {
            throw new NoticeRefusedException($"{host}: {fault.Message}");
        }
        catch (SmtpCommandException fault) when ((int)fault.StatusCode >= PermanentFault)
        {
            throw new NoticeRefusedException($"{host} answered {(int)fault.StatusCode} {fault.Message}");
        }
        catch (Exception fault) when (fault is MailKit.CommandException or MailKit.ProtocolException)
        {
            throw new IOException($"{host}: {fault.Message}", fault);
        }
    }

    private const int ImplicitTlsPort = 465;
    private const int PermanentFault = 500;

    /// <inheritdoc/>
    public void Dispose() => _http.Dispose();

    private static MimeMessage MailOf(RunNotice notice, string from, string address)
    {
        var mail = new MimeMessage();
        mail.From.Add(MailboxAddress.Parse(from));
        mail.To.Add(MailboxAddress.Parse(address));
        mail.Subject = notice.Title.ReplaceLineEndings(" ");
        mail.Body = new TextPart("plain")
        {
            Text = string.Join(
                "\n\n",
                (
                    (string[])
                        [
                            notice.Title,
                            WebhookBody.FiguresOf(notice),
                            $"Run {notice.Data.RunId}",
                            notice.Data.Link ?? "",
                        ]
                ).Where(p => p.Length > 0)
            ),
        };
        return mail;
    }

    /// <exception cref="NoticeRefusedException">The secret is none.</exception>
    private static string SignatureOf(string secret, string id, DateTimeOffset now, string body)
    {
        try
        {
            return new StandardWebhook(secret).Sign(id, now, body);
        }
        catch (FormatException)
        {
            throw new NoticeRefusedException($"{WebhookSecret} is not base64 after 'whsec_'");
        }
    }
}

/// <summary>A message that no further try would bring.</summary>
public sealed class NoticeRefusedException(string message) : Exception(message);
