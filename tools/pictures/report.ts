import { isFailed } from '../../workflows/evaluation';
import { sentimentChart } from '../../cli/report/charts';
import { signed } from '../../cli/run/stages';
import type { RunFigures } from './figures';
import { picture, text, wrapped } from './svg';

const width = 820;
const left = 30;
const right = width - 30;

/** The x coordinate of a difference in points of macro recall, between -10 and +10. */
const scale = (points: number): number => 390 + (Math.max(-10, Math.min(10, points)) / 10) * 170;

/** The chart and the gate of a run's report, from the figures of a real run. */
export function reportPicture({ execution, tookSeconds, days, gate }: RunFigures): string {
  const chartHeight = days.length * 34;
  const chart = sentimentChart(days).replace(
    '<svg ',
    `<svg x="${left}" y="104" width="760" height="${chartHeight}" `,
  );
  const took = `${Math.floor(tookSeconds / 60)} min ${tookSeconds % 60} s`;
  const parts = [
    text(left, 42, execution, 'title'),
    text(right, 42, `succeeded in ${took}`, 'good strong', 'end'),
    text(left, 76, 'Sentiment by day', 'strong'),
    text(left + 628, 94, 'average', 'small quiet'),
    text(left + 746, 94, 'tweets', 'small quiet', 'end'),
    text(left + 96, 94, 'red negative · grey neutral · green positive', 'small quiet'),
    chart,
  ];
  let y = 104 + chartHeight + 44;
  parts.push(
    text(
      left,
      y,
      `The gate: is the new model better? (${gate.heldOutRows ?? 0} held-out tweets)`,
      'strong',
    ),
    text(
      right,
      y,
      gate.promote ? 'yes, promoted' : 'no, rejected',
      `strong ${gate.promote ? 'good' : 'bad'}`,
      'end',
    ),
  );
  for (const reason of gate.reasons) {
    // A reason without a result is a remark and not a rule. Runs up to 484cd63 say `kept` and `BROKEN`.
    const [, sentence] = /^(?:kept|passed|BROKEN|failed): (.*)$/s.exec(reason) ?? [];
    if (sentence === undefined) continue;
    const good = !isFailed(reason);
    y += 14;
    parts.push(`<line class="rule" x1="${left}" x2="${right}" y1="${y}" y2="${y}"/>`);
    y += 20;
    parts.push(
      text(right, y, good ? 'passed' : 'failed', `strong ${good ? 'good' : 'bad'}`, 'end'),
    );
    wrapped(sentence, 98).forEach((line, index) => {
      if (index > 0) y += 17;
      parts.push(text(left, y, line));
    });
  }
  const differences = [
    { name: 'new model − champion', found: gate.minusChampion },
    { name: 'new model − lexicon', found: gate.minusLexicon },
  ].flatMap(({ name, found }) => (found === null ? [] : [{ name, ...found }]));
  y += 40;
  const topOfAxis = y - 12;
  for (const { name, value, low, high } of differences) {
    y += 8;
    parts.push(
      text(left, y, name),
      `<line class="bar" stroke-width="3" x1="${scale(low * 100)}" x2="${scale(high * 100)}" y1="${y - 4}" y2="${y - 4}"/>`,
      `<circle class="dot" cx="${scale(value * 100)}" cy="${y - 4}" r="5"/>`,
      text(right, y, `${signed(value)} points [${signed(low)}, ${signed(high)}]`, '', 'end'),
    );
    y += 20;
  }
  parts.push(
    `<line class="rule" x1="${scale(0)}" x2="${scale(0)}" y1="${topOfAxis}" y2="${y - 6}" stroke-width="1.5"/>`,
    text(scale(0), y + 8, 'no difference', 'small quiet', 'middle'),
    text(scale(-10), y + 8, '−10', 'small quiet', 'middle'),
    text(scale(10), y + 8, '+10 points of macro recall', 'small quiet', 'middle'),
  );
  return picture(
    width,
    y + 28,
    'A run’s report: sentiment by day, and the rules of the gate',
    parts,
  );
}
