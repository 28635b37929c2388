import { isFailed } from '../../workflows/evaluation';
import { countOf } from '../../workflows/payloads';
import type { RunReport, RunState, SetAside } from '../../workflows/payloads';

export function outcomeOf({ plan, clean, evaluation }: RunState): RunReport['outcome'] {
  if (plan.skip !== null) {
    return 'SKIPPED';
  }
  if (plan.mode === 'ingest') {
    return 'INGESTED';
  }
  if ('promote' in evaluation) {
    if (evaluation.rollback) return 'ROLLED_BACK';
    return evaluation.promote ? 'PROMOTED' : 'NOT_PROMOTED';
  }
  if (plan.mode !== 'nightly' && plan.mode !== 'retrain') {
    return clean.status === 'DONE' ? 'PUBLISHED' : 'NOTHING_NEW';
  }
  // Nothing was trained, because nothing changed or the last training had the same input.
  return clean.status === 'DONE' ? 'NOT_PROMOTED' : 'NOTHING_NEW';
}

/** One sentence with the most important counts. */
export function summaryOf(state: RunState): string {
  const { plan } = state;
  if (plan.skip !== null) {
    return `Nothing was run: ${plan.skip}.`;
  }
  const parts = [ingested(state), cleaned(state), trained(state), scored(state)].filter(
    (part) => part !== null,
  );
  const sentence = parts.join('; ');
  return [`${sentence.charAt(0).toUpperCase()}${sentence.slice(1)}.`, ...unreadable(state)].join(
    ' ',
  );
}

/** Unreadable objects that the run's steps skipped, each once; only the first ones if there are many. */
export function unreadableIn({ ingest, clean, train }: RunState): SetAside['objects'] {
  const found = [
    ingest.status === 'PENDING' ? undefined : ingest.unreadable,
    clean.status === 'DONE' ? clean.summary.unreadable : undefined,
    train.status === 'DONE' ? train.unreadable : undefined,
  ].flatMap((setAside) => setAside?.objects ?? []);
  return [...new Map(found.map((object) => [object.key, object])).values()];
}

function unreadable(state: RunState): string[] {
  const objects = unreadableIn(state);
  if (objects.length === 0) return [];
  const list = objects.map(({ key, problem }) => `${key} ${problem}`).join('; ');
  return [
    `Warning, RawDataUnreadable: ${plural(objects.length, 'object')} could not be read completely and were skipped: ${list}.`,
  ];
}

function ingested({ ingest }: RunState): string | null {
  if (ingest.status === 'PENDING') {
    return null;
  }
  const { received, written, duplicates, quarantined } = ingest;
  const counts = `${count(received)} tweets received (${count(written)} written, ${count(duplicates)} duplicates, ${count(quarantined)} quarantined)`;
  return ingest.status === 'DONE' && ingest.note !== null ? `${counts}, ${ingest.note}` : counts;
}

function cleaned({ clean }: RunState): string | null {
  switch (clean.status) {
    case 'DONE':
      return `${count(clean.summary.written)} rows published in ${plural(countOf(clean.days), 'day')}`;
    case 'NOTHING_NEW':
      return 'no day had anything new to clean';
    default:
      return null;
  }
}

function trained({ train, evaluation }: RunState): string | null {
  if ('promote' in evaluation && evaluation.rollback) {
    return `rolled back to model ${evaluation.rollback.version}${evaluation.inService === null ? '' : ` from ${evaluation.inService}`}`;
  }
  if (train.status === 'SKIPPED') {
    return `no new training: ${train.reason}`;
  }
  if (train.status !== 'DONE' || !('promote' in evaluation)) {
    return null;
  }
  const recall =
    evaluation.candidate === null || evaluation.heldOutRows === null
      ? 'untrusted metrics'
      : `macro recall ${(evaluation.candidate.macro_recall * 100).toFixed(1)} % on ${count(evaluation.heldOutRows)} rows`;
  const outcome = evaluation.promote
    ? evaluation.forced
      ? 'promoted by force'
      : 'promoted'
    : 'not promoted';
  const failed = evaluation.reasons.filter(isFailed);
  return [`model ${train.jobName} ${outcome}, ${recall}`, ...failed].join(', ');
}

/** What the gate said of the run's candidate, all rules; undefined if there was none. */
export const gateOf = ({ evaluation }: RunState): string[] | undefined =>
  'promote' in evaluation && !evaluation.rollback ? evaluation.reasons : undefined;

const scored = ({ refresh }: RunState): string | null =>
  refresh.status === 'DONE' && refresh.scored > 0 ? `${count(refresh.scored)} tweets scored` : null;

const count = (value: number): string => value.toLocaleString('en-US');

const plural = (value: number, noun: string): string =>
  `${count(value)} ${noun}${value === 1 ? '' : 's'}`;
