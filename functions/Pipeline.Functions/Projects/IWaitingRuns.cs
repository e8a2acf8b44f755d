using Microsoft.DurableTask.Client;

namespace Pipeline.Functions.Projects;

/// <summary>Runs that wait for their project's settings; projects know them only by this interface.</summary>
public interface IWaitingRuns
{
    /// <summary>
    /// Goes on with the runs of a project that wait for settings: each is started of the same file, under the current
    /// settings, which make it another run. Those of corrections are left to the next retraining.
    /// </summary>
    /// <returns>The runs that were started.</returns>
    /// <exception cref="Pipeline.Datasets.DatasetException">A raw file is gone.</exception>
    Task<IReadOnlyList<string>> ContinueAsync(DurableTaskClient client, string project, CancellationToken cancellation);
}
