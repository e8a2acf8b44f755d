using Pipeline.Contracts;

namespace Pipeline.Training.Optimization;

/// <summary>
/// Learning rates by step. Source: transformers <c>optimization.py</c> (get_*_schedule_with_warmup): the first step of
/// a warm-up has the rate 0.
/// </summary>
public static class LearningRateSchedule
{
    /// <summary>The rate of a step.</summary>
    /// <param name="schedule">How the rate goes on after the warm-up.</param>
    /// <param name="peak">The rate at the end of the warm-up.</param>
    /// <param name="step">Optimizer steps done, from 0.</param>
    /// <param name="warmup">Steps of warm-up.</param>
    /// <param name="total">Steps of the whole run.</param>
    public static double Rate(RateSchedule schedule, double peak, int step, int warmup, int total)
    {
        if (step < warmup)
        {
            return peak * step / Math.Max(1, warmup);
        }

        double progress = (step - warmup) / (double)Math.Max(1, total - warmup);
        return schedule switch
        {
            RateSchedule.Constant => peak,
            RateSchedule.Linear => peak * Math.Max(0, 1 - progress),
            RateSchedule.Cosine => peak * Math.Max(0, 0.5 * (1 + Math.Cos(Math.PI * progress))),
            _ => throw new ArgumentOutOfRangeException(nameof(schedule), schedule, "There is no such schedule."),
        };
    }
}
