import { z } from 'zod';
import type { Session } from '../../session/session';
import type { Workspace } from '../../session/workspace';
import { Label } from '../../workflows/evaluation';
import { RunRequest } from '../../workflows/payloads';
import { compareTwo } from '../compare-models';
import { redrive, startRunNamed, stop } from './acts';
import { Labelling } from './labels';
import { showLabelsNeeded } from './labels-needed';
import { listQuestions, runStatement } from './lake';
import { Lexicon } from './lexicon';
import { tryText } from './model';
import { readingRoutes, type ReadingOptions } from './reading-routes';
import { take, type Route } from './route';

const Sql = z.strictObject({ sql: z.string().min(1).max(262_144) });
const Text = z.strictObject({ text: z.string().trim().min(1).max(10_000) });
const Named = z.strictObject({ name: z.string() });
const Given = z.strictObject({ hash: z.string(), label: z.union([Label, z.literal('skip')]) });
const Start = z.strictObject({ input: z.unknown() });

export interface RoutesOptions extends ReadingOptions {
  /** Called before a nightly run is started: the demonstration's labels come then. */
  beforeNightly?: () => Promise<void>;
}

/** Every answer the page can get. */
export function routesOf(
  lake: Pick<Workspace, 'signal' | 'root'>,
  session: Session,
  { beforeNightly, ...reading }: RoutesOptions,
): Route[] {
  const labelling = new Labelling(lake, session);
  const lexicon = new Lexicon(lake);
  return [
    ...readingRoutes(lake, session, reading),
    {
      method: 'GET',
      path: /^\/api\/form$/,
      answer: async () => z.toJSONSchema(RunRequest, { io: 'input' }),
    },
    { method: 'GET', path: /^\/api\/questions$/, answer: async () => listQuestions() },
    {
      method: 'POST',
      path: /^\/api\/sql$/,
      answer: (_, body) => runStatement(lake, session, take(Sql, body).sql),
    },
    {
      method: 'GET',
      path: /^\/api\/compare\/([\w-]+)\/([\w-]+)$/,
      answer: ([first = '', second = '']) => compareTwo(lake, session, [first, second]),
    },
    { method: 'GET', path: /^\/api\/labels\/needed$/, answer: () => showLabelsNeeded(session) },
    {
      method: 'POST',
      path: /^\/api\/lexicon$/,
      answer: (_, body) => lexicon.says(take(Text, body).text),
    },
    {
      method: 'POST',
      path: /^\/api\/predict$/,
      answer: (_, body) => tryText(session, take(Text, body).text),
    },
    { method: 'GET', path: /^\/api\/labels$/, answer: () => labelling.next() },
    {
      method: 'POST',
      path: /^\/api\/labels$/,
      acts: true,
      answer: (_, body) => labelling.answer(take(Given, body)),
    },
    {
      method: 'POST',
      path: /^\/api\/start$/,
      acts: true,
      answer: async (_, body) => ({
        name: await startRunNamed(session, take(Start, body).input, beforeNightly),
      }),
    },
    {
      method: 'POST',
      path: /^\/api\/redrive$/,
      acts: true,
      answer: async (_, body) => {
        const { name } = take(Named, body);
        await redrive(session, name);
        return { name };
      },
    },
    {
      method: 'POST',
      path: /^\/api\/stop$/,
      acts: true,
      answer: async (_, body) => {
        const { name } = take(Named, body);
        await stop(session, name);
        return { name };
      },
    },
  ];
}
