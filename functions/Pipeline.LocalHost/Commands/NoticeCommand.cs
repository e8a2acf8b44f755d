using System.CommandLine;
using System.Text;
using System.Text.Json;
using System.Xml.Linq;
using Microsoft.Extensions.DependencyModel;
using Pipeline.LocalHost.Processes;

namespace Pipeline.LocalHost.Commands;

/// <summary>
/// <c>notice</c>: the packages that host, worker and emulator are made of, with their licences, as a page of Markdown.
/// </summary>
internal static class NoticeCommand
{
    private const string Unknown = "see the package";

    public static Command Create() =>
        CommandOptions.Page("notice", "List the packages in use and their licences", Page);

    private static string Page()
    {
        string cache = PackageCache();
        SortedSet<(string Name, string Version)> packages = [.. Packages()];
        var page = new StringBuilder("# Notice\n\nPackages of host and worker, from NuGet:\n\n");
        page.Append("| package | version | licence |\n|---|---|---|\n");
        foreach ((string name, string version) in packages)
        {
            page.Append($"| {name} | {version} | {LicenceOf(cache, name, version)} |\n");
        }

        page.Append(
            "\nPackages of the storage emulator, from npm:\n\n| package | version | licence |\n|---|---|---|\n"
        );
        foreach ((string name, string version, string licence) in NodePackages())
        {
            page.Append($"| {name} | {version} | {licence} |\n");
        }

        return page.ToString();
    }

    /// <summary>The libraries that the host and the worker were built with.</summary>
    private static IEnumerable<(string Name, string Version)> Packages()
    {
        using var reader = new DependencyContextJsonReader();
        foreach (string assembly in (string[])[typeof(NoticeCommand).Assembly.Location, RepositoryLayout.Worker()])
        {
            string file = Path.ChangeExtension(assembly, ".deps.json");
            using FileStream stream = File.OpenRead(file);
            foreach (RuntimeLibrary library in reader.Read(stream).RuntimeLibraries.Where(l => l.Type == "package"))
            {
                yield return (library.Name, library.Version);
            }
        }
    }

    private static string PackageCache() =>
        Environment.GetEnvironmentVariable("NUGET_PACKAGES") is { Length: > 0 } folder
            ? folder
            : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".nuget", "packages");

    /// <summary>What the package says of itself: an SPDX expression, a file in it, or an address.</summary>
    private static string LicenceOf(string cache, string name, string version)
    {
        string folder = Path.Combine(cache, name.ToLowerInvariant(), version.ToLowerInvariant());
        string nuspec = Path.Combine(folder, $"{name.ToLowerInvariant()}.nuspec");
        if (!File.Exists(nuspec))
        {
            return Unknown;
        }

        XElement[] about = [.. XDocument.Load(nuspec).Root!.Descendants()];
        XElement? licence = about.FirstOrDefault(e => e.Name.LocalName == "license");
        string? address = about.FirstOrDefault(e => e.Name.LocalName == "licenseUrl")?.Value;
        return licence?.Attribute("type")?.Value == "expression" ? licence.Value
            : licence is not null ? $"{licence.Value} in the package"
            : address ?? Unknown;
    }

    private static IEnumerable<(string Name, string Version, string Licence)> NodePackages()
    {
        const string Folder = "node_modules/";
        using JsonDocument list = JsonDocument.Parse(
            File.ReadAllBytes(Path.Combine(RepositoryLayout.Azurite, "package-lock.json"))
        );
        foreach (JsonProperty package in list.RootElement.GetProperty("packages").EnumerateObject())
        {
            if (package.Name.StartsWith(Folder, StringComparison.Ordinal))
            {
                yield return (
                    package.Name[(package.Name.LastIndexOf(Folder, StringComparison.Ordinal) + Folder.Length)..],
                    package.Value.GetProperty("version").GetString()!,
                    package.Value.TryGetProperty("license", out JsonElement licence) ? licence.ToString() : Unknown
                );
            }
        }
    }
}
