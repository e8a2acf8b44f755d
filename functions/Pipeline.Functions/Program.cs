using Microsoft.Azure.Functions.Worker.Builder;
using Microsoft.Extensions.Hosting;
using Pipeline.Datasets.Ingestion.Processes;
using Pipeline.Functions;

if (RowReaderProgram.TryRun(args))
{
    return;
}

FunctionsApplicationBuilder builder = FunctionsApplication.CreateBuilder(args);
builder.ConfigureFunctionsWebApplication();
PipelineServices.Add(builder.Services, builder.Configuration);
builder.Build().Run();
