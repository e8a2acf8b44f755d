namespace Microsoft.Azure.Functions.Worker;

/// <summary>What a timer function is told.</summary>
public class TimerInfo
{
    /// <summary>Whether it comes later than it should.</summary>
    public bool IsPastDue { get; set; }
}
