import { useState } from 'preact/hooks';
import type { Overview, RunLine } from '../contract';
import { holds } from './ask';
import { duration, Shown, Status, Table, Time, harmless, useGet } from './parts';
import { StartForm } from './start';

/** All runs, and the form that starts one. */
export function Runs({ overview }: { overview: Overview }) {
  const [again, setAgain] = useState(0);
  const runs = useGet<RunLine[]>('/api/runs', [again]);
  return (
    <section>
      <h1>Runs</h1>
      {overview.mayAct && !overview.isFrozen && <StartForm />}
      <Shown asked={runs} what="the runs">
        {(lines) =>
          lines.length === 0 ? (
            <p>No run yet. The first one: npm start</p>
          ) : (
            <Table
              about="Runs, newest first"
              rows={lines}
              columns={[
                {
                  name: 'run',
                  of: ({ name }) =>
                    holds(`/api/runs/${name}`) ? <a href={`#/runs/${name}`}>{name}</a> : name,
                },
                {
                  name: 'status',
                  of: ({ status, redrives, isArchived }) => (
                    <>
                      <Status status={status} />
                      {redrives > 0 && ` redriven ${redrives} ×`}
                      {isArchived && ' from the archive'}
                    </>
                  ),
                },
                { name: 'started (UTC)', of: ({ startedAt }) => <Time at={startedAt} /> },
                {
                  name: 'took',
                  isNumber: true,
                  of: ({ startedAt, endedAt }) =>
                    endedAt === null ? '' : duration(endedAt - startedAt),
                },
                { name: 'started by', of: ({ startedBy }) => harmless(startedBy?.text ?? '') },
                { name: 'result', isText: true, of: ({ summary }) => harmless(summary) },
              ]}
            />
          )
        }
      </Shown>
      {!overview.isFrozen && (
        <button type="button" onClick={() => setAgain(again + 1)}>
          Look again
        </button>
      )}
    </section>
  );
}
