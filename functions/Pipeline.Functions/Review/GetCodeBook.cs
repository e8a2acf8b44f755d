using Microsoft.AspNetCore.Http;
using Microsoft.Azure.Functions.Worker;
using Pipeline.Contracts;
using Pipeline.Datasets;
using Pipeline.Functions.Http;
using Pipeline.Functions.Projects;
using Pipeline.Functions.Verdicts;
using Pipeline.Registry.Feedback;
using Pipeline.Registry.Review;

namespace Pipeline.Functions.Review;

/// <summary>
/// <c>GET /api/projects/{project}/codebook</c>: the rules and their versions, how far reviewers agree on each, and
/// which
/// texts were answered under a rule that reads otherwise now.
/// </summary>
public sealed class GetCodeBook(CodeBooks books, VerdictLog verdicts, ProjectReader projects)
{
    [Function(nameof(GetCodeBook))]
    public async Task<IResult> Run(
        [HttpTrigger(AuthorizationLevel.Function, "get", Route = "projects/{project}/codebook")] HttpRequest request,
        string project,
        CancellationToken cancellation
    )
    {
        if (!BlobLayout.IsProjectName(project))
        {
            return HttpResults.NoProject(project);
        }

        try
        {
            ProjectSettings settings = await projects.SettingsAsync(project, cancellation);
            await books.NoteAsync(project, settings.Rules, cancellation);
            IReadOnlyList<VerdictItem> items = await verdicts.ReadAsync(
                project,
                ledger => ledger.Items(settings.Feedback),
                cancellation
            );
            return TypedResults.Ok(CodeBookReport.From(await books.ReadAsync(project, cancellation), items, settings));
        }
        catch (DatasetException fault)
        {
            return HttpResults.BadRequest(fault.Message);
        }
    }
}
