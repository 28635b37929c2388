import { labels } from '../../workflows/evaluation';
import type { Stage } from '../run/timeline';
import { seconds } from '../screen';
import type { DaySentiment } from './figures';

export const escapeHtml = (text: string): string =>
  text.replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`);

const colours = { negative: '#c2483d', neutral: '#b9bdc4', positive: '#3c8d5a' };

/** A day's average sentiment: `+0.12`, `−0.30`. */
export const describeAverage = (value: number): string =>
  `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(2)}`;

/** Stacked bars, a row per day: share of each sentiment, its average, its count. */
export function sentimentChart(days: readonly DaySentiment[]): string {
  const row = 34;
  const left = 96;
  const width = 520;
  const rows = days.map((day, index) => {
    const y = index * row;
    const sum = Math.max(1, day.negative + day.neutral + day.positive);
    let x = left;
    const parts = labels.map((label) => {
      const length = (day[label] / sum) * width;
      const rect = `<rect x="${x.toFixed(1)}" y="${y + 6}" width="${length.toFixed(1)}" height="22" fill="${colours[label]}"><title>${day[label]} ${label}</title></rect>`;
      x += length;
      return rect;
    });
    return (
      `<text x="0" y="${y + 22}">${escapeHtml(day.day)}</text>${parts.join('')}` +
      `<text x="${left + width + 12}" y="${y + 22}">${describeAverage(day.average)}</text>` +
      `<text x="${left + width + 130}" y="${y + 22}" text-anchor="end" class="quiet">${day.tweets.toLocaleString('en-US')}</text>`
    );
  });
  return `<svg viewBox="0 0 760 ${Math.max(1, days.length) * row}" role="img" aria-label="Sentiment by day">${rows.join('')}</svg>`;
}

/** A bar per stage, from its start to its end, along the time of the run. */
export function timelineChart(stages: readonly Stage[]): string {
  const row = 26;
  const left = 200;
  const width = 430;
  const start = Math.min(...stages.map(({ startedAt }) => startedAt));
  const end = Math.max(...stages.map(({ startedAt, endedAt }) => endedAt ?? startedAt));
  const scale = width / Math.max(1, end - start);
  const rows = stages.map((stage, index) => {
    const y = index * row;
    const took = (stage.endedAt ?? stage.startedAt) - stage.startedAt;
    const x = left + (stage.startedAt - start) * scale;
    const length = Math.max(2, took * scale);
    const fill = stage.status === 'failed' ? colours.negative : '#4a6fa5';
    return (
      `<text x="0" y="${y + 17}">${escapeHtml(stage.name)}</text>` +
      `<rect x="${x.toFixed(1)}" y="${y + 5}" width="${length.toFixed(1)}" height="16" rx="2" fill="${fill}"><title>${escapeHtml(stage.text)}</title></rect>` +
      `<text x="760" y="${y + 17}" text-anchor="end" class="quiet">${seconds(took)}</text>`
    );
  });
  return `<svg viewBox="0 0 760 ${Math.max(1, stages.length) * row}" role="img" aria-label="Timeline of the states">${rows.join('')}</svg>`;
}
