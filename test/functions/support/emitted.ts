import type { Dimensions, Emit, MetricValues } from '../../../functions/shared/metrics';

/** Keeps what a function emits, in order. */
export class Emitted {
  readonly lines: { figures: MetricValues; dimensions?: Dimensions }[] = [];

  readonly emit: Emit = (figures, dimensions) => {
    this.lines.push(dimensions === undefined ? { figures } : { figures, dimensions });
  };
}
