import { z } from 'zod';
import type { Overview } from '../../console/contract';
import { readChampion } from '../../functions/model/champion';
import { explain } from '../../functions/shared/explain';
import type { Session } from '../../session/session';
import type { Workspace } from '../../session/workspace';
import { Label } from '../../workflows/evaluation';
import { RunRequest } from '../../workflows/payloads';
import { provenance } from '../report/figures';
import { compareTwo } from '../compare-models';
import { showAudit } from './audit';
import { Refused } from './door';
import { showDrift } from './drift';
import { Labelling } from './labels';
import { showLabelsNeeded } from './labels-needed';
import { answerQuestion, listQuestions, runStatement, showLake } from './lake';
import { Lexicon } from './lexicon';
import { listModels, showModel, tryText } from './model';
import { bucketOf } from './objects';
import { showOpinions } from './opinions';
import { listRuns, readMachine, redrive, showRun, startRunNamed, stop } from './runs';

export interface Route {
  method: 'GET' | 'POST';
  /** Its groups are the parameters. */
  path: RegExp;
  /** Whether it changes something; refused unless `mayAct`. */
  acts?: boolean;
  answer: (parameters: readonly string[], body: unknown) => Promise<unknown>;
}

const Sql = z.strictObject({ sql: z.string().min(1).max(262_144) });
const Values = z.strictObject({ values: z.record(z.string(), z.string()) });
const Text = z.strictObject({ text: z.string().trim().min(1).max(10_000) });
const Named = z.strictObject({ name: z.string() });
const Given = z.strictObject({ hash: z.string(), label: z.union([Label, z.literal('skip')]) });
const Start = z.strictObject({ input: z.unknown() });

function take<Schema extends z.ZodType>(schema: Schema, body: unknown): z.output<Schema> {
  const parsed = schema.safeParse(body);
  if (!parsed.success) throw new Refused(400, explain(parsed.error, body, 'the request'));
  return parsed.data;
}

export interface RoutesOptions {
  /** Whether the page may start, stop and redrive runs and store labels. */
  mayAct: boolean;
  /** `this machine`, or the account with its region. */
  place: string;
  /** Called before a nightly run is started: the demonstration's labels come then. */
  beforeNightly?: () => Promise<void>;
}

/** Where a lake is, in words: `this machine`, or the region of the account. */
export const placeOf = ({ environment, region }: Session): string =>
  environment === 'local' ? 'this machine' : region;

/** Every answer the page can get; `GET` answers are also what a frozen page keeps. */
export function routesOf(
  lake: Pick<Workspace, 'signal' | 'root'>,
  session: Session,
  { mayAct, place, beforeNightly }: RoutesOptions,
): Route[] {
  const labelling = new Labelling(lake, session);
  const lexicon = new Lexicon(lake);
  return [
    {
      method: 'GET',
      path: /^\/api\/overview$/,
      answer: async (): Promise<Overview> => ({
        environment: session.environment,
        place,
        mayAct,
        usesXStub: session.usesXStub,
        provenance: session.usesXStub ? provenance : null,
        modelInService: (await readChampion(bucketOf(session)))?.value.modelVersion ?? null,
        isFrozen: false,
      }),
    },
    { method: 'GET', path: /^\/api\/runs$/, answer: () => listRuns(session) },
    {
      method: 'GET',
      path: /^\/api\/runs\/([\w.-]+)$/,
      answer: ([name = '']) => showRun(session, name),
    },
    { method: 'GET', path: /^\/api\/machine$/, answer: () => readMachine(session) },
    {
      method: 'GET',
      path: /^\/api\/form$/,
      answer: async () => z.toJSONSchema(RunRequest, { io: 'input' }),
    },
    { method: 'GET', path: /^\/api\/questions$/, answer: async () => listQuestions() },
    {
      method: 'POST',
      path: /^\/api\/questions\/([a-z_]+)$/,
      answer: ([name = ''], body) => answerQuestion(lake, session, name, take(Values, body).values),
    },
    {
      method: 'POST',
      path: /^\/api\/sql$/,
      answer: (_, body) => runStatement(lake, session, take(Sql, body).sql),
    },
    { method: 'GET', path: /^\/api\/opinions$/, answer: () => showOpinions(lake, session) },
    { method: 'GET', path: /^\/api\/lake$/, answer: () => showLake(session) },
    { method: 'GET', path: /^\/api\/models$/, answer: () => listModels(session) },
    {
      method: 'GET',
      path: /^\/api\/models\/([\w-]+)$/,
      answer: ([version = '']) => showModel(session, version),
    },
    { method: 'GET', path: /^\/api\/drift$/, answer: () => showDrift(bucketOf(session)) },
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
      method: 'GET',
      path: /^\/api\/audit\/([\w-]+)$/,
      answer: ([version = '']) => showAudit(session, version),
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
