import { isMetricName, metricNamespace, metrics } from '../../workflows/metrics';
import type { MetricName } from '../../workflows/metrics';

/** Metric values of one moment. A missing value is unknown, which is not the same as 0. */
export type MetricValues = Readonly<Partial<Record<MetricName, number>>>;

/** Values of the dimensions other than `Lake`. */
export type Dimensions = Readonly<Partial<Record<'Stage' | 'Error', string>>>;

/** Writes metric values. */
export type Emit = (figures: MetricValues, dimensions?: Dimensions) => void;

// CloudWatch takes 1024 characters; a name that long helps nobody.
const MAX_DIMENSION_CHARACTERS = 250;

/**
 * One line in CloudWatch's embedded metric format: Logs makes metrics of it, without a call or a permission. Not
 * Powertools' Metrics: it keeps state between calls, adds a `service` dimension, and would save fifteen lines.
 */
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
 * Writes metric values to the function's log. Not through `console`: Lambda prefixes its lines with time and request id,
 * and CloudWatch reads embedded metrics only from lines that are JSON from the first character on.
 */
export const emitter =
  (lake: string): Emit =>
  (figures, dimensions) => {
    if (Object.keys(figures).length === 0) return;
    process.stdout.write(
      `${JSON.stringify(embeddedMetrics(lake, new Date(), figures, dimensions))}\n`,
    );
  };
