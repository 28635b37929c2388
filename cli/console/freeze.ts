import { z } from 'zod';
import { inTurn } from '../../console/page/turns';
import { describeRefused } from '../refused';
import { Refused } from './door';
import { frozenPage, type Page } from './page';
import type { Route } from './route';

/** Questions that the page asks by itself, with the values it gives. */
export const ASKED = [
  { name: 'daily_sentiment', values: {} },
  { name: 'sentiment_change', values: {} },
  { name: 'sentiment_by_query', values: {} },
  { name: 'rising_terms', values: {} },
  { name: 'rising_words', values: {} },
  { name: 'top_contributors', values: {} },
  { name: 'most_shared_negative', values: {} },
  { name: 'agreement_by_day', values: {} },
] as const;

/** What else a file holds, besides the run and its models. */
const KEPT = [
  '/api/runs',
  '/api/machine',
  '/api/lake',
  '/api/opinions',
  '/api/models',
  '/api/drift',
];

/** Answers by what the page asks for. */
export type Answers = Readonly<Record<string, unknown>>;

/** What could not be answered, and why. */
export interface Missing {
  path: string;
  why: string;
}

/** The key of a question's answer with its defaults: path and body, as the page sends them. */
export const questionKey = (name: string): string =>
  `/api/questions/${name} ${JSON.stringify({ values: {} })}`;

const Overview = z.looseObject({ modelInService: z.string().nullable() });
const Records = z.looseObject({ records: z.array(z.object({ uri: z.string() })) });

/**
 * The answers that a file about one run needs, by what the page asks: the run, the lake as it is now, the models of the
 * run and in service. What cannot be answered is left out and told as `missing`: the page says so in its place. Throws
 * Refused (404) if there is no such run.
 */
export async function answersFor(
  routes: readonly Route[],
  run: string,
): Promise<{ answers: Answers; missing: Missing[] }> {
  const answers: Record<string, unknown> = {};
  const missing: Missing[] = [];
  const ask = async (
    method: Route['method'],
    path: string,
    key = path,
    body?: unknown,
  ): Promise<unknown> => {
    const route = routes.find((one) => one.method === method && one.path.test(path));
    const [, ...parameters] = route?.path.exec(path) ?? [];
    try {
      answers[key] = await inTurn(async () => route?.answer(parameters, body));
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      missing.push({ path, why: describeRefused(error) ?? message });
    }
    return answers[key];
  };
  const [overview, view] = await Promise.all([
    ask('GET', '/api/overview').then((answer) => Overview.parse(answer)),
    ask('GET', `/api/runs/${run}`),
  ]);
  if (view === undefined) throw new Refused(404, `There is no run "${run}".`);
  answers['/api/overview'] = { ...overview, isFrozen: true, mayAct: false };
  const made = (Records.safeParse(view).data?.records ?? []).flatMap(({ uri }) => {
    const [, version] = /\/model-outputs\/([\w-]+)\/evaluation\.json$/.exec(uri) ?? [];
    return version ?? [];
  });
  const models = new Set([...made, overview.modelInService ?? []].flat());
  await Promise.all([
    ...KEPT.map((path) => ask('GET', path)),
    ...[...models].flatMap((version) => [
      ask('GET', `/api/models/${version}`),
      ask('GET', `/api/audit/${version}`),
    ]),
    ...ASKED.map(({ name, values }) =>
      ask('POST', `/api/questions/${name}`, questionKey(name), { values }),
    ),
  ]);
  return { answers, missing };
}

/** One run as one file that needs no server, opened at the run. */
export const frozenRun = (page: Page, run: string, answers: Answers): string =>
  frozenPage(page, { title: run, place: `#/runs/${run}`, answers });
