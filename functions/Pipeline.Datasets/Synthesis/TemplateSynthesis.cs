using Bogus;
using Pipeline.Contracts;

namespace Pipeline.Datasets.Synthesis;

/// <summary>Rows from sentences with placeholders, filled by Bogus. The same settings give the same rows.</summary>
public static class TemplateSynthesis
{
    /// <summary>This generator's name.</summary>
    public const string Generator = "templates";

    /// <summary>Makes the rows.</summary>
    /// <param name="settings">Templates, seed and locale.</param>
    /// <param name="labelled">Whether answers are labels, in which nothing is filled.</param>
    public static IEnumerable<SyntheticRow> Rows(SynthesisSettings settings, bool labelled)
    {
        ArgumentNullException.ThrowIfNull(settings);
        foreach ((int number, SynthesisTemplate template) in settings.Templates.Index())
        {
            // Each template has its own numbers, so that one more changes none of the others' rows.
            var faker = new Faker(settings.Locale)
            {
                Random = new Randomizer(unchecked((settings.Seed * 1_000_003) + number)),
            };
            var origin = new SyntheticOrigin(
                Generator,
                ContentHash.ShortOf(settings.Locale, template.Text, template.Answer),
                []
            );
            for (int i = 0; i < template.Count; i++)
            {
                yield return new SyntheticRow
                {
                    Text = faker.Parse(template.Text),
                    Answer = labelled ? template.Answer : faker.Parse(template.Answer),
                    Origin = origin,
                };
            }
        }
    }

    /// <summary>Why a template cannot be filled; <c>null</c>: it can.</summary>
    public static string? Fault(string template)
    {
        try
        {
            new Faker { Random = new Randomizer(1) }.Parse(template);
            return null;
        }
        catch (Exception fault)
            when (fault
                    is ArgumentException
                        or FormatException
                        or InvalidOperationException
                        or System.Reflection.TargetInvocationException
                        or IndexOutOfRangeException
            )
        {
            return $"Bogus cannot fill it: {(fault.InnerException ?? fault).Message.ReplaceLineEndings(" ")}";
        }
    }
}
