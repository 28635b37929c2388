import * as Plot from '@observablehq/plot';
import { useState } from 'preact/hooks';
import type { ModelLine, ModelView, Overview } from '../contract';
import { holds, isFrozen, post } from './ask';
import { Chart, colourOf } from './chart';
import { Compare } from './compare';
import { Drift } from './drift';
import { Evaluated } from './evaluated';
import { Needed } from './needed';
import { harmless, Json, percent, Shown, Table, Time, useGet } from './parts';
import { Try } from './try';

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
              {!overview.isFrozen && <Compare lines={lines} />}
            </>
          )
        }
      </Shown>
      <Drift />
    </section>
  );
}

function OverTime({ lines }: { lines: readonly ModelLine[] }) {
  const measured = lines.filter(({ macroRecall }) => macroRecall !== null).toReversed();
  const versions = measured.map(({ version }) => version);
  return (
    <Chart
      about="Macro recall of each model with its interval, in the order of their decisions; the table below has the numbers"
      again={[lines]}
      make={(width) => ({
        height: 220,
        x: {
          type: 'point',
          label: null,
          // Day and the first signs of the hash; as many as there is room for.
          ticks: versions.filter(
            (_, place) => place % Math.ceil((versions.length * 110) / width) === 0,
          ),
          tickFormat: (version: string) => version.slice(3, 16),
          domain: versions,
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
            {inService && !isFrozen && <Needed />}
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
