import type { ComponentChildren } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { Result, RunStatus } from '../contract';
import { ask, post } from './ask';
import { inTurn } from './turns';

export type Asked<Answer> =
  { state: 'loading' } | { state: 'failed'; message: string } | { state: 'there'; answer: Answer };

const messageOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);

/** Asks when the page shows it, and again when `again` changes. The answer before stays until the next is there. */
export function useAsked<Answer>(
  work: (signal: AbortSignal) => Promise<Answer>,
  again: readonly unknown[],
): Asked<Answer> {
  const [asked, setAsked] = useState<Asked<Answer>>({ state: 'loading' });
  useEffect(() => {
    const gone = new AbortController();
    work(gone.signal).then(
      (answer) => {
        if (!gone.signal.aborted) setAsked({ state: 'there', answer });
      },
      (error: unknown) => {
        if (!gone.signal.aborted) setAsked({ state: 'failed', message: messageOf(error) });
      },
    );
    return () => gone.abort();
  }, again);
  return asked;
}

export const useGet = <Answer,>(path: string, again: readonly unknown[] = []): Asked<Answer> =>
  useAsked((signal) => ask<Answer>(path, signal), [path, ...again]);

export const useQuestion = (
  name: string,
  values: Readonly<Record<string, string>> = {},
  again: readonly unknown[] = [],
): Asked<Result> =>
  useAsked(
    (signal) => inTurn(() => post<Result>(`/api/questions/${name}`, { values }, signal)),
    [name, JSON.stringify(values), ...again],
  );

/** What was asked, or that it is on its way, or why it did not come. */
export function Shown<Answer>({
  asked,
  what,
  children,
}: {
  asked: Asked<Answer>;
  /** For the person who waits: `the runs`. */
  what: string;
  children: (answer: Answer) => ComponentChildren;
}) {
  if (asked.state === 'loading')
    return (
      <p class="quiet" role="status">
        Loading {what} …
      </p>
    );
  if (asked.state === 'failed')
    return (
      <p class="wrong" role="alert">
        {asked.message}
      </p>
    );
  return <>{children(asked.answer)}</>;
}

export interface Column<Row> {
  name: string;
  of: (row: Row) => ComponentChildren;
  /** Numbers stand right; a short value stays in its line; a text is no column of single words. */
  isNumber?: boolean;
  isShort?: boolean;
  isText?: boolean;
}

const classOf = <Row,>({ isNumber, isShort, isText }: Column<Row>): string | undefined =>
  isNumber ? 'number' : isShort ? 'short' : isText ? 'text' : undefined;

export function Table<Row>({
  about,
  columns,
  rows,
}: {
  /** Read out with the table. */
  about: string;
  columns: readonly Column<Row>[];
  rows: readonly Row[];
}) {
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label={about}>
      <table>
        <caption class="hidden">{about}</caption>
        <thead>
          <tr>
            {columns.map((column) => (
              <th scope="col" class={column.isNumber ? 'number' : undefined}>
                {column.name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr>
              {columns.map((column) => (
                <td class={classOf(column)}>{column.of(row)}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** A text of others: its direction ends where it ends. */
export const Quoted = ({ text }: { text: string }) => <bdi class="quoted">{harmless(text)}</bdi>;

/** Controls that would turn the text around them become visible signs. */
export const harmless = (text: string): string =>
  text.replace(
    /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g,
    (sign) => `\\u{${sign.charCodeAt(0).toString(16)}}`,
  );

const two = (value: number): string => String(value).padStart(2, '0');

/** In UTC; the local time is the title. */
export function Time({ at }: { at: number }) {
  const date = new Date(at);
  const utc = `${date.toISOString().slice(0, 10)} ${two(date.getUTCHours())}:${two(date.getUTCMinutes())}:${two(date.getUTCSeconds())}`;
  return (
    <time dateTime={date.toISOString()} title={`${date.toLocaleString()} on this computer`}>
      {utc}
    </time>
  );
}

export function duration(milliseconds: number): string {
  if (milliseconds < 99_950) return `${(milliseconds / 1000).toFixed(1)} s`;
  const seconds = Math.round(milliseconds / 1000);
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor((seconds % 3600) / 60)];
  return hours > 0 ? `${hours} h ${minutes} min` : `${minutes} min ${seconds % 60} s`;
}

const words: Record<RunStatus, string> = {
  RUNNING: 'running',
  SUCCEEDED: 'succeeded',
  FAILED: 'failed',
  ABORTED: 'stopped',
  TIMED_OUT: 'timed out',
};

export const Status = ({ status }: { status: RunStatus }) => (
  <span class={`status ${status === 'SUCCEEDED' ? 'good' : status === 'RUNNING' ? 'busy' : 'bad'}`}>
    {words[status]}
  </span>
);

export const percent = (share: number): string => `${(share * 100).toFixed(1)}\u00a0%`;
export const count = (value: number): string => value.toLocaleString('en-US');

export function size(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  const place = bytes < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(bytes) / 3));
  const value = bytes / 1000 ** place;
  return `${value.toFixed(place === 0 || value >= 100 ? 0 : 1)} ${units[place]}`;
}

/** JSON, indented; what is no JSON as it is. */
export function Json({ text, label }: { text: string; label: string }) {
  let shown = text;
  try {
    shown = JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    // A note in place of a payload that was left out.
  }
  return (
    <pre tabIndex={0} role="region" aria-label={label}>
      {harmless(shown)}
    </pre>
  );
}

/** The statement behind a chart or table, for whoever wants to check it. */
export const Sql = ({ sql, milliseconds }: Pick<Result, 'sql' | 'milliseconds'>) => (
  <details>
    <summary>SQL, answered in {duration(milliseconds)}</summary>
    <pre tabIndex={0} role="region" aria-label="SQL">
      {sql}
    </pre>
  </details>
);

/** A result's rows as objects. */
export const recordsOf = ({ columns, rows }: Result): Record<string, string | null>[] =>
  rows.map((row) =>
    Object.fromEntries(columns.map((column, place) => [column, row[place] ?? null])),
  );

/** S3 addresses, each with what lies there. */
export const Records = ({ records }: { records: readonly { what: string; uri: string }[] }) => (
  <ul>
    {records.map(({ what, uri }) => (
      <li>
        {what}: <code>{uri}</code>
      </li>
    ))}
  </ul>
);
