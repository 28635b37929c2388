import * as Plot from '@observablehq/plot';
import { useState } from 'preact/hooks';
import type { LakeView, Question, Result } from '../contract';
import { csvOf } from './csv';
import { post, saveAs } from './ask';
import { Chart, sentimentColours, sentiments } from './chart';
import { Opinions } from './opinions';
import {
  count,
  harmless,
  percent,
  Quoted,
  recordsOf,
  Shown,
  size,
  Table,
  useGet,
  useQuestion,
  type Asked,
} from './parts';
import { Answer, Empty, ResultTable } from './result';

/** The first chart has the machine for itself: the other questions are asked once its answer is there. */
export function Lake() {
  const days = useQuestion('daily_sentiment');
  return (
    <section>
      <h1>Lake</h1>
      <DaysOf asked={days} />
      {days.state !== 'loading' && <Rest />}
    </section>
  );
}

const Rest = () => (
  <>
    <Opinions />
    <Answer
      name="sentiment_change"
      title="Did a day change?"
      note="Against the day before and the seven days before it; more than chance is a two-proportion z beyond 1.96."
    />
    <Answer name="sentiment_by_query" title="By search" />
    <Answer
      name="rising_terms"
      title="Rising words and hashtags"
      note="Their share of the newest tweets of a sentiment, divided by the share before."
    />
    <Answer
      name="top_contributors"
      title="Who wrote most"
      note="By the number of tweets of each sentiment; engagement sums likes, reposts, quotes and replies."
    />
    <Answer name="most_shared_negative" title="Most shared negative tweets" />
    <Answer
      name="agreement_by_day"
      title="Do people, lexicon and model agree?"
      note="Each share is of the tweets that both judged."
    />
    <Stock />
  </>
);

interface Day {
  day: string;
  tweets: number;
  sentiment: string;
  share: number;
  rows: number;
}

/** Names each day, without its year where there is little room. */
const dayAxis = (width: number, days: number) => ({
  label: null,
  type: 'band' as const,
  tickFormat: (day: string) => (width / Math.max(1, days) < 80 ? day.slice(5) : day),
});

export const Days = () => <DaysOf asked={useQuestion('daily_sentiment')} />;

function DaysOf({ asked }: { asked: Asked<Result> }) {
  return (
    <>
      <h2>Sentiment by day</h2>
      <Shown asked={asked} what="the days">
        {(result) => {
          const days = recordsOf(result).flatMap((row): Day[] => {
            const counts = sentiments.map((name) => Number(row[name] ?? 0));
            const sum = Math.max(
              1,
              counts.reduce((a, b) => a + b, 0),
            );
            return sentiments.map((sentiment, place) => ({
              day: row.dt ?? '',
              tweets: Number(row.tweets ?? 0),
              sentiment,
              share: (counts[place] ?? 0) / sum,
              rows: counts[place] ?? 0,
            }));
          });
          if (days.length === 0) return <Empty result={result} />;
          return (
            <>
              <Chart
                about={`Share of each sentiment by day, ${days[0]?.day} to ${days.at(-1)?.day}; the table below has the numbers`}
                again={[result]}
                make={(width) => ({
                  height: 240,
                  color: { ...sentimentColours(), legend: true },
                  x: dayAxis(width, days.length / sentiments.length),
                  y: { percent: true, label: 'share of the tweets (%)' },
                  marks: [
                    Plot.barY(days, {
                      x: 'day',
                      y: 'share',
                      fill: 'sentiment',
                      title: ({ day, sentiment, rows }: Day) =>
                        `${day}: ${count(rows)} ${sentiment}`,
                    }),
                  ],
                })}
              />
              <Intervals result={result} />
              <Judges result={result} />
              <ResultTable about="Sentiment by day" result={result} />
            </>
          );
        }}
      </Shown>
    </>
  );
}

/** The shares of negative and positive tweets with Wilson's intervals. */
function Intervals({ result }: { result: Result }) {
  const shares = recordsOf(result).flatMap((row) =>
    (['negative', 'positive'] as const).map((sentiment) => ({
      day: row.dt ?? '',
      sentiment,
      share: Number(row[sentiment] ?? 0) / Math.max(1, Number(row.tweets ?? 0)),
      low: Number(row[`${sentiment}_low`] ?? 0),
      high: Number(row[`${sentiment}_high`] ?? 0),
    })),
  );
  return (
    <Chart
      about="Shares of negative and positive tweets by day with their intervals; the table below has the numbers"
      again={[result]}
      make={(width) => ({
        height: 200,
        color: sentimentColours(),
        x: dayAxis(width, result.rows.length),
        y: { percent: true, label: 'share and interval (%)', grid: true },
        marks: [
          Plot.ruleX(shares, { x: 'day', y1: 'low', y2: 'high', stroke: 'sentiment' }),
          Plot.dot(shares, { x: 'day', y: 'share', fill: 'sentiment', r: 4 }),
        ],
      })}
    />
  );
}

/** Who judged the tweets of these days. */
function Judges({ result }: { result: Result }) {
  const rows = recordsOf(result);
  const sum = (name: string) => rows.reduce((total, row) => total + Number(row[name] ?? 0), 0);
  const all = Math.max(1, sum('tweets'));
  return (
    <p>
      Judged by people {percent(sum('by_people') / all)}, by the model{' '}
      {percent(sum('by_model') / all)}, by the lexicon {percent(sum('by_lexicon') / all)}.
    </p>
  );
}

