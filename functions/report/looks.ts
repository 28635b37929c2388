import type { Drift, StreamBacklog } from '../../workflows/payloads';
import type { MetricValues } from '../shared/metrics';
import { beyondLimit, ofLimit } from './drift-measures';

/** What a run sees of its surroundings at its end. */
export interface Looks {
  drift: Drift;
  stream: StreamBacklog;
}

export function lookMetrics({ drift, stream }: Looks): MetricValues {
  const known =
    drift.status === 'COMPARED' ? drift.measures.filter(({ value }) => value !== null) : [];
  return {
    ...(known.length > 0 && { DriftOfLimit: Math.max(...known.map(ofLimit)) }),
    StreamBacklog: stream.records,
  };
}

/** Sentences for the report's summary: what a person should look at. Without drift and backlog there are none. */
export function notices({ drift, stream }: Looks): string[] {
  const beyond = beyondLimit(drift).map(({ name, change }) => `${name} (${change})`);
  return [
    ...(beyond.length > 0
      ? [`Drift: the newest tweets differ from the training of the model in ${beyond.join('; ')}.`]
      : []),
    ...(stream.waitingForModel ? [`${counted(stream.waitingForModel, 'tweet')} wait for a first model.`] : []),
    ...(stream.records > 0 ? [`On the stream: ${describeBacklog(stream)}.`] : []),
  ];
}

/** `12 records not taken yet, the oldest 41 s ago` */
export function describeBacklog({ records, isMore, oldestSeconds }: StreamBacklog): string {
  if (records === 0) return 'the scorer has taken every record';
  const age = oldestSeconds === null ? '' : `, the oldest ${Math.round(oldestSeconds)} s old`;
  return `${isMore ? 'more than ' : ''}${counted(records, 'record')} that the scorer has not taken yet${age}`;
}

const counted = (value: number, noun: string): string =>
  `${value.toLocaleString('en-US')} ${noun}${value === 1 ? '' : 's'}`;
