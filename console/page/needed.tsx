import type { LabelsNeeded } from '../contract';
import { count, harmless, percent, Shown, useGet } from './parts';

const points = (share: number): string => (share * 100).toFixed(1);

/** What the interval of the model in service stands on, and how many labels a narrower one needs. */
export function Needed() {
  const asked = useGet<LabelsNeeded>('/api/labels/needed');
  return (
    <>
      <h2>Labels that the gate needs</h2>
      <Shown asked={asked} what="the labels needed">
        {(needed) => (
          <>
            {needed.problem !== null && <p>{harmless(needed.problem)}</p>}
            <Stands {...needed} />
            <Waiting waiting={needed.waiting} />
          </>
        )}
      </Shown>
    </>
  );
}

function Stands({ champion, target, heldOutNow, labelsMissing }: LabelsNeeded) {
  if (champion === null) return null;
  const { version, rows, macroRecall, low, high, level, rowsForTarget } = champion;
  return (
    <p>
      The macro recall of <a href={`#/model/${version}`}>{version}</a>, {percent(macroRecall)},
      stands on {count(rows)} held-out rows: at {Math.round(level * 100)} % it lies between{' '}
      {percent(low)} and {percent(high)}, ±{points((high - low) / 2)} points.
      {heldOutNow !== null &&
        heldOutNow.rows !== rows &&
        ` The labels in the lake give ${count(heldOutNow.rows)} rows now.`}
      {heldOutNow === null && ' How many rows there are now, only LabellerRole may count.'}{' '}
      {labelsMissing === 0 ? (
        `That is ±${points(target)} points or better.`
      ) : (
        <>
          ±{points(target)} points need about {count(rowsForTarget)} rows, so about{' '}
          <strong>{count(labelsMissing ?? 0)} more labels of new random texts</strong>: a fifth of
          them is held out. On the page Label every second text is random, so twice as many answers.
        </>
      )}
    </p>
  );
}

function Waiting({ waiting }: Pick<LabelsNeeded, 'waiting'>) {
  if (waiting.length === 0)
    return <p>No rule of the gate and no comparison of the newest candidate waits for rows.</p>;
  return (
    <>
      <p>What waits for rows, by the newest candidate:</p>
      <ul>
        {waiting.map(({ rule, now, needed }) => (
          <li>
            {harmless(rule)}: {now}. Would decide it: {needed}.
          </li>
        ))}
      </ul>
    </>
  );
}
