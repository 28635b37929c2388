import { describeBacklog } from '../../functions/report/looks';
import { dollars, total } from '../costs/money';
import { seconds } from '../screen';
import { escapeHtml, sentimentChart, timelineChart } from './charts';
import { provenance, type ReportData } from './figures';

const style = `
  :root { color-scheme: light dark; --ink: #20242b; --quiet: #6b7280; --paper: #fbfbfa; --line: #e3e4e6; }
  @media (prefers-color-scheme: dark) { :root { --ink: #e5e7eb; --quiet: #9ca3af; --paper: #17191d; --line: #33363c; } }
  body { margin: 0 auto; max-width: 60rem; padding: 2.5rem 1.5rem 4rem; background: var(--paper); color: var(--ink);
    font: 15px/1.55 system-ui, sans-serif; }
  h1 { font-size: 1.7rem; margin: 0 0 .3rem; } h2 { font-size: 1.1rem; margin: 2.4rem 0 .8rem; }
  p { margin: .4rem 0; } .quiet { color: var(--quiet); fill: var(--quiet); }
  .status { display: inline-block; padding: .1rem .6rem; border-radius: 1rem; color: #fff; background: #3c8d5a; font-size: .85rem; }
  .status.bad { background: #c2483d; }
  svg { width: 100%; height: auto; } svg text { fill: var(--ink); font: 13px system-ui, sans-serif; } svg .quiet { fill: var(--quiet); }
  table { border-collapse: collapse; width: 100%; } td, th { padding: .35rem .8rem .35rem 0; border-bottom: 1px solid var(--line);
    text-align: left; vertical-align: top; } td.number { text-align: right; padding-right: 0; font-variant-numeric: tabular-nums; white-space: nowrap; }
  pre { background: color-mix(in srgb, var(--line) 45%, transparent); padding: .8rem 1rem; border-radius: .4rem; overflow-x: auto; white-space: pre-wrap; }
  .wrong { color: #c2483d; }
  h1, p, pre, td, span, text { unicode-bidi: isolate; }
`;

const section = (title: string, body: string): string =>
  body === '' ? '' : `<h2>${title}</h2>\n${body}`;

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  if (rows.length === 0) return '';
  const cells = rows.map((row) => `<tr>${row.join('')}</tr>`).join('\n');
  return `<table><thead><tr>${head.map((name) => `<th>${name}</th>`).join('')}</tr></thead><tbody>${cells}</tbody></table>`;
}

const cell = (text: string, className?: string): string =>
  `<td${className ? ` class="${className}"` : ''}>${escapeHtml(text)}</td>`;

const instant = (millis: number): string =>
  new Date(millis).toISOString().slice(0, 19).replace('T', ' ');

/** Tweets by query, gaps, and windows that are still open. */
function ingestSections({ ingest }: ReportData): string {
  if (ingest === null) return '';
  const number = (value: number) => cell(value.toLocaleString('en-US'), 'number');
  const queries = table(
    ['query', 'received', 'written', 'duplicates', 'quarantined', 'pages', 'window'],
    ingest.queries.map(({ name, complete, ...sums }) => [
      cell(name),
      ...[sums.received, sums.written, sums.duplicates, sums.quarantined, sums.pages].map(number),
      cell(complete ? 'complete' : 'open', complete ? undefined : 'wrong'),
    ]),
  );
  const stretches = (
    rows: readonly { query: string; from: string | null; until: string | null; reason: string }[],
  ) =>
    table(
      ['query', 'from', 'until', 'why'],
      rows.map(({ query, from, until, reason }) => [
        cell(query),
        cell(from ?? 'unknown'),
        cell(until ?? 'unknown'),
        cell(reason),
      ]),
    );
  const { month, posts, limit } = ingest.month;
  const spent = `In ${month} ${posts.toLocaleString('en-US')} posts were read at X${limit === null ? '' : ` of ${limit.toLocaleString('en-US')} that the settings allow`}.`;
  return [
    section('Tweets by query', queries === '' ? '' : `${queries}\n<p class="quiet">${spent}</p>`),
    section('Gaps: tweets that X no longer gives', stretches(ingest.gaps)),
    section('Still to be fetched', stretches(ingest.open)),
  ].join('\n');
}

