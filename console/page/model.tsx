import * as Plot from '@observablehq/plot';
import { useState } from 'preact/hooks';
import type { Answered, ModelLine, ModelView, Overview } from '../contract';
import { holds, post } from './ask';
import { Chart, colourOf, sentiments } from './chart';
import { count, harmless, Json, percent, Shown, Table, Time, useGet } from './parts';

export function Models({ overview }: { overview: Overview }) {
  const models = useGet<ModelLine[]>('/api/models');
  return (
    <section>
      <h1>Model</h1>
      {!overview.isFrozen && <Try />}
      <Shown asked={models} what="the models">
        {(lines) =>
          lines.length === 0 ? (
            <p>No model yet: the first nightly run trains one.</p>
          ) : (
            <>
              <OverTime lines={lines} />
              <Table
                about="Models, newest first"
                rows={lines}
                columns={[
                  {
                    name: 'model',
                    of: ({ version }) =>
                      holds(`/api/models/${version}`) ? (
                        <a href={`#/model/${version}`}>{version}</a>
                      ) : (
                        version
                      ),
                  },
                  {
                    name: 'in service',
                    of: ({ inService }) => (inService ? <span class="right">✓ yes</span> : ''),
                  },
                  { name: 'decision', of: ({ decision }) => decision },
                  { name: 'decided (UTC)', of: ({ decidedAt }) => <Time at={decidedAt} /> },
                  {
                    name: 'by',
                    of: ({ execution }) => <a href={`#/runs/${execution}`}>{execution}</a>,
                  },
                  {
                    name: 'macro recall',
                    isNumber: true,
                    of: ({ macroRecall }) => (macroRecall === null ? '' : percent(macroRecall)),
                  },
                  {
                    name: 'interval',
                    isNumber: true,
                    of: ({ low, high }) =>
                      low === null || high === null ? '' : `${percent(low)} to ${percent(high)}`,
                  },
                  {
                    name: 'commit',
                    of: ({ gitCommit }) => gitCommit && <code>{gitCommit.slice(0, 8)}</code>,
                  },
                ]}
              />
            </>
          )
        }
      </Shown>
    </section>
  );
}

function OverTime({ lines }: { lines: readonly ModelLine[] }) {
  const measured = lines.filter(({ macroRecall }) => macroRecall !== null).toReversed();
  return (
    <Chart
      about="Macro recall of each model with its interval, in the order of their decisions; the table below has the numbers"
      again={[lines]}
      make={() => ({
        height: 220,
        x: {
          type: 'point',
          label: null,
          tickFormat: (version: string) => version.slice(3, 11),
          domain: measured.map(({ version }) => version),
        },
        y: { percent: true, label: 'macro recall (%)', grid: true },
        marks: [
          Plot.ruleX(measured, { x: 'version', y1: 'low', y2: 'high', stroke: colourOf('quiet') }),
          Plot.dot(measured, {
            x: 'version',
            y: 'macroRecall',
            r: 5,
            symbol: 'decision',
            fill: ({ inService }: ModelLine) =>
              inService ? colourOf('positive') : colourOf('quiet'),
            title: ({ version, macroRecall }: ModelLine) =>
              `${version}: ${percent(macroRecall ?? 0)}`,
          }),
        ],
      })}
    />
  );
}

export function Model({ version, overview }: { version: string; overview: Overview }) {
  const model = useGet<ModelView>(`/api/models/${version}`);
  return (
    <section>
      <h1>{version}</h1>
      <Shown asked={model} what="the model">
        {({ inService, line, evaluation, problem, manifest }) => (
          <>
            <p>
              {inService ? 'This model is in service.' : 'This model is not in service.'}
              {line !== null && (
                <>
                  {` It was ${line.decision} by `}
                  <a href={`#/runs/${line.execution}`}>{line.execution}</a>
                  {line.gitCommit !== null && `, with the code of ${line.gitCommit.slice(0, 12)}`}.
                </>
              )}
            </p>
            {line !== null && !inService && line.decision === 'promoted' && overview.mayAct && (
              <RollBack version={version} />
            )}
            {line !== null && (
              <>
                <h2>Rules of the gate</h2>
                <ul>
                  {line.because.map((rule) => (
                    <li class={/^(failed|BROKEN): /.test(rule) ? 'wrong' : undefined}>
                      {harmless(rule)}
                    </li>
                  ))}
                </ul>
              </>
            )}
            {problem !== null && <p class="wrong">{harmless(problem)}</p>}
            {evaluation !== null && <Evaluated evaluation={evaluation} />}
            {manifest !== null && (
              <details>
                <summary>Manifest: which data, labels and code made it</summary>
                <Json text={manifest} label="Manifest of the model" />
              </details>
            )}
          </>
        )}
      </Shown>
    </section>
  );
}

/** Serves the model again: a run of the same state machine, without training. */
function RollBack({ version }: { version: string }) {
  const [problem, setProblem] = useState('');
  const start = () =>
    post<{ name: string }>('/api/start', { input: { mode: 'rollback', model: version } }).then(
      ({ name }) => {
        location.hash = `#/runs/${name}`;
      },
      (error: unknown) => setProblem(error instanceof Error ? error.message : String(error)),
    );
  return (
    <p>
      <button type="button" class="main" onClick={() => void start()}>
        Roll back to this model
      </button>
      {problem !== '' && (
        <span class="wrong" role="alert">
          {problem}
        </span>
      )}
    </p>
  );
}

type Evaluation = NonNullable<ModelView['evaluation']>;

