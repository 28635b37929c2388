import * as Plot from '@observablehq/plot';
import type { DriftView } from '../contract';
import { Chart, colourOf } from './chart';
import { count, harmless, Shown, Table, useGet } from './parts';
import { Answer } from './result';

type RunDrift = DriftView['runs'][number];
type Compared = Extract<RunDrift['drift'], { status: 'COMPARED' }>;
type Measure = Compared['measures'][number];

/** A measure of one run. `place` counts the shown runs from 1. */
interface Point extends Measure {
  place: number;
  run: RunDrift;
}

/** What the newest runs said of drift: how the new tweets differ from those that the model was trained on. */
export function Drift() {
  const asked = useGet<DriftView>('/api/drift');
  return (
    <>
      <h2>Drift</h2>
      <p class="quiet">
        At its end a run compares the newest tweets with those that the model in service was trained
        on. A value beyond its limit is drift.
      </p>
      <Shown asked={asked} what="the drift">
        {(view) => <Measures {...view} />}
      </Shown>
      <Answer
        name="rising_words"
        title="Words in more of the newest tweets"
        note="The last three days against the four weeks before; no mentions, no hashtags."
      />
    </>
  );
}

const isBeyond = ({ value, limit }: Measure): boolean => value !== null && value > limit;
const shown = (value: number | null): string => (value === null ? 'none' : value.toFixed(3));

function Measures({ runs, lookedAt, unreadable }: DriftView) {
  const newest = runs.at(-1);
  if (newest === undefined) return <p>{whyNone(lookedAt, unreadable)}</p>;
  const compared = runs.filter(({ drift }) => drift.status === 'COMPARED');
  const last = compared.at(-1);
  return (
    <>
      {newest.drift.status === 'NOT_COMPARED' && (
        <p>
          The newest run compared nothing: {harmless(newest.drift.reason)}.
          {runs.length === 1 && ' The first run has nothing to compare with; the next one may.'}
        </p>
      )}
      {last?.drift.status === 'COMPARED' && (
        <>
          <p>
            <a href={`#/runs/${last.execution}`}>{last.execution}</a> compared{' '}
            {last.drift.days.from} to {last.drift.days.to} with {last.drift.reference.from} to{' '}
            {last.drift.reference.to} of the training of{' '}
            <a href={`#/model/${last.drift.modelVersion}`}>{last.drift.modelVersion}</a>:{' '}
            {beyondOf(last.drift)}
          </p>
          <div class="measures">
            {last.drift.measures.map((measure) => (
              <OverRuns measure={measure} runs={compared} />
            ))}
          </div>
          <details>
            <summary>
              The numbers of {compared.length === 1 ? 'the run' : `${compared.length} runs`}
            </summary>
            <Table
              about="Drift by run, newest first"
              rows={compared.toReversed()}
              columns={[
                {
                  name: 'run',
                  of: ({ execution }) => <a href={`#/runs/${execution}`}>{execution}</a>,
                },
                ...last.drift.measures.map(({ name }) => ({
                  name,
                  isNumber: true,
                  of: (run: RunDrift) => <Value measure={measureOf(run, name)} />,
                })),
              ]}
            />
          </details>
        </>
      )}
      {unreadable > 0 && (
        <p class="quiet">
          {count(unreadable)} of the newest {count(lookedAt)} reports could not be read.
        </p>
      )}
    </>
  );
}

function whyNone(lookedAt: number, unreadable: number): string {
  if (lookedAt === 0) return 'No run has reported yet. The first one has nothing to compare with.';
  if (unreadable === lookedAt) return `None of the ${count(lookedAt)} reports could be read.`;
  return `None of the newest ${count(lookedAt)} reports speaks of drift: ingests, skipped runs and older releases compare nothing.`;
}

function beyondOf({ measures }: Compared): string {
  const beyond = measures.filter(isBeyond);
  const without = measures.filter(({ value }) => value === null).length;
  const few = without === 0 ? '' : ` ${without} have too few tweets for a value.`;
  return beyond.length === 0
    ? `no measure is beyond its limit.${few}`
    : `${beyond.map(({ name }) => name).join(', ')} ${beyond.length === 1 ? 'is' : 'are'} beyond the limit.${few}`;
}

const measureOf = ({ drift }: RunDrift, name: string): Measure | undefined =>
  drift.status === 'COMPARED' ? drift.measures.find((one) => one.name === name) : undefined;

const Value = ({ measure }: { measure: Measure | undefined }) =>
  measure === undefined ? null : (
    <span class={isBeyond(measure) ? 'wrong' : undefined}>{shown(measure.value)}</span>
  );

/** One measure over the runs, with its limit, and what changed in the newest. */
function OverRuns({ measure, runs }: { measure: Measure; runs: readonly RunDrift[] }) {
  const { name, value, limit, change, newTweets, referenceTweets } = measure;
  const points = runs.flatMap((run, place): Point[] => {
    const found = measureOf(run, name);
    return found === undefined || found.value === null ? [] : [{ ...found, place: place + 1, run }];
  });
  return (
    <section class="measure">
      <h3>{name}</h3>
      <p>
        <strong class={isBeyond(measure) ? 'wrong' : undefined}>{shown(value)}</strong>
        <span class="quiet">
          {' '}
          of {limit}
          {isBeyond(measure) && ', beyond the limit'}
        </span>
      </p>
      {points.length > 0 && (
        <Chart
          about={`${name} over ${points.length} runs, newest right, against its limit ${limit}; the table below has the numbers`}
          again={[points.length, limit, value]}
          make={() => ({
            height: 70,
            margin: 4,
            marginLeft: 38,
            x: { axis: null, domain: [1, Math.max(2, runs.length)], inset: 6 },
            y: {
              label: null,
              ticks: [0, limit],
              domain: [0, Math.max(limit, ...points.map((one) => one.value ?? 0)) * 1.1],
            },
            marks: [
              Plot.ruleY([limit], { stroke: colourOf('negative'), strokeDasharray: '4' }),
              Plot.line(points, { x: 'place', y: 'value', stroke: colourOf('busy') }),
              Plot.dot(points, {
                x: 'place',
                y: 'value',
                r: 3,
                fill: (one: Point) => colourOf(isBeyond(one) ? 'negative' : 'busy'),
                title: ({ run, value: was, change: moved }: Point) =>
                  `${run.execution}: ${shown(was)}, ${harmless(moved)}`,
              }),
            ],
          })}
        />
      )}
      <p class="changed">
        <bdi>{harmless(change)}</bdi>
        <span class="quiet">
          {value !== null &&
            ` (${count(newTweets)} new tweets, ${count(referenceTweets)} to compare with)`}
        </span>
      </p>
    </section>
  );
}
