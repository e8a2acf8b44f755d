using System.Reflection;
using Microsoft.Azure.Functions.Worker.Extensions.Abstractions;

namespace Pipeline.LocalHost.Hosting;

/// <summary>A function as found in the app.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Method">Its method.</param>
/// <param name="Parameters">The method's parameters. Asked for again they may be other objects, which are not equal to
/// these.</param>
/// <param name="TriggerParameter">The parameter that starts it.</param>
/// <param name="Trigger">That parameter's attribute.</param>
public sealed record HostedFunction(
    string Name,
    MethodInfo Method,
    IReadOnlyList<ParameterInfo> Parameters,
    ParameterInfo TriggerParameter,
    TriggerBindingAttribute Trigger
);
