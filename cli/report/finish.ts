import { z } from 'zod';
import { join } from 'node:path';
import { getText, keyOf } from '../../functions/lake/objects';
import { TrainModelOutput } from '../../workflows/payloads';
import { runFolder, type Workspace } from '../../session/workspace';
import type { Session } from '../../session/session';
import { writeAtomically } from '../../session/files';
import { rawHistory } from '../history';
import { archived } from '../run/archived';
import { describeFailure } from '../run/failure';
import type { Run } from '../run/follow';
import type { Screen } from '../screen';
import { answersFor, frozenRun } from '../console/freeze';
import { buildPage } from '../console/page';
import { placeOf, readingRoutes } from '../console/reading-routes';
import { gatherReport } from './gather';
import { summaryLines } from './summary';

const evaluationPage = 'evaluation.html';
const Trained = z.looseObject({ train: TrainModelOutput });

/** The output of the run's training; null when the run trained nothing. */
function trainedModel(run: Run) {
  const outputs = run.events.filter(
    ({ state, output }) => state === 'Train the model' && output !== undefined,
  );
  const last = outputs.at(-1)?.output;
  if (last === undefined) return null;
  const trained = Trained.safeParse(JSON.parse(last));
  return trained.success && trained.data.train.status === 'DONE' ? trained.data.train : null;
}

/** A small object of the lake as text; null where there is none, as for models from before it was kept. */
async function textAt({ people, outputs }: Session, uri: string): Promise<string | null> {
  const lake = { s3: people.analyst.s3, bucket: outputs.BucketName };
  return (await getText(lake, keyOf(lake, uri)))?.text ?? null;
}

/** The events as JSON, one a line. */
const historyJson = (events: unknown[]): string =>
  `[\n${events.map((event) => JSON.stringify(event)).join(',\n')}\n]\n`;

/**
 * Saves what a finished run leaves in its folder: the report, which is the console's page about it in one file, history,
 * manifest and the model's evaluation. Then prints its results, or why it failed. Returns the exit code: 0 only if it
 * SUCCEEDED.
 */
export async function finishRun(
  workspace: Workspace,
  session: Session,
  screen: Screen,
  run: Run,
): Promise<number> {
  screen.live('Gathering the results of the run');
  const folder = runFolder(workspace, run.name);
  const report = join(folder, 'report.html');
  const routes = readingRoutes(workspace, session, { mayAct: false, place: placeOf(session) });
  const { answers, missing } = await answersFor(routes, run.name);
  const gathered = await gatherReport(session, run, answers);
  const model = trainedModel(run);
  const evaluation = model && (await textAt(session, model.evaluationUri.replace(/json$/, 'html')));
  if (evaluation !== null) writeAtomically(join(folder, evaluationPage), evaluation);
  writeAtomically(report, frozenRun(buildPage(workspace.root), run.name, answers));
  writeAtomically(join(folder, 'history.json'), historyJson(await rawHistory(session, run.arn)));
  const manifest = model && (await textAt(session, model.manifestUri));
  if (manifest !== null) writeAtomically(join(folder, 'manifest.json'), manifest);
  const isArchived = await archived(session, run);
  screen.rest();
  for (const { path, why } of missing) screen.say(`The report lacks ${path}: ${why}`);
  if (!isArchived)
    screen.say(
      'Its history was not archived within 10 s: processed-data/audit/executions/ may lack it.',
    );

  const lines =
    run.status === 'SUCCEEDED'
      ? summaryLines(gathered, { report }, screen.hasColours)
      : ['', ...describeFailure(run, session.environment), `Report: ${report}`];
  for (const line of lines) screen.say(line);
  return run.status === 'SUCCEEDED' ? 0 : 1;
}
