using Pipeline.Contracts;

namespace Pipeline.Datasets.Synthesis;

/// <summary>
/// Tokens and money that may be spent. A call reserves the most that it could cost before it starts, so that the limit
/// holds whatever the answers; what it did not use is given back. A call that does not fit waits for those under way:
/// what is bought follows from the answers' sizes, not from the order in which they come.
/// </summary>
internal sealed class CallBudget(ModelSynthesisSettings settings)
{
    private readonly Lock _gate = new();
    private long _reserved;
    private double _reservedMoney;
    private TaskCompletionSource _recorded = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _underWay;

    public int Calls { get; private set; }
    public long TokensIn { get; private set; }
    public long TokensOut { get; private set; }

    /// <summary>What was spent; <c>null</c> without prices.</summary>
    public double? Cost =>
        settings.PriceOfMillionIn is { } priceIn && settings.PriceOfMillionOut is { } priceOut
            ? Price(TokensIn, TokensOut, priceIn, priceOut)
            : null;

    /// <summary>Waits until a call fits.</summary>
    /// <param name="mostIn">Prompt tokens at most.</param>
    /// <param name="mostOut">Answer tokens at most.</param>
    /// <param name="cancellation">Ends the wait.</param>
    /// <returns>Whether it may start; not if it does not fit although nothing else is under way.</returns>
    public async Task<bool> ReserveAsync(long mostIn, long mostOut, CancellationToken cancellation)
    {
        while (true)
        {
            Task settled;
            lock (_gate)
            {
                (long tokens, double money) = (
                    mostIn + mostOut,
                    Price(mostIn, mostOut, settings.PriceOfMillionIn ?? 0, settings.PriceOfMillionOut ?? 0)
                );
                if (
                    TokensIn + TokensOut + _reserved + tokens <= settings.TokenBudget
                    && (settings.MoneyBudget is not { } most || Cost + _reservedMoney + money <= most)
                )
                {
                    (_reserved, _reservedMoney, _underWay) = (
                        _reserved + tokens,
                        _reservedMoney + money,
                        _underWay + 1
                    );
                    return true;
                }

                if (_underWay == 0)
                {
                    return false;
                }

                settled = _recorded.Task;
            }

            await settled.WaitAsync(cancellation).ConfigureAwait(false);
        }
    }

    /// <summary>Ends a call that was reserved; what it has bought was counted.</summary>
    public void RecordUsage(long mostIn, long mostOut)
    {
        lock (_gate)
        {
            (long tokens, double money) = (
                mostIn + mostOut,
                Price(mostIn, mostOut, settings.PriceOfMillionIn ?? 0, settings.PriceOfMillionOut ?? 0)
            );
            (_reserved, _reservedMoney, _underWay) = (_reserved - tokens, _reservedMoney - money, _underWay - 1);
            _recorded.SetResult();
            _recorded = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }
    }

    /// <summary>Counts an answer that was bought, now or before.</summary>
    public void Count(ModelAnswer answer)
    {
        lock (_gate)
        {
            (Calls, TokensIn, TokensOut) = (Calls + 1, TokensIn + answer.TokensIn, TokensOut + answer.TokensOut);
        }
    }

    private static double Price(long tokensIn, long tokensOut, double priceIn, double priceOut) =>
        ((tokensIn * priceIn) + (tokensOut * priceOut)) / 1e6;
}
