using System.Globalization;
using System.Text.Json;
using Microsoft.Extensions.Caching.Memory;
using Microsoft.Extensions.Logging;
using Pipeline.Contracts;
using Pipeline.Registry.Feedback;
using Pipeline.Storage;

namespace Pipeline.Functions.Verdicts;

/// <summary>
/// The log of a project's verdicts: an append blob a day, to which the storage service adds a block for each verdict in
/// the order of arrival. Sending one costs the same however many there are; reading takes only what is new since the
/// last reading of this process.
/// </summary>
public sealed class VerdictLog(PipelineStorage storage, TimeProvider time, ILogger<VerdictLog> logger) : IDisposable
{
    private const int ProjectsInMemory = 32;
    private const long LongestDay = 256L << 20;
    private static readonly TimeSpan Kept = TimeSpan.FromHours(1);
    private readonly MemoryCache _projects = new(new MemoryCacheOptions { SizeLimit = ProjectsInMemory });
    private readonly MemoryCache _counts = new(new MemoryCacheOptions());
    private readonly Lock _making = new();

    /// <summary>Adds a verdict unless its reviewer or project has sent as many today as they may.</summary>
    /// <param name="verdict">The verdict, checked.</param>
    /// <param name="limits">The project's limits.</param>
    /// <param name="cancellation">Ends the call.</param>
    public async Task<VerdictReceipt> AddAsync(
        FeedbackRecord verdict,
        FeedbackSettings limits,
        CancellationToken cancellation
    )
    {
        ArgumentNullException.ThrowIfNull(verdict);
        ArgumentNullException.ThrowIfNull(limits);
        var day = DateOnly.FromDateTime(time.GetUtcNow().UtcDateTime);
        BlobAddress log = BlobLayout.VerdictLog(verdict.Project, day);
        byte[] line = [.. ContractJson.WriteUtf8(verdict), (byte)'\n'];
        int all = await CountAsync(log, cancellation);
        if (verdict.Withdraws is not null)
        {
            int blocks = await AppendAsync(log, line, cancellation);
            return new VerdictReceipt(blocks > BlobFiles.MaxBlocks ? Full(verdict.Project) : null, blocks);
        }

        if (await storage.Files.LengthAsync(log, cancellation) > LongestDay)
        {
            return new VerdictReceipt($"'{verdict.Project}' has taken {LongestDay >> 20} MiB of verdicts today", all);
        }

        if (all >= limits.ProjectPerDay)
        {
            return new VerdictReceipt($"'{verdict.Project}' has taken {limits.ProjectPerDay:N0} verdicts today", all);
        }

        string who = verdict.HasKey ? verdict.Reviewer! : "";
        BlobAddress count = BlobLayout.VerdictCount(verdict.Project, day, ContentHash.ShortOf(who));
        string Refusal() =>
            (who.Length > 0 ? $"Reviewer '{who}' has" : "Those without a reviewer's key, who count as one, have")
            + $" sent {limits.ReviewerPerDay:N0} verdicts to '{verdict.Project}' today";
        int own = await CountAsync(count, cancellation);
        if (own < limits.ReviewerPerDay)
        {
            own = await AppendAsync(count, "."u8.ToArray(), cancellation);
        }
        else
        {
            return new VerdictReceipt(Refusal(), own);
        }

        if (own > limits.ReviewerPerDay)
        {
            return new VerdictReceipt(Refusal(), own);
        }

        all = await AppendAsync(log, line, cancellation);
        return all > BlobFiles.MaxBlocks
            ? new VerdictReceipt(Full(verdict.Project), all)
            : new VerdictReceipt(null, own);
    }

    /// <summary>Takes a verdict back, which counts no more; both stay in the log.</summary>
    /// <returns>Why it cannot be; <c>null</c>: it was.</returns>
    public async Task<string?> WithdrawAsync(string project, string id, CancellationToken cancellation)
    {
        DateTimeOffset now = time.GetUtcNow();
        var withdrawal = new FeedbackRecord
        {
            Id = ContentHash.ShortOf(project, "withdraws", id, $"{now:O}"),
            Project = project,
            At = now,
            Score = 0,
            Withdraws = id,
        };
        return (await AddAsync(withdrawal, new FeedbackSettings(), cancellation)).Refusal;
    }

    /// <summary>Forgets what this process has read of a project, which was deleted.</summary>
    public void Forget(string project)
    {
        lock (_making)
        {
            _projects.Remove(project);
            _counts.Clear();
        }
    }

    private static string Full(string project) => $"The log of '{project}' is full for today";

