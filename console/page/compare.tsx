import { useState } from 'preact/hooks';
import type { ComparedModel, Comparison, ModelLine } from '../contract';
import { describeDifference } from '../difference';
import { ask } from './ask';
import { sentiments } from './chart';
import { count, harmless, percent, Quoted, Table } from './parts';

/** Two registered models side by side, and the tweets that they read differently. */
export function Compare({ lines }: { lines: readonly ModelLine[] }) {
  // The newest against the one in service, or against the one before.
  const newest = lines[0]?.version ?? '';
  const before =
    lines.find(({ inService, version }) => inService && version !== newest) ?? lines[1];
  const [first, setFirst] = useState(before?.version ?? '');
  const [second, setSecond] = useState(newest);
  const [comparison, setComparison] = useState<Comparison | null>(null);
  const [problem, setProblem] = useState('');
  const [busy, setBusy] = useState(false);
  if (lines.length < 2)
    return (
      <>
        <h2>Compare two models</h2>
        <p>Only one model is registered: the next training brings another to compare with.</p>
      </>
    );
  const send = () => {
    setProblem('');
    setBusy(true);
    ask<Comparison>(`/api/compare/${first}/${second}`)
      .then(setComparison, (error: unknown) =>
        setProblem(error instanceof Error ? error.message : String(error)),
      )
      .finally(() => setBusy(false));
  };
  const choice = (name: string, value: string, set: (version: string) => void) => (
    <label>
      {name}
      <select value={value} onChange={(event) => set(event.currentTarget.value)}>
        {lines.map(({ version, inService, decision }) => (
          <option value={version}>{`${version}, ${inService ? 'in service' : decision}`}</option>
        ))}
      </select>
    </label>
  );
  return (
    <>
      <h2>Compare two models</h2>
      <form
        class="panel"
        onSubmit={(event) => {
          event.preventDefault();
          send();
        }}
      >
        {choice('first model', first, setFirst)}
        {choice('second model', second, setSecond)}
        <button type="submit" class="main" disabled={busy || first === second}>
          Compare
        </button>
      </form>
      <div aria-live="polite">
        {busy && <p class="quiet">Athena is looking for tweets that they read differently …</p>}
        {problem !== '' && (
          <p class="wrong" role="alert">
            {harmless(problem)}
          </p>
        )}
        {comparison !== null && !busy && problem === '' && <SideBySide {...comparison} />}
      </div>
    </>
  );
}

/** Day and the first signs of the hash. */
const brief = ({ version }: ComparedModel): string => version.slice(3, 16);

function SideBySide(comparison: Comparison) {
  const { first, second, sameHeldOutRows, tweets } = comparison;
  const between = ({ interval }: ComparedModel) =>
    `${percent(interval.low)} to ${percent(interval.high)}`;
  const rows: { name: string; of: (model: ComparedModel) => string }[] = [
    { name: 'macro recall', of: ({ macroRecall }) => percent(macroRecall) },
    { name: 'its interval', of: between },
    { name: 'accuracy', of: ({ accuracy }) => percent(accuracy) },
    { name: 'macro F1', of: ({ macroF1 }) => percent(macroF1) },
    ...sentiments.map((label) => ({
      name: `recall ${label}`,
      of: ({ recall }: ComparedModel) => percent(recall[label]),
    })),
    { name: 'calibration error', of: ({ calibrationError }) => percent(calibrationError) },
    {
      name: 'held-out rows',
      of: ({ heldOut }) => `${count(heldOut.rows)} (${heldOut.sha256.slice(0, 8)})`,
    },
  ];
  return (
    <>
      <p>
        <strong>{describeDifference(comparison)}</strong>{' '}
        {!sameHeldOutRows &&
          'They were measured on different held-out rows: labels came between them, so the figures do not show which is better.'}
      </p>
      <Table
        about={`${first.version} and ${second.version} side by side`}
        rows={rows}
        columns={[
          { name: 'metric', of: ({ name }) => name },
          { name: brief(first), isNumber: true, of: ({ of }) => of(first) },
          { name: brief(second), isNumber: true, of: ({ of }) => of(second) },
        ]}
      />
      <h3 class="apart">Tweets that they read differently</h3>
      {tweets === null ? (
        <p>No tweet of the last days was scored by both: a model that was refused scores none.</p>
      ) : (
        <>
          <p>
            {count(tweets.differ)} of the {count(tweets.both)} tweets that both scored.
            {tweets.shown.length > 0 && ' Those of which the second is surest:'}
          </p>
          {tweets.shown.length > 0 && (
            <Table
              about="Tweets that the two models read differently"
              rows={tweets.shown}
              columns={[
                { name: 'text', of: ({ text }) => <Quoted text={text} /> },
                { name: 'first', of: (row) => <span class={row.first}>{row.first}</span> },
                {
                  name: 'second',
                  of: (row) => (
                    <span class={row.second}>
                      {row.second} ({percent(row.secondConfidence)})
                    </span>
                  ),
                },
              ]}
            />
          )}
        </>
      )}
    </>
  );
}
