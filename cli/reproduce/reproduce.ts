import { CreateTrainingJobCommand, DescribeTrainingJobCommand } from '@aws-sdk/client-sagemaker';
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { getBytes, getText, uriOf } from '../../functions/lake/objects';
import { unpack } from '../../functions/model/archives';
import { startWithinQuotas } from '../../functions/model/quotas';
import { costTags, modelKeys } from '../../functions/model/names';
import { trainingJob } from '../../functions/model/training-job';
import { z } from 'zod';
import { settingsFor } from '../../infra/config';
import { lakeName, modelPrefix } from '../../infra/naming';
import { revision } from '../../infra/repository';
import { prefixes } from '../../workflows/datasets';
import { keyOfStack } from '../account/key';
import type { Workspace } from '../../session/workspace';
import { roleArn } from '../../session/people';
import type { Session } from '../../session/session';
import { UserError } from '../../session/user-error';
import { renderTable } from '../athena';
import type { Screen } from '../screen';
import { lookForLost } from './lost';
import { compare, hyperparametersAgain, Manifest, type Line } from './manifest';

/** The folder of reproduced models, apart from those that may serve. */
const scratch = `${prefixes.models}reproductions/`;

const bucketOf = ({ people, outputs }: Session) => ({
  s3: people.analyst.s3,
  bucket: outputs.BucketName,
});

/**
 * Trains a model again from its manifest and compares the two. Neither reads nor replaces the champion. Returns the exit
 * code: 1 if they differ or the training data are gone. Throws UserError when the model is unknown or the job fails.
 */
export async function reproduce(
  lake: Pick<Workspace, 'signal'>,
  session: Session,
  screen: Screen,
  version: string,
): Promise<number> {
  const then = await manifestOf(session, `${prefixes.models}${version}/manifest.json`, version);
  const { forgotten, expired, changed } = await lookForLost(session, version, then.request);
  for (const what of changed) screen.say(`  changed since: ${what}`);
  for (const what of forgotten) screen.say(`  gone (tweets in it were erased): ${what}`);
  for (const what of expired) screen.say(`  expired: ${what}`);
  if (forgotten.length + expired.length > 0) {
    screen.say(
      `${version} cannot be reproduced: part of its training data is gone. Its manifest still lists all of it.`,
    );
    if (expired.length > 0) {
      const { tweets, replacedSnapshots, labels } = settingsFor(session.environment).keepDays;
      screen.say(
        `Tweets are kept for ${tweets} days, a snapshot for ${replacedSnapshots} days after its replacement, labels ${labels === null ? 'for ever' : `for ${labels} days`} (keepDays in infra/config.ts). So a model can be reproduced for at least ${replacedSnapshots} days.`,
      );
    }
    return 1;
  }
  sayCode(screen, session, then);
  const jobName = await startJob(session, then);
  screen.say(`Training job ${jobName}, from the manifest of ${version} …`);
  await ended(lake, session, screen, jobName);
  const now = await reproduction(session, jobName);
  return sayResult(screen, version, compare(then, now));
}

/** Warns when the code has changed: an account runs the model's own image, but the embedded cloud runs the code of this folder. */
function sayCode(screen: Screen, { environment }: Session, { request: { git } }: Manifest): void {
  const here = revision();
  if (environment !== 'local' || (here.commit === git.commit && !here.dirty && !git.dirty)) return;
  const of = ({ commit, dirty }: { commit: string; dirty: boolean }) =>
    `${commit.slice(0, 12)}${dirty ? ' with changes' : ''}`;
  screen.say(`  the code was ${of(git)} then, and is ${of(here)} now`);
}

async function manifestOf(session: Session, key: string, version: string): Promise<Manifest> {
  const lake = bucketOf(session);
  const object = await getText(lake, key);
  if (object === null)
    throw new UserError(`There is no model ${version}: its manifest would be ${uriOf(lake, key)}.`);
  const parsed = Manifest.safeParse(JSON.parse(object.text));
  if (parsed.success) return parsed.data;
  throw new UserError(
    `The manifest of ${version} has an older or unknown format:\n${z.prettifyError(parsed.error)}`,
  );
}