/** Every measure of drift beside its limit, and why there is none. */
function driftSection({ drift }: ReportData): string {
  if (drift === undefined) return '';
  if (drift.status === 'NOT_COMPARED')
    return section('Drift', `<p class="quiet">Not compared: ${escapeHtml(drift.reason)}.</p>`);
  const { days, reference, modelVersion } = drift;
  const rows = drift.measures.map(({ name, value, limit, change }) => [
    cell(name, value !== null && value > limit ? 'wrong' : undefined),
    cell(value === null ? '' : value.toFixed(3), 'number'),
    cell(String(limit), 'number'),
    cell(change),
  ]);
  const spans = `The tweets of ${days.from} to ${days.to} beside those of ${reference.from} to ${reference.to}, which ${modelVersion} was trained on.`;
  return section(
    'Drift',
    `${table(['measure', 'value', 'limit', 'what changed most'], rows)}\n<p class="quiet">${escapeHtml(spans)}</p>`,
  );
}

/** The report of one run as one self-contained HTML file; `evaluation` is the file name of its model's evaluation. */
export function reportHtml(report: ReportData, evaluation: string | null = null): string {
  const good = report.status === 'SUCCEEDED';
  const stages = table(
    ['state', 'said', 'took'],
    report.stages.map(({ name, text, startedAt, endedAt, status }) => [
      cell(name),
      cell(text, status === 'failed' ? 'wrong' : undefined),
      cell(endedAt === null ? '' : seconds(endedAt - startedAt), 'number'),
    ]),
  );
  const contributors = table(
    ['sentiment', 'author', 'tweets'],
    report.contributors.map(({ sentiment, author, tweets }) => [
      cell(sentiment),
      cell(`@${author}`),
      cell(String(tweets), 'number'),
    ]),
  );
  const opinions = table(
    ['tweet', 'people', 'lexicon', 'model'],
    report.opinions.map(({ text, human, lexicon, model, confidence }) => [
      cell(text),
      cell(human),
      cell(lexicon, lexicon === human ? undefined : 'wrong'),
      cell(`${model} (${Math.round(confidence * 100)} %)`, model === human ? undefined : 'wrong'),
    ]),
  );
  const costs = table(
    ['service', 'how', 'US dollars'],
    [...report.aws, report.x].map(({ what, how, usd }) => [
      cell(what),
      cell(how),
      cell(usd.toFixed(4), 'number'),
    ]),
  );
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(report.execution)}</title>
<style>${style}</style>
</head>
<body>
<h1>${escapeHtml(report.execution)}</h1>
<p><span class="status${good ? '' : ' bad'}">${escapeHtml(report.status)}</span>
<span class="quiet">${instant(report.startedAt)} UTC, ${seconds(report.endedAt - report.startedAt)}${report.redrives > 0 ? `, redriven ${report.redrives} ×` : ''}</span></p>
<p>${escapeHtml(report.summary)}</p>
<p class="quiet">Model in service: ${escapeHtml(report.modelInService ?? 'none yet')}</p>
${report.stream ? `<p class="quiet">Stream: ${escapeHtml(describeBacklog(report.stream))}</p>` : ''}
${evaluation === null ? '' : `<p><a href="${escapeHtml(evaluation)}">How good the trained model is</a></p>`}
${section('What went wrong', report.failure.length === 0 ? '' : `<pre>${escapeHtml(report.failure.join('\n'))}</pre>`)}
${section('Sentiment by day', report.days.length === 0 ? '' : `${sentimentChart(report.days)}\n<p class="quiet">Red negative, grey neutral, green positive; average from −1 to +1; tweets.</p>`)}
${section('Who wrote most', contributors)}
${section('Three opinions', opinions)}
${section('The run', report.stages.length === 0 ? '' : `${timelineChart(report.stages)}\n${stages}`)}
${driftSection(report)}
${ingestSections(report)}
${section('What this run would cost', `${costs}\n<p class="quiet">AWS ${dollars(total(report.aws))} and X ${dollars(report.x.usd)}, from public list prices; ${report.usesXStub ? 'this run cost nothing' : 'X charges for real'}.</p>`)}
${report.usesXStub ? `<p class="quiet">${provenance}</p>` : ''}
</body>
</html>
`;
}
