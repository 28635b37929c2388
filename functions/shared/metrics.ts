import { isMetricName, metricNamespace, metrics } from '../../workflows/metrics';
import type { MetricName } from '../../workflows/metrics';

/** Figures of one moment; absent ones are not known, which is not the same as 0. */
export type MetricValues = Readonly<Partial<Record<MetricName, number>>>;

/** The values of the dimensions that the figures have beside `Lake`. */
export type Dimensions = Readonly<Partial<Record<'Stage' | 'Error', string>>>;

/** Where figures go. */
export type Emit = (figures: MetricValues, dimensions?: Dimensions) => void;

// CloudWatch takes 1024 characters; a name that long helps nobody.
const MAX_DIMENSION_CHARACTERS = 250;

/** One line in CloudWatch's embedded metric format: Logs makes metrics of it, without a call or a permission. */
export function embeddedMetrics(
  lake: string,
  now: Date,
  figures: MetricValues,
  dimensions: Dimensions = {},
): Record<string, unknown> {
  const values = {
    Lake: lake,
    ...Object.fromEntries(
      Object.entries(dimensions).map(([name, value]) => [name, dimensionValue(value)]),
    ),
  };
  const known = Object.entries(figures).filter(([, value]) => Number.isFinite(value));
  return {
    _aws: {
      Timestamp: now.valueOf(),
      CloudWatchMetrics: [
        {
          Namespace: metricNamespace,
          Dimensions: [Object.keys(values)],
          Metrics: known.flatMap(([Name]) =>
            isMetricName(Name) ? [{ Name, Unit: metrics[Name].unit }] : [],
          ),
        },
      ],
    },
    ...values,
    ...Object.fromEntries(known),
  };
}

/** A dimension's value is printable ASCII, and never empty. */
const dimensionValue = (value: string): string =>
  value.replace(/[^ -~]/g, '?').slice(0, MAX_DIMENSION_CHARACTERS) || 'unknown';

/**
 * Writes figures to the function's log. Past the console, whose lines Lambda begins with time and request:
 * CloudWatch makes metrics of a line that is JSON from its first character on.
 */
export const emitter =
  (lake: string): Emit =>
  (figures, dimensions) => {
    if (Object.keys(figures).length === 0) return;
    process.stdout.write(
      `${JSON.stringify(embeddedMetrics(lake, new Date(), figures, dimensions))}\n`,
    );
  };
