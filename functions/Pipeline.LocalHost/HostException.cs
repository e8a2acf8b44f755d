namespace Pipeline.LocalHost;

/// <summary>The host cannot start or go on as it was asked to; the message says what to do.</summary>
public sealed class HostException(string message) : Exception(message);
