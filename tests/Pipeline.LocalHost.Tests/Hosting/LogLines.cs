using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace Pipeline.LocalHost.Tests.Hosting;

/// <summary>What a host logged: how often each event, and the last lines; shown when a long test fails.</summary>
internal sealed class LogLines : ILoggerProvider
{
    private const int Kept = 60;
    private const int Width = 400;
    private readonly ConcurrentDictionary<string, int> _events = new(StringComparer.Ordinal);
    private readonly ConcurrentQueue<string> _last = new();

    /// <summary>The events that came most often, then the last lines.</summary>
    public string Tell() =>
        string.Join(
            Environment.NewLine,
            _events.OrderByDescending(e => e.Value).Select(e => $"{e.Value} x {e.Key}").Concat(_last)
        );

    public ILogger CreateLogger(string categoryName) => new Category(this, categoryName);

    public void Dispose() { }

    private void Add(string line, string what)
    {
        _events.AddOrUpdate(what, 1, (_, n) => n + 1);
        _last.Enqueue(line);
        if (_last.Count > Kept)
        {
            _last.TryDequeue(out _);
        }
    }

    private sealed class Category(LogLines lines, string name) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Warning;

        public void Log<TState>(
            LogLevel logLevel,
            EventId eventId,
            TState state,
            Exception? exception,
            Func<TState, Exception?, string> formatter
        )
        {
            if (IsEnabled(logLevel))
            {
                string text = formatter(state, exception).ReplaceLineEndings(" ");
                lines.Add(
                    $"{DateTime.UtcNow:HH:mm:ss} {name} {eventId.Name} {text[..Math.Min(text.Length, Width)]}",
                    $"{name} {eventId.Name}"
                );
            }
        }
    }
}
