import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { z } from 'zod';

const Difference = z.object({ value: z.number(), low: z.number(), high: z.number() });
const Gate = z.object({
  promote: z.boolean(),
  reasons: z.array(z.string()).min(1),
  heldOutRows: z.number().nullable(),
  minusChampion: Difference.nullable(),
  minusLexicon: Difference.nullable(),
});

/** The counts of a real run for the report's picture, without texts or authors of tweets. */
export const RunFigures = z.object({
  execution: z.string(),
  tookSeconds: z.number(),
  days: z.array(
    z.object({
      day: z.string(),
      negative: z.number(),
      neutral: z.number(),
      positive: z.number(),
      average: z.number(),
      tweets: z.number(),
    }),
  ),
  gate: Gate,
});
export type RunFigures = z.infer<typeof RunFigures>;

const Event = z.looseObject({
  timestamp: z.string(),
  stateExitedEventDetails: z.looseObject({ output: z.string().optional() }).optional(),
});

/** The gate's decisions in a state's output, under any key. */
function gateIn(output: string): z.infer<typeof Gate>[] {
  const state = z.looseObject({}).safeParse(JSON.parse(output));
  return Object.values(state.data ?? {}).flatMap((value) => Gate.safeParse(value).data ?? []);
}

/** The days in the chart of report.html, the only file of a run's folder that has them. */
function daysIn(html: string): RunFigures['days'] {
  const [chart = ''] = /<svg[^>]*aria-label="Sentiment by day">.*?<\/svg>/s.exec(html) ?? [];
  return chart
    .split(/(?=<text x="0")/)
    .slice(1)
    .map((row) => {
      const count = (label: string) =>
        Number(new RegExp(`<title>(\\d+) ${label}</title>`).exec(row)?.[1] ?? Number.NaN);
      const [day = '', average = '', tweets = ''] = [...row.matchAll(/>([^<>]+)<\/text>/g)].map(
        ([, content = '']) => content,
      );
      return {
        day,
        negative: count('negative'),
        neutral: count('neutral'),
        positive: count('positive'),
        average: Number(average.replace('−', '-')),
        tweets: Number(tweets.replace(',', '')),
      };
    });
}

/** Reads the figures of the run whose folder this is (`.lake/runs/<execution>`). Throws Error when the run trained no model. */
export function figuresOf(folder: string): RunFigures {
  const events = z
    .array(Event)
    .parse(JSON.parse(readFileSync(join(folder, 'history.json'), 'utf8')));
  const gate = events
    .flatMap(({ stateExitedEventDetails: details }) => gateIn(details?.output ?? '{}'))
    .at(-1);
  if (gate === undefined)
    throw new Error(
      `${folder}/history.json has no decision of the gate: take a run that trained a model.`,
    );
  const times = events.map(({ timestamp }) => Date.parse(timestamp));
  return RunFigures.parse({
    execution: basename(folder),
    tookSeconds: Math.round((Math.max(...times) - Math.min(...times)) / 1000),
    days: daysIn(readFileSync(join(folder, 'report.html'), 'utf8')),
    gate,
  });
}