/** Starts the job as the person, who needs CreateTrainingJob and PassRole. Throws UserError on a missing quota. */
async function startJob(session: Session, then: Manifest): Promise<string> {
  const { request, model_version } = then;
  const { clients, outputs, environment } = session;
  const keyArn = await keyOfStack(session);
  if (keyArn === null)
    throw new UserError(
      `${environment} has no data stack, so there is no key to encrypt with. Deploy it first.`,
    );
  const jobName = `${modelPrefix(environment)}repro-${randomBytes(6).toString('hex')}`;
  const job = {
    jobName,
    roleArn: roleArn(outputs, environment, 'MachineLearningRole'),
    keyArn,
    tags: costTags(lakeName(environment)),
    image: request.images.training,
    hyperparameters: hyperparametersAgain(then),
    hasTweets: request.cleaned_data.length > 0,
    // The champion labelled the weak labels, and may be the initial weights.
    championUri: request.champion?.uri ?? null,
    encoder: request.encoder,
    inputs: modelKeys(model_version),
    outputPrefix: scratch,
  };
  const lake = { s3: clients.s3, bucket: outputs.BucketName };
  const started = await startWithinQuotas(settingsFor(environment).training, (settings) =>
    clients.sageMaker.send(new CreateTrainingJobCommand(trainingJob(lake, { ...job, settings }))),
  );
  if ('refusal' in started) throw new UserError(started.refusal);
  return jobName;
}

async function ended(
  { signal }: Pick<Workspace, 'signal'>,
  session: Session,
  screen: Screen,
  jobName: string,
): Promise<void> {
  const { poll, training } = settingsFor(session.environment);
  const started = Date.now();
  const patience =
    (training.maxSeconds + (training.spot ? training.maxWaitSeconds : 0) + 600) * 1000;
  while (Date.now() - started < patience) {
    const job = await session.clients.sageMaker.send(
      new DescribeTrainingJobCommand({ TrainingJobName: jobName }),
    );
    if (job.TrainingJobStatus === 'Completed') return;
    if (job.TrainingJobStatus === 'Failed' || job.TrainingJobStatus === 'Stopped') {
      throw new UserError(
        `The training job ${jobName} ended as ${job.TrainingJobStatus}: ${job.FailureReason ?? 'no reason given'}.`,
      );
    }
    screen.live(`the LSTM is training again (${job.SecondaryStatus ?? 'starting'})`, started);
    await sleep(poll.train * 1000, undefined, { signal });
  }
  throw new UserError(
    `The training job ${jobName} has not ended in ${Math.round(patience / 60_000)} minutes.`,
  );
}

async function reproduction(session: Session, jobName: string): Promise<Manifest> {
  const output = await getBytes(bucketOf(session), `${scratch}${jobName}/output/output.tar.gz`);
  const files = await unpack(output?.bytes ?? new Uint8Array(), ['manifest.json']);
  return Manifest.parse(JSON.parse(files.get('manifest.json')?.toString('utf8') ?? 'null'));
}

function sayResult(screen: Screen, version: string, lines: readonly Line[]): number {
  const rows = lines
    .filter(({ decides, equal }) => decides || !equal)
    .map(({ what, then, now, equal }) => [what, then, now, equal ? 'equal' : 'DIFFERENT']);
  screen.rest();
  screen.say(renderTable({ columns: ['what', 'then', 'now', ''], rows }));
  const differs = lines.some(({ decides, equal }) => decides && !equal);
  const sameNetwork = lines
    .filter(({ what }) => what.endsWith('.onnx'))
    .every(({ equal }) => equal);
  screen.say(
    differs
      ? `${version} was NOT reproduced: the lines above say what differs.`
      : `${version} was reproduced: rows and metrics are equal${sameNetwork ? ', and so is every bit of the network' : ', the network differs in bits'}.`,
  );
  return differs ? 1 : 0;
}
