import { GetObjectCommand } from '@aws-sdk/client-s3';
import { z } from 'zod';
import { join } from 'node:path';
import { TrainModelOutput } from '../../../workflows/payloads';
import { runFolder, type Lake } from '../../cloud/lake';
import type { Session } from '../../cloud/session';
import { writeAtomically } from '../../files';
import { rawHistory } from '../history';
import { archived } from '../run/archived';
import { describeFailure } from '../run/failure';
import type { Run } from '../run/follow';
import type { Screen } from '../screen';
import { gatherNight } from './gather';
import { reportHtml } from './report-html';
import { summaryLines } from './summary';

const Trained = z.looseObject({ train: TrainModelOutput });

async function readManifest(session: Session, run: Run): Promise<string | null> {
  const outputs = run.events.filter(({ state, output }) => state === 'Train the model' && output !== undefined);
  const last = outputs.at(-1)?.output;
  if (last === undefined) return null;
  const trained = Trained.safeParse(JSON.parse(last));
  if (!trained.success || trained.data.train.status !== 'DONE') return null;
  const [, Bucket, Key] = /^s3:\/\/([^/]+)\/(.+)$/.exec(trained.data.train.manifestUri) ?? [];
  const { Body } = await session.people.analyst.s3.send(new GetObjectCommand({ Bucket, Key }));
  return (await Body?.transformToString()) ?? null;
}

/** One event a line. */
const historyJson = (events: unknown[]): string => `[\n${events.map((event) => JSON.stringify(event)).join(',\n')}\n]\n`;

/**
 * Leaves report, history and manifest of a finished run in its folder, prints what it brought or why it
 * failed, and answers the exit code: 0 only if it SUCCEEDED.
 */
export async function finishRun(lake: Lake, session: Session, screen: Screen, run: Run): Promise<number> {
  screen.live('Gathering the figures of the night');
  const folder = runFolder(lake, run.name);
  const report = join(folder, 'report.html');
  const night = await gatherNight(lake, session, run);
  writeAtomically(report, reportHtml(night));
  writeAtomically(join(folder, 'history.json'), historyJson(await rawHistory(session, run.arn)));
  const manifest = await readManifest(session, run);
  if (manifest !== null) writeAtomically(join(folder, 'manifest.json'), manifest);
  const isArchived = await archived(session, run);
  screen.rest();
  if (!isArchived) screen.say('Its history was not archived within 10 s: processed-data/audit/executions/ may lack it.');

  const lines = run.status === 'SUCCEEDED'
    ? summaryLines(night, { report }, screen.isTerminal)
    : ['', ...describeFailure(run, session.environment), `Report: ${report}`];
  for (const line of lines) screen.say(line);
  return run.status === 'SUCCEEDED' ? 0 : 1;
}
