import { z } from 'zod';
import { Refused } from './door';
import type { Route } from './routes';

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

const Overview = z.looseObject({ modelInService: z.string().nullable() });
const Records = z.looseObject({ records: z.array(z.object({ uri: z.string() })) });

/**
 * The answers that a file about one run needs, by what the page asks: the run, the lake as it is now, the models of the
 * run and in service. What cannot be answered is left out: the page says so in its place.
 */
export async function answersFor(
  routes: readonly Route[],
  run: string,
): Promise<Record<string, unknown>> {
  const answers: Record<string, unknown> = {};
  const get = async (path: string): Promise<unknown> => {
    const answer = await answered(routes, 'GET', path, undefined);
    if (answer !== undefined) answers[path] = answer;
    return answer;
  };
  const overview = Overview.parse(await get('/api/overview'));
  answers['/api/overview'] = { ...overview, isFrozen: true, mayAct: false };
  const view = await get(`/api/runs/${run}`);
  if (view === undefined) throw new Refused(404, `There is no run "${run}".`);
  for (const path of ['/api/runs', '/api/machine', '/api/lake', '/api/models']) await get(path);
  for (const path of ['/api/drift', '/api/labels/needed']) await get(path);
  for (const { name, values } of ASKED) {
    const path = `/api/questions/${name}`;
    const answer = await answered(routes, 'POST', path, { values });
    if (answer !== undefined) answers[`${path} ${JSON.stringify({ values })}`] = answer;
  }
  const made = (Records.safeParse(view).data?.records ?? []).flatMap(({ uri }) => {
    const [, version] = /\/model-outputs\/([\w-]+)\/evaluation\.json$/.exec(uri) ?? [];
    return version ?? [];
  });
  for (const version of new Set([...made, overview.modelInService ?? []].flat())) {
    await get(`/api/models/${version}`);
    await get(`/api/audit/${version}`);
  }
  return answers;
}

async function answered(
  routes: readonly Route[],
  method: Route['method'],
  path: string,
  body: unknown,
): Promise<unknown> {
  const route = routes.find((one) => one.method === method && one.path.test(path));
  const [, ...parameters] = route?.path.exec(path) ?? [];
  try {
    return await route?.answer(parameters, body);
  } catch {
    return undefined;
  }
}
