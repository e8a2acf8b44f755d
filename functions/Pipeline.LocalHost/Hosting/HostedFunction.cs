using System.Reflection;
using Microsoft.Azure.Functions.Worker.Extensions.Abstractions;

namespace Pipeline.LocalHost.Hosting;

/// <summary>A function as found in the app.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Method">Its method.</param>
/// <param name="TriggerParameter">The parameter that starts it.</param>
/// <param name="Trigger">That parameter's attribute.</param>
public sealed record HostedFunction(string Name, MethodInfo Method, ParameterInfo TriggerParameter, TriggerBindingAttribute Trigger);
