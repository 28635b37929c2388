import type { Result } from '../contract';
import { count, Quoted, Shown, Sql, Table, useQuestion } from './parts';

/** One of the named questions, with its defaults. */
export function Answer({ name, title, note }: { name: string; title: string; note?: string }) {
  const asked = useQuestion(name);
  return (
    <>
      <h2>{title}</h2>
      {note !== undefined && <p class="quiet">{note}</p>}
      <Shown asked={asked} what="the answer">
        {(result) =>
          result.rows.length === 0 ? (
            <Empty result={result} />
          ) : (
            <ResultTable about={title} result={result} />
          )
        }
      </Shown>
    </>
  );
}

export const Empty = ({ result }: { result: Result }) => (
  <>
    <p>{result.whyEmpty ?? 'No rows.'}</p>
    <Sql {...result} />
  </>
);

export function ResultTable({ about, result }: { about: string; result: Result }) {
  // Days, names and ids, which a browser would break at their hyphens.
  const short = result.columns.map((_, place) =>
    result.rows.every((row) => /^\S{0,24}$/.test(row[place] ?? '')),
  );
  const numbers = result.columns.map((_, place) =>
    result.rows.every(
      (row) => row[place] === null || /^-?\d+(\.\d+)?(E-?\d+)?$/.test(row[place] ?? ''),
    ),
  );
  return (
    <>
      <Table
        about={about}
        rows={result.rows}
        columns={result.columns.map((name, place) => ({
          name,
          isNumber: numbers[place],
          isShort: short[place],
          isText: result.rows.some((row) => (row[place] ?? '').length > 40),
          of: (row: Result['rows'][number]) => {
            const cell = row[place] ?? null;
            return cell === null ? <span class="quiet">null</span> : <Quoted text={cell} />;
          },
        }))}
      />
      {result.isCut && (
        <p class="quiet">Only the first {count(result.rows.length)} rows are shown.</p>
      )}
      <Sql {...result} />
    </>
  );
}