    /// <summary>Reads what a project's verdicts come to.</summary>
    /// <param name="project">The project.</param>
    /// <param name="read">Called with all verdicts; nobody else reads or adds to them meanwhile.</param>
    /// <param name="cancellation">Ends the call.</param>
    public async Task<T> ReadAsync<T>(string project, Func<VerdictLedger, T> read, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(read);
        ReadVerdicts known = Known(project);
        await known.Gate.WaitAsync(cancellation);
        try
        {
            await UpdateAsync(project, known, cancellation);
            return read(known.Ledger);
        }
        finally
        {
            known.Gate.Release();
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _projects.Dispose();
        _counts.Dispose();
    }

    private ReadVerdicts Known(string project)
    {
        lock (_making)
        {
            return _projects.GetOrCreate(
                project,
                entry =>
                {
                    entry.Size = 1;
                    entry.SlidingExpiration = Kept;
                    return new ReadVerdicts();
                }
            )!;
        }
    }

    private async Task UpdateAsync(string project, ReadVerdicts known, CancellationToken cancellation)
    {
        IReadOnlyList<(string Name, long Bytes, DateTimeOffset CreatedAt)> days = await storage.Files.ListCreatedAsync(
            BlobLayout.FeedbackContainer,
            BlobLayout.VerdictLogPrefix(project),
            cancellation
        );
        if (!known.IsWhole || known.Days.Any(d => !days.Any(b => (b.Name, b.CreatedAt) == (d.Key, d.Value.CreatedAt))))
        {
            known.Clear(); // new here, or the project was deleted meanwhile
            await ReadBlobsOfBeforeAsync(project, known.Ledger, cancellation);
        }

        foreach ((string name, long bytes, DateTimeOffset createdAt) in days)
        {
            (long position, _) = known.Days.GetValueOrDefault(name, (0, createdAt));
            if (bytes <= position)
            {
                continue;
            }

            byte[] added = await storage.Files.ReadFromAsync(
                new BlobAddress(BlobLayout.FeedbackContainer, name),
                position,
                cancellation
            );
            int end = Array.LastIndexOf(added, (byte)'\n') + 1;
            AddLines(known.Ledger, name, position, added.AsSpan(0, end));
            known.Days[name] = (position + end, createdAt);
        }

        known.IsWhole = true;
    }

    private void AddLines(VerdictLedger ledger, string name, long position, ReadOnlySpan<byte> lines)
    {
        string day = Path.GetFileNameWithoutExtension(name);
        while (lines.Length > 0)
        {
            int end = lines.IndexOf((byte)'\n');
            string place = string.Create(CultureInfo.InvariantCulture, $"{day}:{position:D12}");
            try
            {
                ledger.Add(ContractJson.Read<FeedbackRecord>(lines[..end]), place);
            }
            catch (JsonException fault)
            {
                Log.VerdictUnreadable(logger, $"{name} at byte {position}", fault.Message);
            }

            position += end + 1;
            lines = lines[(end + 1)..];
        }
    }

    /// <summary>The verdicts of before there was a log, one blob each, in the order of their times.</summary>
    private async Task ReadBlobsOfBeforeAsync(string project, VerdictLedger ledger, CancellationToken cancellation)
    {
        string prefix = BlobLayout.FeedbackPrefix(project);
        List<FeedbackRecord> found = [];
        foreach ((string name, _) in await storage.Files.ListAsync(BlobLayout.FeedbackContainer, prefix, cancellation))
        {
            if (name.AsSpan(prefix.Length).Contains('/') || !name.EndsWith(".json", StringComparison.Ordinal))
            {
                continue;
            }

            try
            {
                var address = new BlobAddress(BlobLayout.FeedbackContainer, name);
                if (await storage.Files.ReadJsonAsync<FeedbackRecord>(address, cancellation) is { } record)
                {
                    found.Add(record);
                }
            }
            catch (JsonException fault)
            {
                Log.VerdictUnreadable(logger, name, fault.Message);
            }
        }

        foreach (FeedbackRecord record in found.OrderBy(f => f.At).ThenBy(f => f.Id, StringComparer.Ordinal))
        {
            ledger.Add(record, "");
        }
    }

    /// <summary>Adds a block, and counts it as the service and as this process does: the larger count.</summary>
    private async Task<int> AppendAsync(BlobAddress address, byte[] block, CancellationToken cancellation)
    {
        BlockCount count = await CountOfAsync(address, cancellation);
        return count.Add(await storage.Files.AppendAsync(address, block, cancellation));
    }

    /// <summary>Blocks of a blob, as this process knows them: others may have added some since.</summary>
    private async Task<int> CountAsync(BlobAddress address, CancellationToken cancellation) =>
        (await CountOfAsync(address, cancellation)).Known;

    private async Task<BlockCount> CountOfAsync(BlobAddress address, CancellationToken cancellation)
    {
        if (_counts.TryGetValue(address, out BlockCount? known))
        {
            return known!;
        }

        int blocks = await storage.Files.BlocksAsync(address, cancellation);
        lock (_making)
        {
            // of several that ask at once the first counts; nobody has added anything yet
            return _counts.TryGetValue(address, out known)
                ? known!
                : _counts.Set(
                    address,
                    new BlockCount(blocks),
                    new MemoryCacheEntryOptions { SlidingExpiration = Kept }
                );
        }
    }

    /// <summary>Blocks of an append blob. The emulator counts those that are added at once as one.</summary>
    private sealed class BlockCount(int before)
    {
        private readonly Lock _counting = new();
        private int _added;
        private readonly int _before = before;
        private int _seen;

        public int Known
        {
            get
            {
                lock (_counting)
                {
                    return Math.Max(_seen, _before + _added);
                }
            }
        }

        /// <summary>Notes a block that was added.</summary>
        /// <param name="blocks">The blocks that the service counts with it.</param>
        public int Add(int blocks)
        {
            lock (_counting)
            {
                _added++;
                _seen = Math.Max(_seen, blocks);
                return Math.Max(blocks, _before + _added);
            }
        }
    }

    /// <summary>What this process has read of a project's log.</summary>
    private sealed class ReadVerdicts
    {
        public SemaphoreSlim Gate { get; } = new(1, 1);
        public VerdictLedger Ledger { get; private set; } = new();
        public Dictionary<string, (long Position, DateTimeOffset CreatedAt)> Days { get; } = [];
        public bool IsWhole { get; set; }

        public void Clear()
        {
            Ledger = new VerdictLedger();
            Days.Clear();
        }
    }
}

/// <summary>What became of a verdict that was sent.</summary>
/// <param name="Refusal">Which limit it would exceed, in words; <c>null</c>: it was added.</param>
/// <param name="Today">Verdicts of its reviewer today, with it.</param>
public sealed record VerdictReceipt(string? Refusal, int Today);
