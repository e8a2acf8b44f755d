using System.Globalization;
using System.Text;
using Pipeline.Contracts;

namespace Pipeline.Reporting.Pages;

/// <summary>Training and validation loss over steps as an SVG.</summary>
public static class LossCurve
{
    private const int Width = 720;
    private const int Height = 260;
    private const int Left = 56;
    private const int Bottom = 34;
    private const int Top = 12;

    /// <summary>Draws the curve from lines of progress; steps made again after a checkpoint count once.</summary>
    /// <param name="lines">Lines of progress, of every stage.</param>
    /// <param name="steps">Where the axis ends; <c>null</c>: at the last step.</param>
    /// <returns>An <c>svg</c> element; empty where no step was made.</returns>
    public static string Svg(IReadOnlyList<TrainingProgress> lines, int? steps = null) =>
        Svg(
            [.. Once(lines.Where(l => l.Loss is not null)).Select(l => (l.Done, l.Loss!.Value))],
            [.. Once(lines.Where(l => l.ValidationLoss is not null)).Select(l => (l.Done, l.ValidationLoss!.Value))],
            steps
        );

    /// <summary>One line a step, the last that was written, in the order of the steps.</summary>
    public static IEnumerable<TrainingProgress> Once(IEnumerable<TrainingProgress> lines) =>
        lines.GroupBy(l => l.Done).Select(g => g.Last()).OrderBy(l => l.Done);

    /// <summary>Draws the curve.</summary>
    /// <param name="training">Step and mean loss, nats.</param>
    /// <param name="validation">Step and mean loss on the validation rows.</param>
    /// <param name="steps">Where the axis ends; <c>null</c>: at the last step.</param>
    public static string Svg(
        IReadOnlyList<(int Step, double Loss)> training,
        IReadOnlyList<(int Step, double Loss)> validation,
        int? steps = null
    )
    {
        ArgumentNullException.ThrowIfNull(training);
        ArgumentNullException.ThrowIfNull(validation);
        if (training.Count == 0)
        {
            return "";
        }

        int lastStep = Math.Max(1, Math.Max(steps ?? 0, training[^1].Step));
        double highest = training.Concat(validation).Max(p => p.Loss);
        double X(double step) => Left + ((Width - Left - 12) * step / lastStep);
        double Y(double loss) => Height - Bottom - ((Height - Bottom - Top) * loss / Math.Max(1e-9, highest));
        string Points(IEnumerable<(int Step, double Loss)> points) =>
            string.Join(' ', points.Select(p => Number(X(p.Step)) + "," + Number(Y(p.Loss))));

        var svg = new StringBuilder();
        svg.Append(
            CultureInfo.InvariantCulture,
            $"<svg viewBox=\"0 0 {Width} {Height}\" role=\"img\" aria-label=\"Loss over steps\">"
        );
        for (int i = 0; i <= 4; i++)
        {
            AppendGridLine(svg, highest * i / 4, Y(highest * i / 4));
        }

        svg.Append(
            CultureInfo.InvariantCulture,
            $"<text x=\"{Left}\" y=\"{Height - 10}\">step 1</text>"
                + $"<text x=\"{Width - 12}\" y=\"{Height - 10}\" text-anchor=\"end\">step {lastStep}</text>"
        );
        svg.Append(
            CultureInfo.InvariantCulture,
            $"<polyline class=\"raw\" points=\"{Points(training)}\"/>"
                + $"<polyline class=\"smooth\" points=\"{Points(Smoothed(training))}\"/>"
        );
        if (validation.Count > 0)
        {
            svg.Append(
                CultureInfo.InvariantCulture,
                $"<polyline class=\"validation\" points=\"{Points(validation)}\"/>"
            );
            foreach ((int step, double loss) in validation)
            {
                svg.Append(
                    CultureInfo.InvariantCulture,
                    $"<circle class=\"validation\" cx=\"{Number(X(step))}\" cy=\"{Number(Y(loss))}\" r=\"3\"/>"
                );
            }
        }

        return svg.Append("</svg>").ToString();
    }

    private static void AppendGridLine(StringBuilder svg, double loss, double y) =>
        svg.Append(
            CultureInfo.InvariantCulture,
            $"<line class=\"grid\" x1=\"{Left}\" x2=\"{Width - 12}\" y1=\"{Number(y)}\" y2=\"{Number(y)}\"/>"
                + $"<text x=\"{Left - 6}\" y=\"{Number(y + 4)}\" "
                + $"text-anchor=\"end\">{loss.ToString("0.00", CultureInfo.InvariantCulture)}</text>"
        );

    private static IEnumerable<(int Step, double Loss)> Smoothed(IReadOnlyList<(int Step, double Loss)> points)
    {
        double mean = points[0].Loss;
        foreach ((int step, double loss) in points)
        {
            mean = (0.9 * mean) + (0.1 * loss);
            yield return (step, mean);
        }
    }

    private static string Number(double value) => value.ToString("0.#", CultureInfo.InvariantCulture);
}
