import { z } from 'zod';
import type { Overview } from '../../console/contract';
import { readChampion } from '../../functions/model/champion';
import type { Session } from '../../session/session';
import type { Workspace } from '../../session/workspace';
import { provenance } from '../report/figures';
import { showAudit } from './audit';
import { showDrift } from './drift';
import { answerQuestion, showLake } from './lake';
import { listModels, showModel } from './model';
import { readMachine } from './machine';
import { bucketOf } from './objects';
import { showOpinions } from './opinions';
import { take, type Route } from './route';
import { listRuns, showRun } from './runs';

const Values = z.strictObject({ values: z.record(z.string(), z.string()) });

export interface ReadingOptions {
  /** Whether the page may start, stop and redrive runs and store labels. */
  mayAct: boolean;
  /** `this machine`, or the account with its region. */
  place: string;
}

/** Where a lake is, in words: `this machine`, or the region of the account. */
export const placeOf = ({ environment, region }: Session): string =>
  environment === 'local' ? 'this machine' : region;

/**
 * What a file about a run is made of. Who may follow a run gets these answers: they read as AnalyticsRole, and change
 * nothing.
 */
export function readingRoutes(
  lake: Pick<Workspace, 'signal'>,
  session: Session,
  { mayAct, place }: ReadingOptions,
): Route[] {
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
      method: 'POST',
      path: /^\/api\/questions\/([a-z_]+)$/,
      answer: ([name = ''], body) => answerQuestion(lake, session, name, take(Values, body).values),
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
      path: /^\/api\/audit\/([\w-]+)$/,
      answer: ([version = '']) => showAudit(session, version),
    },
  ];
}
