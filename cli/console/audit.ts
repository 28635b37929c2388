import { z } from 'zod';
import type { AuditView } from '../../console/contract';
import { getJson, getText, objectsBelow, uriOf } from '../../functions/lake/objects';
import { jsonOf } from '../../functions/lake/unpack';
import { readChampion } from '../../functions/model/champion';
import { describeMark, readForgottenMark } from '../../functions/model/forgotten-mark';
import { modelKeys } from '../../functions/model/names';
import { registeredModel } from '../../functions/model/registry';
import {
  ArchivedExecution,
  archiveFolder,
  lastEnds,
} from '../../functions/report/archived-execution';
import type { Session } from '../../session/session';
import { registryOf } from '../models';
import { executionName } from '../run/follow';
import { claimed, storedRow, type Starter } from '../run/starter';
import { Refused } from './door';
import { Version } from './model';
import { bucketOf } from './objects';
import { starterView } from './runs';

const Rows = z.object({ rows: z.number() });

/** What a manifest says of its model's origin. Parts that an older release did not write are left out. */
const Origin = z.object({
  request: z.object({
    execution_arn: z.string(),
    cleaned_data: z
      .array(z.object({ date: z.string(), version: z.string(), rows: z.number() }))
      .default([]),
    labels: z.array(z.object({ uri: z.string(), etag: z.string() })).default([]),
    git: z.object({ commit: z.string(), dirty: z.boolean() }).optional(),
    images: z.object({ training: z.string(), serving: z.string() }).optional(),
  }),
  rows: z.object({ train: Rows, validation: Rows, test: Rows }).optional(),
});

/** An execution that the lake still knows. */
interface Known {
  startedAt: Date;
  starter: Starter;
  historyUri: string;
}

/**
 * Who made a model, of which tweets, labels and code, and who decided on it: from its manifest, its registration and
 * the rows of the executions. Reads as AnalyticsRole. Throws Refused (404) for what is no model's version.
 */
export async function showAudit(session: Session, version: string): Promise<AuditView> {
  if (!Version.safeParse(version).success)
    throw new Refused(404, `"${version}" is not a model's version.`);
  const bucket = bucketOf(session);
  const [text, champion, registered, mark] = await Promise.all([
    getText(bucket, modelKeys(version).manifest),
    readChampion(bucket),
    registeredModel(registryOf(session), version),
    readForgottenMark(bucket, version),
  ]);
  if (text === null && registered === null)
    throw new Refused(
      404,
      `There is no model "${version}": it has no manifest and no registration.`,
    );
  const origin = originIn(text?.text);
  const trainedBy = origin && executionName(origin.request.execution_arn);
  const decidedBy = registered && executionName(registered.execution);
  const [training, decision] = await Promise.all([
    trainedBy ? known(session, trainedBy) : null,
    decidedBy ? known(session, decidedBy) : null,
  ]);
  const { train, validation, test } = origin?.rows ?? {};
  return {
    version,
    inService: champion?.value.modelVersion === version,
    trained:
      trainedBy && training
        ? {
            execution: trainedBy,
            startedAt: training.startedAt.valueOf(),
            startedBy: starterView(training.starter),
          }
        : null,
    decided:
      registered && decidedBy
        ? {
            decision: registered.approval === 'Approved' ? 'promoted' : 'refused',
            at: Date.parse(registered.decidedAt),
            execution: decidedBy,
            startedBy: decision && starterView(decision.starter),
          }
        : null,
    commit: origin?.request.git?.commit ?? registered?.gitCommit ?? null,
    isDirty: origin?.request.git?.dirty ?? false,
    images: origin?.request.images ?? null,
    days: origin?.request.cleaned_data ?? [],
    labels: origin?.request.labels ?? [],
    labelRows:
      train && validation && test
        ? { train: train.rows, validation: validation.rows, heldOut: test.rows }
        : null,
    forgotten: mark && describeMark(mark),
    records: [
      ...(text ? [{ what: 'manifest', uri: uriOf(bucket, modelKeys(version).manifest) }] : []),
      { what: 'evaluation', uri: uriOf(bucket, modelKeys(version).evaluation) },
      ...(training ? [{ what: 'history of its training', uri: training.historyUri }] : []),
    ],
    missing: [
      ...(text === null ? [`There is no ${modelKeys(version).manifest}.`] : []),
      ...(text !== null && origin === null
        ? [`${modelKeys(version).manifest} does not say what the model was made of.`]
        : []),
      ...(trainedBy && training === null
        ? [`The archive has no history of ${trainedBy}, which trained it.`]
        : []),
    ],
  };
}

const originIn = (text: string | undefined): z.infer<typeof Origin> | null =>
  Origin.safeParse(jsonOf(text)).data ?? null;

/** What the archive has of an execution's last end; who started it from its row, or else as its input claims. */
async function known(session: Session, name: string): Promise<Known | null> {
  const bucket = bucketOf(session);
  const last = (await lastEnds(objectsBelow(bucket, `${archiveFolder}${name}-`))).get(name);
  const found = last && (await getJson(bucket, last.key, ArchivedExecution));
  if (!found) return null;
  const { startDate, input } = found.value.execution;
  const row = await storedRow(session, name, startDate);
  return {
    startedAt: startDate,
    starter: row ?? claimed(input),
    historyUri: uriOf(bucket, last.key),
  };
}
