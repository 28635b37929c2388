import { useEffect, useState } from 'preact/hooks';
import type { Machine, Overview, RunView, StateVisit } from '../contract';
import { ask, file, isFrozen, listen, post, saveAs } from './ask';
import { Starter } from './audit';
import { Graph, standings } from './graph';
import { LakeThen } from './lake-then';
import { Gate, RunDrift, Windows } from './outcome';
import {
  type Asked,
  count,
  duration,
  harmless,
  Json,
  Records,
  Shown,
  Status,
  Table,
  Time,
  useGet,
} from './parts';

/** A run as it is; while it runs, as it becomes. The server sends each change. */
function useRun(name: string, again: number): Asked<RunView> {
  const [asked, setAsked] = useState<Asked<RunView>>({ state: 'loading' });
  useEffect(() => {
    const gone = new AbortController();
    const take = (answer: RunView) => setAsked({ state: 'there', answer });
    const fail = (error: unknown) => {
      if (!gone.signal.aborted)
        setAsked({
          state: 'failed',
          message: error instanceof Error ? error.message : String(error),
        });
    };
    ask<RunView>(`/api/runs/${name}`, gone.signal)
      .then(async (answer) => {
        if (gone.signal.aborted) return;
        take(answer);
        if (answer.status === 'RUNNING' && !isFrozen)
          await listen<RunView>(`/api/runs/${name}/live`, take, gone.signal);
      })
      .catch(fail);
    return () => gone.abort();
  }, [name, again]);
  return asked;
}

export function Run({ name, overview }: { name: string; overview: Overview }) {
  const [again, setAgain] = useState(0);
  const run = useRun(name, again);
  const machine = useGet<Machine>('/api/machine');
  return (
    <section>
      <h1>{name}</h1>
      <Shown asked={run} what="the run">
        {(view) => (
          <>
            <Head view={view} />
            {overview.mayAct && !overview.isFrozen && (
              <Actions view={view} done={() => setAgain(again + 1)} />
            )}
            {view.failure.length > 0 && (
              <div class="failure" role="alert">
                <h2>What went wrong</h2>
                {view.failure.map((line) => (
                  <p>{harmless(line)}</p>
                ))}
              </div>
            )}
            {overview.isFrozen && view.status === 'SUCCEEDED' && <LakeThen />}
            <Shown asked={machine} what="the state machine">
              {(states) => <Map machine={states} view={view} />}
            </Shown>
            <Stages view={view} />
            <Gate gate={view.gate} />
            {view.sums.length > 0 && (
              <>
                <h2>Nothing lost</h2>
                <ul>
                  {view.sums.map(({ what, sum, holds }) => (
                    <li>
                      <span class={holds ? 'right' : 'wrong'}>
                        {holds ? '✓ adds up' : '✗ does not add up'}
                      </span>{' '}
                      {what}: {sum}
                    </li>
                  ))}
                </ul>
              </>
            )}
            <Queries view={view} />
            <Windows ingest={view.ingest} />
            <RunDrift drift={view.drift} />
            <Costs view={view} />
            <h2>Records</h2>
            {!overview.isFrozen && <Keep name={name} />}
            <Records records={view.records} />
            <details>
              <summary>Input and output of the execution</summary>
              <Json text={view.input} label="Input of the execution" />
              {view.output !== null && <Json text={view.output} label="Output of the execution" />}
            </details>
          </>
        )}
      </Shown>
    </section>
  );
}

const Head = ({ view }: { view: RunView }) => (
  <>
    <p>
      <Status status={view.status} /> started <Time at={view.startedAt} /> UTC
      {view.endedAt !== null && `, took ${duration(view.endedAt - view.startedAt)}`}
      {view.redrives > 0 && `, redriven ${view.redrives} ×`}
      {view.isArchived && ', from the archive: Step Functions no longer has it'}
    </p>
    <p>
      Started by <Starter by={view.startedBy} />
    </p>
    {view.summary !== '' && <p>{harmless(view.summary)}</p>}
    {view.modelInService !== null && (
      <p class="quiet">
        Model in service at its end: {view.modelInService}
        {view.stream !== null && `. Stream: ${view.stream}`}.
      </p>
    )}
  </>
);

function Actions({ view, done }: { view: RunView; done: () => void }) {
  const [problem, setProblem] = useState('');
  const act = (path: string) => {
    setProblem('');
    post(path, { name: view.name }).then(done, (error: unknown) =>
      setProblem(error instanceof Error ? error.message : String(error)),
    );
  };
  if (view.isArchived || view.status === 'SUCCEEDED') return null;
  return (
    <p>
      {view.status === 'RUNNING' ? (
        <button type="button" onClick={() => act('/api/stop')}>
          Stop this run
        </button>
      ) : (
        <button type="button" class="main" onClick={() => act('/api/redrive')}>
          Redrive from the failed state
        </button>
      )}
      {problem !== '' && (
        <span class="wrong" role="alert">
          {' '}
          {problem}
        </span>
      )}
    </p>
  );
}

