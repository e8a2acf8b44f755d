namespace Pipeline.Training.Faults;

/// <summary>Training cannot start or go on. The message says why and, where something can be done, what.</summary>
public sealed class TrainingException(string message) : Exception(message);
