using System.Diagnostics;
using System.Text;
using Pipeline.Contracts;
using Pipeline.LocalHost.Hosting;
using Pipeline.LocalHost.Tests.Hosting;

namespace Pipeline.LocalHost.Tests.Commands;

/// <summary><c>submit</c> on a real storage account.</summary>
public sealed class SubmitTests(StorageFixture storage) : IClassFixture<StorageFixture>
{
    [Fact]
    public async Task Submit_TestSetForAProjectWithSettings_IsRefusedAndTheSettingsStay()
    {
        CancellationToken cancellation = TestContext.Current.CancellationToken;
        DirectoryInfo folder = Directory.CreateTempSubdirectory("pipeline-submit-");
        try
        {
            await storage.Account.PutProjectAsync("registered", "training: { r: 4 }\n");
            foreach (string name in (string[])["a.csv", "held-out.csv"])
            {
                await File.WriteAllTextAsync(
                    Path.Combine(folder.FullName, name),
                    HostFixture.Rows(40, name[..1]),
                    cancellation
                );
            }

            ProcessStartInfo info = DotnetProgram.Start(
                "Pipeline.LocalHost.dll",
                [
                    "submit",
                    Path.Combine(folder.FullName, "a.csv"),
                    "--project",
                    "registered",
                    "--test",
                    Path.Combine(folder.FullName, "held-out.csv"),
                    "--data",
                    Path.Combine(folder.FullName, "data"),
                ],
                new Dictionary<string, string> { [StorageAccount.ConnectionSetting] = storage.ConnectionString }
            );
            info.RedirectStandardError = true;
            info.RedirectStandardOutput = true;
            using Process process = Process.Start(info)!;
            Task<string> output = process.StandardOutput.ReadToEndAsync(cancellation);
            string error = await process.StandardError.ReadToEndAsync(cancellation);
            await process.WaitForExitAsync(cancellation);
            await output;

            Assert.Equal(2, process.ExitCode);
            Assert.Contains("has registered settings, which --test would replace", error, StringComparison.Ordinal);
            Assert.Equal(
                "training: { r: 4 }\n",
                Encoding.UTF8.GetString(
                    (await storage.Account.Files.ReadAsync(BlobLayout.Project("registered"), cancellation))!
                )
            );
            Assert.Empty(await storage.Account.Runs.ListAsync("registered", cancellation));
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }
}