function Stock() {
  const asked = useGet<LakeView>('/api/lake');
  return (
    <Shown asked={asked} what="the lake">
      {({ prefixes, quarantine, gaps, open }) => (
        <>
          <h2>What lies where</h2>
          <Table
            about="Objects and bytes by prefix"
            rows={prefixes}
            columns={[
              { name: 'prefix', isShort: true, of: ({ prefix }) => <code>{prefix}</code> },
              {
                name: 'objects',
                isNumber: true,
                of: ({ objects, isCut, problem }) =>
                  problem ?? `${isCut ? 'more than ' : ''}${count(objects)}`,
              },
              {
                name: 'bytes',
                isNumber: true,
                of: ({ bytes, isCut, problem }) =>
                  problem === null ? `${isCut ? 'more than ' : ''}${size(bytes)}` : '',
              },
            ]}
          />
          <h2>What did not get in</h2>
          {quarantine.length === 0 ? (
            <p>Nothing lies in quarantine.</p>
          ) : (
            <Table
              about="Records in quarantine by reason"
              rows={quarantine}
              columns={[
                { name: 'reason', of: ({ reason }) => <Quoted text={reason} /> },
                { name: 'records', isNumber: true, of: ({ records }) => count(records) },
              ]}
            />
          )}
          <h2>Gaps and open windows</h2>
          {gaps.length + open.length === 0 ? (
            <p>The newest ingest left no gap and no open window.</p>
          ) : (
            <Table
              about="Gaps and open windows of the newest ingest"
              rows={[
                ...gaps.map((one) => ({ ...one, what: 'gap' })),
                ...open.map((one) => ({ ...one, what: 'open' })),
              ]}
              columns={[
                { name: 'what', of: ({ what }) => what },
                { name: 'query', of: ({ query }) => query },
                { name: 'from', of: ({ from }) => from ?? 'unknown' },
                { name: 'until', of: ({ until }) => until ?? 'unknown' },
                { name: 'why', of: ({ reason }) => harmless(reason) },
              ]}
            />
          )}
        </>
      )}
    </Shown>
  );
}

/** The named questions and a box for SQL, with the result as a table and a download. */
export function Ask() {
  const questions = useGet<Question[]>('/api/questions');
  const [answer, setAnswer] = useState<Result | null>(null);
  const [problem, setProblem] = useState('');
  const [busy, setBusy] = useState(false);
  const run = (path: string, body: unknown) => {
    setProblem('');
    setBusy(true);
    post<Result>(path, body)
      .then(setAnswer, (error: unknown) =>
        setProblem(error instanceof Error ? error.message : String(error)),
      )
      .finally(() => setBusy(false));
  };
  return (
    <section>
      <h1>Ask</h1>
      <Shown asked={questions} what="the questions">
        {(known) => <Questions known={known} run={run} />}
      </Shown>
      <Box run={run} />
      <div aria-live="polite">
        {busy && <p class="quiet">Athena is working …</p>}
        {problem !== '' && (
          <p class="wrong" role="alert">
            {harmless(problem)}
          </p>
        )}
        {answer !== null && !busy && problem === '' && (
          <>
            <h2>{count(answer.rows.length)} rows</h2>
            <Download result={answer} />
            {answer.rows.length === 0 ? (
              <Empty result={answer} />
            ) : (
              <ResultTable about="Result" result={answer} />
            )}
          </>
        )}
      </div>
    </section>
  );
}

function Questions({
  known,
  run,
}: {
  known: readonly Question[];
  run: (path: string, body: unknown) => void;
}) {
  const [name, setName] = useState(known[0]?.name ?? '');
  const [values, setValues] = useState<Record<string, string>>({});
  const question = known.find((one) => one.name === name);
  return (
    <form
      class="panel"
      onSubmit={(event) => {
        event.preventDefault();
        const names = new Set(question?.parameters.map((one) => one.name));
        run(`/api/questions/${name}`, {
          values: Object.fromEntries(Object.entries(values).filter(([key]) => names.has(key))),
        });
      }}
    >
      <label>
        question{' '}
        <select value={name} onChange={(event) => setName(event.currentTarget.value)}>
          {known.map((one) => (
            <option value={one.name}>{one.title}</option>
          ))}
        </select>
      </label>
      {question?.parameters
        .filter((one) => one.name !== 'languages')
        .map((one) => (
          <label>
            {one.name}{' '}
            <input
              type="text"
              placeholder={one.default ?? one.type}
              value={values[one.name] ?? ''}
              onInput={(event) => setValues({ ...values, [one.name]: event.currentTarget.value })}
            />
          </label>
        ))}
      <button type="submit" class="main">
        Ask
      </button>
    </form>
  );
}

function Box({ run }: { run: (path: string, body: unknown) => void }) {
  const [sql, setSql] = useState(
    'select dt, count(*) as tweets\nfrom tweets\ngroup by dt\norder by dt',
  );
  return (
    <form
      class="panel"
      onSubmit={(event) => {
        event.preventDefault();
        run('/api/sql', { sql });
      }}
    >
      <label>
        Athena SQL, run as the analyst
        <textarea
          rows={5}
          spellcheck={false}
          value={sql}
          onInput={(event) => setSql(event.currentTarget.value)}
        />
      </label>
      <button type="submit" class="main">
        Run
      </button>
    </form>
  );
}

function Download({ result }: { result: Result }) {
  const save = () =>
    saveAs(new Blob(['\ufeff', csvOf(result)], { type: 'text/csv' }), 'result.csv');
  return (
    <button type="button" onClick={save}>
      Download CSV
    </button>
  );
}
