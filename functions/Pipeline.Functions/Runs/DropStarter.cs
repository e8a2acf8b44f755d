using Microsoft.DurableTask.Client;
using Microsoft.Extensions.Logging;
using Pipeline.Contracts;
using Pipeline.Datasets;
using Pipeline.Functions.Projects;
using Pipeline.Storage;

namespace Pipeline.Functions.Runs;

/// <summary>What a file that was dropped starts.</summary>
public sealed class DropStarter(
    PipelineStorage storage,
    RunStarter starter,
    ProjectReader projects,
    TimeProvider time,
    ILogger<DropStarter> logger
)
{
    /// <summary>Starts its run; said of the same bytes again, nothing.</summary>
    /// <param name="client">Of the durable backend.</param>
    /// <param name="project">The first part of the blob's name.</param>
    /// <param name="name">The rest of it.</param>
    /// <param name="cancellation">Ends the call.</param>
    public async Task StartAsync(DurableTaskClient client, string project, string name, CancellationToken cancellation)
    {
        if (!BlobLayout.IsProjectName(project))
        {
            await RefuseAsync(project, name, "A project's name has 3 to 40 of a-z, 0-9 and '-'.", cancellation);
            return;
        }

        try
        {
            string[] heldOut =
            [
                .. (await projects.SettingsAsync(project, cancellation)).HeldOutFiles().Select(f => f.Name),
            ];
            if (heldOut.Contains(name))
            {
                Log.HeldOutFileDropped(logger, project, name);
                await StartWaitingAsync(client, project, heldOut, cancellation);
                return;
            }

            if (SafeName.Fault(name, NameKind.Path) is { } unsafeName)
            {
                await RefuseAsync(project, name, unsafeName, cancellation);
                return;
            }

            // corrected rows start their source anew and whole
            string source = BlobLayout.CorrectedSource(name) ?? name;
            await starter.StartAsync(client, project, source, RunTrigger.Drop, cancellation);
        }
        catch (DatasetException fault)
        {
            await RefuseAsync(project, name, fault.Message, cancellation);
        }
    }

    /// <summary>
    /// A drop that can start nothing becomes a dead letter with its reason; the blob stays where it is.
    /// </summary>
    private async Task RefuseAsync(string project, string name, string reason, CancellationToken cancellation)
    {
        Log.DropRefused(logger, project, name, reason);
        string what = $"{BlobLayout.RawContainer}/{project}/{name}";
        await storage.DeadLetters.PutAsync(
            BlobLayout.BlobPoisonQueue,
            what,
            new BinaryData(ContractJson.Write(new { function = RawDrop.Name, blob = what })),
            reason,
            time.GetUtcNow(),
            cancellation
        );
    }

    /// <summary>Starts what was dropped before its test set or guard set was there.</summary>
    private async Task StartWaitingAsync(
        DurableTaskClient client,
        string project,
        string[] heldOut,
        CancellationToken cancellation
    )
    {
        string prefix = $"{project}/";
        foreach ((string blob, _) in await storage.Files.ListAsync(BlobLayout.RawContainer, prefix, cancellation))
        {
            string name = blob[prefix.Length..];
            if (heldOut.Contains(name) || BlobLayout.CorrectedSource(name) is not null)
            {
                continue;
            }

            try
            {
                await starter.StartAsync(client, project, name, RunTrigger.Drop, cancellation);
            }
            catch (DatasetException fault)
            {
                await RefuseAsync(project, name, fault.Message, cancellation); // the others are started
            }
        }
    }
}
