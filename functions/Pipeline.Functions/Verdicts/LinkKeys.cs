using System.Text;
using System.Xml.Linq;
using Microsoft.AspNetCore.DataProtection.Repositories;
using Pipeline.Contracts;
using Pipeline.Storage;

namespace Pipeline.Functions.Verdicts;

/// <summary>The keys that sign links, in the account: every instance of the app reads the same.</summary>
public sealed class LinkKeys(BlobFiles files) : IXmlRepository
{
    /// <inheritdoc/>
    public IReadOnlyCollection<XElement> GetAllElements() =>
        [
            .. files
                .ListAsync(BlobLayout.ProjectsContainer, BlobLayout.LinkKeysPrefix, CancellationToken.None)
                .GetAwaiter()
                .GetResult()
                .Select(b => Read(b.Name))
                .OfType<XElement>(),
        ];

    /// <inheritdoc/>
    public void StoreElement(XElement element, string friendlyName)
    {
        ArgumentNullException.ThrowIfNull(element);
        files
            .WriteAsync(
                BlobLayout.LinkKey(friendlyName),
                Encoding.UTF8.GetBytes(element.ToString()),
                CancellationToken.None
            )
            .GetAwaiter()
            .GetResult();
    }

    private XElement? Read(string name)
    {
        var address = new BlobAddress(BlobLayout.ProjectsContainer, name);
        byte[]? bytes = files.ReadAsync(address, CancellationToken.None).GetAwaiter().GetResult();
        return bytes is null ? null : XElement.Parse(Encoding.UTF8.GetString(bytes));
    }
}