function Evaluated({ evaluation }: { evaluation: Evaluation }) {
  const { candidate, champion, lexicon, linear, held_out, training, worst_mistakes, slices } =
    evaluation;
  const systems = [
    { name: 'this model', ...candidate },
    ...(champion ? [{ ...champion, name: `champion then, ${champion.version}` }] : []),
    { ...lexicon, name: 'lexicon (VADER)' },
    { ...linear, name: `linear baseline (${linear.name})` },
  ];
  return (
    <>
      <p>
        Measured on {count(held_out.rows)} held-out rows with labels by people; trained{' '}
        {training.epochs} epochs in {Math.round(training.seconds)} s on {count(training.rows.train)}{' '}
        rows and {count(training.rows.weak)} weak ones.
      </p>
      <h2>Beside others, on the same rows</h2>
      <Table
        about="Scores of this model and others"
        rows={systems}
        columns={[
          { name: 'system', of: ({ name }) => name },
          { name: 'macro recall', isNumber: true, of: ({ macro_recall }) => percent(macro_recall) },
          {
            name: 'interval',
            isNumber: true,
            of: ({ interval }) => `${percent(interval.low)} to ${percent(interval.high)}`,
          },
          { name: 'accuracy', isNumber: true, of: ({ accuracy }) => percent(accuracy) },
          ...sentiments.map((label) => ({
            name: `recall ${label}`,
            isNumber: true,
            of: ({ recall }: (typeof systems)[number]) => percent(recall[label]),
          })),
        ]}
      />
      <h2>Confusion</h2>
      <Table
        about="Rows by true label and answer"
        rows={sentiments.map((label, place) => ({
          label,
          counts: candidate.confusion[place] ?? [],
        }))}
        columns={[
          { name: 'true label', of: ({ label }) => label },
          ...sentiments.map((label, place) => ({
            name: `answered ${label}`,
            isNumber: true,
            of: ({ counts }: { counts: readonly number[] }) => count(counts[place] ?? 0),
          })),
        ]}
      />
      <h2>Calibration</h2>
      <p>
        Expected calibration error {percent(candidate.calibration.expected_error)}: how far its
        confidence is from how often it is right.
      </p>
      <Chart
        about="Accuracy by confidence; on the line they are equal"
        again={[evaluation]}
        make={(width) => ({
          width: Math.min(width, 420),
          height: 280,
          x: { domain: [30, 100], percent: true, label: 'confidence (%)' },
          y: { domain: [0, 100], percent: true, label: 'accuracy (%)', grid: true },
          marks: [
            Plot.line(
              [
                [0.3, 0.3],
                [1, 1],
              ],
              { stroke: colourOf('quiet'), strokeDasharray: '4' },
            ),
            Plot.dot(candidate.calibration.bins, {
              x: 'confidence',
              y: 'accuracy',
              r: 'rows',
              fill: colourOf('busy'),
            }),
          ],
        })}
      />
      <h2>By kind of text</h2>
      <Table
        about="Macro recall by kind of text"
        rows={slices}
        columns={[
          { name: 'kind', of: ({ name }) => name },
          { name: 'rows', isNumber: true, of: ({ rows }) => count(rows) },
          ...Object.keys(slices[0]?.systems ?? {}).map((system) => ({
            name: system,
            isNumber: true,
            of: ({ systems: scores }: (typeof slices)[number]) => {
              const recall = scores[system]?.macro_recall ?? null;
              return recall === null ? 'too few' : percent(recall);
            },
          })),
        ]}
      />
      <h2>Worst mistakes</h2>
      <Table
        about="The mistakes that the model was most sure of"
        rows={worst_mistakes.slice(0, 10)}
        columns={[
          {
            name: 'hash of the text',
            of: ({ text_hash }) => <code>{text_hash.slice(0, 16)}</code>,
          },
          { name: 'people say', of: ({ label }) => label },
          {
            name: 'model says',
            of: ({ answer, probability }) => `${answer} (${percent(probability)})`,
          },
        ]}
      />
    </>
  );
}

/** Asks the model in service, and again without each word. */
function Try() {
  const [text, setText] = useState('');
  const [answer, setAnswer] = useState<{ of: string; answered: Answered } | null>(null);
  const [problem, setProblem] = useState('');
  const send = () => {
    setProblem('');
    post<Answered>('/api/predict', { text }).then(
      (answered) => setAnswer({ of: text, answered }),
      (error: unknown) => setProblem(error instanceof Error ? error.message : String(error)),
    );
  };
  return (
    <form
      class="panel"
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      <label>
        Try a tweet
        <textarea rows={2} value={text} onInput={(event) => setText(event.currentTarget.value)} />
      </label>
      <button type="submit" class="main" disabled={text.trim() === ''}>
        What does the model say?
      </button>
      <div aria-live="polite">
        {problem !== '' && <p class="wrong">{harmless(problem)}</p>}
        {answer !== null && problem === '' && <Said {...answer.answered} />}
      </div>
    </form>
  );
}

function Said({ label, probabilities, modelVersion, words }: Answered) {
  const most = Math.max(0.01, ...words.map(({ falls }) => Math.abs(falls)));
  return (
    <>
      <p>
        <strong class={label}>{label}</strong>
        {': '}
        {sentiments.map((name) => `${name} ${percent(probabilities[name])}`).join(', ')}
        <span class="quiet"> model {modelVersion}</span>
      </p>
      {words.length > 0 && (
        <>
          <p class="quiet">
            How much the answer&apos;s probability falls without each word (leave one out); a minus
            means that the word speaks against it.
          </p>
          <ul class="words">
            {words.map(({ word, falls }) => (
              <li
                style={{ '--weight': Math.abs(falls) / most }}
                class={falls >= 0 ? 'for' : 'against'}
              >
                <bdi>{harmless(word)}</bdi>{' '}
                <small>{`${falls < 0 ? '−' : '+'}${Math.abs(falls * 100).toFixed(0)}`}</small>
              </li>
            ))}
          </ul>
        </>
      )}
    </>
  );
}
