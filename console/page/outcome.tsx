import type { RunView, Stretch } from '../contract';
import { count, harmless, Quoted, Table } from './parts';

/** Rules that a candidate has to pass; releases up to 484cd63 say `kept` and `BROKEN`. */
const RULE = /^(passed|failed|kept|BROKEN): ([^]*)$/;

const points = (value: number): string =>
  `${value < 0 ? '−' : '+'}${Math.abs(value * 100).toFixed(1)}`;

/** Every rule of the gate, those that passed too. */
export function Gate({ gate }: { gate: RunView['gate'] }) {
  if (gate === null) return null;
  const { promote, reasons, heldOutRows, differences } = gate;
  const rules = reasons.map((reason) => {
    const [, result, sentence] = RULE.exec(reason) ?? [];
    const isFailed = result === 'failed' || result === 'BROKEN';
    return {
      result: result === undefined ? '' : isFailed ? 'failed' : 'passed',
      sentence: sentence ?? reason,
    };
  });
  return (
    <>
      <h2>Is the candidate better?</h2>
      <p>
        <strong class={promote ? 'right' : 'wrong'}>
          {promote ? 'Yes, promoted' : 'No, rejected'}
        </strong>
        {heldOutRows !== null && `, on ${count(heldOutRows)} held-out rows`}
        {differences.map(
          ({ what, value, low, high }) =>
            `; macro recall ${what} ${points(value)} points [${points(low)}, ${points(high)}]`,
        )}
        .
      </p>
      <Table
        about="Rules of the gate"
        rows={rules}
        columns={[
          {
            name: 'result',
            of: ({ result }) => (
              <span class={`mark ${result === 'failed' ? 'wrong' : 'right'}`}>
                {result === 'failed' ? '✗ failed' : result === 'passed' ? '✓ passed' : ''}
              </span>
            ),
          },
          { name: 'rule', of: ({ sentence }) => harmless(sentence) },
        ]}
      />
    </>
  );
}

/** Every measure of the run's drift beside its limit. */
export function RunDrift({ drift }: { drift: RunView['drift'] }) {
  if (drift === null) return null;
  if (drift.status === 'NOT_COMPARED')
    return (
      <>
        <h2>Drift</h2>
        <p>Not compared: {harmless(drift.reason)}.</p>
      </>
    );
  const { days, reference, modelVersion, measures } = drift;
  return (
    <>
      <h2>Drift</h2>
      <p class="quiet">
        The tweets of {days.from} to {days.to} beside those of {reference.from} to {reference.to},
        which {modelVersion} was trained on.
      </p>
      <Table
        about="Measures of drift beside their limits"
        rows={measures}
        columns={[
          {
            name: 'measure',
            of: ({ name, value, limit }) => (
              <span class={value !== null && value > limit ? 'wrong' : undefined}>
                {name}
                {value !== null && value > limit && ', beyond its limit'}
              </span>
            ),
          },
          {
            name: 'value',
            isNumber: true,
            of: ({ value }) => (value === null ? 'too few' : value.toFixed(3)),
          },
          { name: 'limit', isNumber: true, of: ({ limit }) => String(limit) },
          { name: 'what changed most', of: ({ change }) => <Quoted text={change} /> },
        ]}
      />
    </>
  );
}

/** What the run's ingest could not fetch, or has not yet. */
export function Windows({ ingest }: { ingest: RunView['ingest'] }) {
  if (ingest === null) return null;
  const { month, posts, limit } = ingest.month;
  return (
    <>
      <p class="quiet">
        In {month} {count(posts)} posts were read at X
        {limit !== null && ` of ${count(limit)} that the settings allow`}.
      </p>
      <Stretches title="Gaps: tweets that X no longer gives" rows={ingest.gaps} />
      <Stretches title="Still to be fetched" rows={ingest.open} />
    </>
  );
}

const Stretches = ({ title, rows }: { title: string; rows: readonly Stretch[] }) =>
  rows.length === 0 ? null : (
    <>
      <h2>{title}</h2>
      <Table
        about={title}
        rows={rows}
        columns={[
          { name: 'query', of: ({ query }) => query },
          { name: 'from', of: ({ from }) => from ?? 'unknown' },
          { name: 'until', of: ({ until }) => until ?? 'unknown' },
          { name: 'why', of: ({ reason }) => harmless(reason) },
        ]}
      />
    </>
  );