function Map({ machine, view }: { machine: Machine; view: RunView }) {
  const [chosen, setChosen] = useState<string | null>(null);
  const passes = view.visits.filter(({ state }) => state === chosen);
  return (
    <>
      <h2>State machine</h2>
      <p class="quiet">Choose a state to see its input, output and errors.</p>
      <Graph
        machine={machine}
        standing={standings(view.visits, view.status === 'RUNNING')}
        chosen={chosen}
        choose={setChosen}
      />
      {chosen !== null && passes.length > 0 && (
        <div class="panel" aria-live="polite">
          <h3>{chosen}</h3>
          <Passes key={chosen} passes={passes} payloads={view.payloads} />
        </div>
      )}
    </>
  );
}

/** A loop has many passes: the last is shown first. */
function Passes({
  passes,
  payloads,
}: {
  passes: readonly StateVisit[];
  payloads: readonly string[];
}) {
  const [place, setPlace] = useState(passes.length - 1);
  const pass = passes[Math.min(place, passes.length - 1)];
  if (pass === undefined) return null;
  return (
    <>
      {passes.length > 1 && (
        <label>
          Pass{' '}
          <select value={place} onChange={(event) => setPlace(Number(event.currentTarget.value))}>
            {passes.map((_, index) => (
              <option value={index}>
                {index + 1} of {passes.length}
              </option>
            ))}
          </select>
        </label>
      )}
      <p>
        Entered <Time at={pass.enteredAt} />
        {pass.exitedAt === null
          ? ', not left'
          : `, left after ${duration(pass.exitedAt - pass.enteredAt)}`}
        {pass.errors.length > 0 &&
          `, ${pass.errors.length} failed ${pass.errors.length === 1 ? 'try' : 'tries'}`}
      </p>
      {pass.errors.map(({ error, cause }) => (
        <p class="wrong">
          {error}: {harmless(cause)}
        </p>
      ))}
      {pass.input !== null && (
        <details>
          <summary>Input</summary>
          <Json text={payloads[pass.input] ?? ''} label="Input of the state" />
        </details>
      )}
      {pass.output !== null && (
        <details open>
          <summary>Output</summary>
          <Json text={payloads[pass.output] ?? ''} label="Output of the state" />
        </details>
      )}
    </>
  );
}

/** The steps in a timeline: a bar each, over the time of the run. */
function Stages({ view }: { view: RunView }) {
  const { stages } = view;
  if (stages.length === 0) return null;
  const start = Math.min(...stages.map(({ startedAt }) => startedAt));
  const end = Math.max(...stages.map(({ startedAt, endedAt }) => endedAt ?? startedAt), start + 1);
  const share = (at: number) => `${(((at - start) / (end - start)) * 100).toFixed(2)}%`;
  return (
    <>
      <h2>Steps</h2>
      <Table
        about="Steps of the run with their times"
        rows={stages}
        columns={[
          { name: 'step', of: ({ name }) => name },
          {
            name: 'when',
            of: ({ startedAt, endedAt, status }) => (
              <svg class="bar" width="140" height="14" aria-hidden="true">
                <rect
                  x={share(startedAt)}
                  y="2"
                  width={share(start + Math.max((end - start) / 70, (endedAt ?? end) - startedAt))}
                  height="10"
                  class={status}
                />
              </svg>
            ),
          },
          {
            name: 'took',
            isNumber: true,
            of: ({ startedAt, endedAt }) => (endedAt === null ? '' : duration(endedAt - startedAt)),
          },
          {
            name: 'result',
            isText: true,
            of: ({ text, status }) => (
              <span class={status === 'failed' ? 'wrong' : undefined}>{harmless(text)}</span>
            ),
          },
        ]}
      />
    </>
  );
}

function Queries({ view }: { view: RunView }) {
  if (view.queries.length === 0) return null;
  const sums = ['received', 'written', 'duplicates', 'quarantined', 'pages'] as const;
  return (
    <>
      <h2>Tweets by query</h2>
      <Table
        about="Tweets by query"
        rows={view.queries}
        columns={[
          { name: 'query', of: ({ name }) => name },
          ...sums.map((name) => ({
            name,
            isNumber: true,
            of: (row: RunView['queries'][number]) => count(row[name]),
          })),
          {
            name: 'window',
            of: ({ complete }) =>
              complete ? 'complete' : <span class="wrong">open: the next run goes on</span>,
          },
        ]}
      />
    </>
  );
}

function Costs({ view }: { view: RunView }) {
  const { lines, isReal } = view.costs;
  return (
    <details>
      <summary>
        What this run would cost: ${lines.reduce((sum, { usd }) => sum + usd, 0).toFixed(2)}
        {isReal ? ', of which X charges its part for real' : '; this run cost nothing'}
      </summary>
      <Table
        about="Costs by service, from public list prices"
        rows={lines}
        columns={[
          { name: 'service', of: ({ what }) => what },
          { name: 'how', of: ({ how }) => how },
          { name: 'US dollars', isNumber: true, of: ({ usd }) => usd.toFixed(4) },
        ]}
      />
    </details>
  );
}

/** Saves what this page shows as one file that needs no server. */
function Keep({ name }: { name: string }) {
  const [problem, setProblem] = useState('');
  const save = async () => {
    setProblem('');
    try {
      saveAs(await file(`/api/runs/${name}/file`), `${name}.html`);
    } catch (error) {
      setProblem(error instanceof Error ? error.message : String(error));
    }
  };
  return (
    <p>
      <button type="button" onClick={() => void save()}>
        Save this run as one file
      </button>
      {problem !== '' && (
        <span class="wrong" role="alert">
          {problem}
        </span>
      )}
    </p>
  );
}
