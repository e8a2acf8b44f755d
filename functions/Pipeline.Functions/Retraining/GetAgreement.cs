using Microsoft.AspNetCore.Http;
using Microsoft.Azure.Functions.Worker;
using Pipeline.Contracts;
using Pipeline.Datasets;
using Pipeline.Functions.Http;
using Pipeline.Functions.Projects;
using Pipeline.Functions.Verdicts;
using Pipeline.Registry.Agreement;
using Pipeline.Registry.Feedback;

namespace Pipeline.Functions.Retraining;

/// <summary>
/// <c>GET /api/projects/{project}/agreement</c>: how far the reviewers of a project agree, who contradicts the rest,
/// and the texts that stay undecided.
/// </summary>
public sealed class GetAgreement(VerdictLog verdicts, ProjectReader projects)
{
    [Function(nameof(GetAgreement))]
    public async Task<IResult> Run(
        [HttpTrigger(AuthorizationLevel.Function, "get", Route = "projects/{project}/agreement")] HttpRequest request,
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
            IReadOnlyList<VerdictItem> items = await verdicts.ReadAsync(
                project,
                ledger => ledger.Items(settings.Feedback),
                cancellation
            );
            return TypedResults.Ok(
                new AgreementView(ReviewerAgreement.Measure(items, settings), [.. items.Where(i => i.Answer is null)])
            );
        }
        catch (DatasetException fault)
        {
            return HttpResults.BadRequest(fault.Message);
        }
    }
}

/// <summary>The agreement of a project's reviewers.</summary>
/// <param name="Report">The figures.</param>
/// <param name="Disputed">Texts that the policy leaves undecided, with who says what.</param>
public sealed record AgreementView(AgreementReport Report, IReadOnlyList<VerdictItem> Disputed);
