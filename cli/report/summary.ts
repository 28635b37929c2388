import { paint as painted, type Colour } from '../../session/visible';
import { beyondLimit } from '../../functions/report/drift-measures';
import { isFailed, isPassed } from '../../workflows/evaluation';
import { describeBacklog } from '../../functions/report/looks';
import { dollars, total } from '../costs/money';
import { count, counted } from '../run/stages';
import { seconds } from '../screen';
import { provenance, type DaySentiment, type ReportData } from './figures';

/** A day's average sentiment: `+0.12`, `−0.30`. */
const describeAverage = (value: number): string =>
  `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(2)}`;

const barWidth = 40;
const paint = (code: Colour, text: string, colour: boolean): string =>
  colour ? painted(code, text) : text;

/** Splits `barWidth` cells by share, so that they always add up (largest remainder). */
export function cellsOf(parts: readonly number[], width = barWidth): number[] {
  const sum = parts.reduce((a, b) => a + b, 0);
  if (sum === 0) return parts.map(() => 0);
  const exact = parts.map((part) => (part / sum) * width);
  const cells = exact.map(Math.floor);
  const byRemainder = exact
    .map((value, index) => ({ index, rest: value % 1 }))
    .sort((a, b) => b.rest - a.rest);
  const missing = width - cells.reduce((a, b) => a + b, 0);
  for (const { index } of byRemainder.slice(0, missing)) cells[index] = (cells[index] ?? 0) + 1;
  return cells;
}

function bar({ negative, neutral, positive }: DaySentiment, colour: boolean): string {
  const [worse = 0, even = 0, better = 0] = cellsOf([negative, neutral, positive]);
  return (
    paint(31, (colour ? '█' : '-').repeat(worse), colour) +
    paint(90, (colour ? '█' : '.').repeat(even), colour) +
    paint(32, (colour ? '█' : '+').repeat(better), colour)
  );
}

function dayLines({ days }: ReportData, colour: boolean): string[] {
  if (days.length === 0) return [];
  return [
    '',
    `Sentiment by day (${paint(31, '- negative', colour)}, ${paint(90, '. neutral', colour)}, ${paint(32, '+ positive', colour)}; average from −1 to +1)`,
    ...days.map(
      (day) =>
        `  ${day.day}  ${bar(day, colour)}  ${describeAverage(day.average)}  ${counted(day.tweets, 'tweet').padStart(12)}`,
    ),
  ];
}

/** Who judged the tweets of these days. */
function judgeLines({ judges }: ReportData): string[] {
  const { people, model, lexicon } = judges;
  const sum = people + model + lexicon;
  if (sum === 0) return [];
  const share = (part: number) => `${Math.round((part / sum) * 100)} %`;
  return [`  Judged by people ${share(people)}, model ${share(model)}, lexicon ${share(lexicon)}`];
}

/** Runs whose models are listed. */
const shownModels = 8;

/** Macro recall by run: who was promoted, and why another was not. */
function modelLines({ models }: ReportData, colour: boolean): string[] {
  if (models.length === 0) return [];
  return [
    '',
    'Macro recall by run, on the held-out rows of that run',
    ...models
      .slice(-shownModels)
      .map(({ execution, macroRecall, promoted, inService, because }) => {
        const recall = macroRecall === null ? '   –' : (macroRecall * 100).toFixed(1).padStart(5);
        const how = promoted
          ? paint(32, inService ? 'promoted, in service' : 'promoted', colour)
          : (because ?? 'refused');
        return `  ${execution.padEnd(26)} ${recall}  ${how}`;
      }),
  ];
}

function contributorLines({ contributors }: ReportData): string[] {
  const lines = (['positive', 'negative'] as const).flatMap((sentiment) => {
    const names = contributors
      .filter((contributor) => contributor.sentiment === sentiment)
      .slice(0, 5)
      .map(({ author, tweets }) => `@${author} ${count(tweets)}`);
    return names.length === 0 ? [] : [`  ${sentiment.padEnd(9)} ${names.join(', ')}`];
  });
  return lines.length === 0 ? [] : ['', 'Who wrote most', ...lines];
}

function opinionLines({ opinions }: ReportData): string[] {
  if (opinions.length === 0) return [];
  return [
    '',
    'Three opinions',
    ...opinions.flatMap(({ text, human, lexicon, model, confidence }) => [
      `  “${text}”`,
      `     people ${human}, lexicon ${lexicon}, model ${model} (${Math.round(confidence * 100)} %)` +
        (model === human ? '' : ': the model is wrong'),
    ]),
  ];
}

/** How many rules of the gate passed, and which did not. */
function gateLines({ gate }: ReportData): string[] {
  if (gate === undefined) return [];
  const passed = gate.filter(isPassed).length;
  const failed = gate.filter(isFailed);
  return [
    `Gate: ${passed} of ${counted(passed + failed.length, 'rule')} passed`,
    ...failed.map((reason) => `  ${reason}`),
  ];
}

/** The stream and drift, each in a line; nothing for runs of older releases. */
function lookLines({ drift, stream }: ReportData): string[] {
  const beyond = drift ? beyondLimit(drift) : [];
  const compared =
    drift === undefined
      ? []
      : drift.status === 'NOT_COMPARED'
        ? [`Drift: not compared, ${drift.reason}`]
        : beyond.length === 0
          ? [`Drift: none${leftOut(drift.measures)}`]
          : beyond.map(({ name, change }) => `Drift: ${name}, ${change}`);
  return [...(stream ? [`Stream: ${describeBacklog(stream)}`] : []), ...compared];
}

/** `; 2 of 10 measures had too few tweets` */
function leftOut(measures: readonly { value: number | null }[]): string {
  const few = measures.filter(({ value }) => value === null).length;
  return few === 0 ? '' : `; ${few} of ${measures.length} measures had too few tweets`;
}

/** The lines printed after a successful run. */
export function summaryLines(
  report: ReportData,
  paths: { report: string },
  colour: boolean,
): string[] {
  const x =
    report.x.usd === 0
      ? 'nothing'
      : `${dollars(report.x.usd)}${report.usesXStub ? ' if the tweets came from X' : ''} (${report.x.how})`;
  return [
    ...dayLines(report, colour),
    ...judgeLines(report),
    ...modelLines(report, colour),
    ...contributorLines(report),
    ...opinionLines(report),
    '',
    `This run on AWS: about ${dollars(total(report.aws))}; at X: ${x}.`,
    ...(report.usesXStub ? [provenance] : []),
    '',
    `${report.execution} ${report.status} in ${seconds(report.endedAt - report.startedAt)}`,
    `Model in service: ${report.modelInService ?? 'none yet'}`,
    ...gateLines(report),
    ...lookLines(report),
    `Report: ${paths.report}`,
  ];
}

export const nextCommands = [
  'Next:  npm start                                  the next run: new tweets, and a champion to beat',
  '       npm run lake -- predict "what a day!"      ask the model in service',
  '       npm run lake -- query top_contributors     who wrote most',
  '       npm run lake -- retrain                    train again on the data of the lake',
  '       npm run up                                 keep the lake up for any AWS client',
];

/** After a run where no console stays up. */
export const consoleHint = (succeeded: boolean): string =>
  succeeded
    ? '       npm run console                            runs, lake and model in a page of your browser'
    : 'In a page of your browser: npm run console';
