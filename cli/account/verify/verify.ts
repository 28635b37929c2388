import { join } from 'node:path';
import { highestPrice, postsAndAuthors } from '../../../functions/x/price';
import { dollars } from '../../costs/money';
import { importBundledLabels } from '../../labels/bundled';
import { archived } from '../../run/archived';
import { describeFailure } from '../../run/failure';
import { checkInput, startRun } from '../../run/launch';
import type { Screen } from '../../screen';
import type { EnvironmentName } from '../../../infra/config';
import type { Workspace } from '../../../session/workspace';
import type { Session } from '../../../session/session';
import { writeAtomically } from '../../../session/files';
import { UserError } from '../../../session/user-error';
import { confirm } from '../ask';
import { settingsWith } from '../deploy';
import { keyOfStack } from '../key';
import { perform, type Check, type Outcome, type Subject } from './check';
import {
  athenaResults,
  bucketDefaults,
  encryptedObjects,
  refusedPuts,
  rolesKeepToTheirFolders,
  secretKey,
  tlsOnly,
} from './data-checks';
import {
  endpointIsClosed,
  imagePull,
  logGroups,
  noDrift,
  trainingIsClosed,
} from './pipeline-checks';

/** Enough for two pages from X and one or two days in the lake; costs about ten cents. */
const tinyMaxTweets = 20;

export const nightlySucceeds: Check = {
  name: 'a tiny nightly succeeds and is archived',
  look: async ({ session, run }) => {
    const isArchived = await archived(session, run);
    const problems = [
      ...(run.status === 'SUCCEEDED' ? [] : describeFailure(run, session.environment)),
      ...(isArchived ? [] : ['its history is not in processed-data/audit/executions/']),
    ];
    const stages = run.timeline.stages.map(({ name, status, text }) => ({ name, status, text }));
    return {
      saw: `${run.name} SUCCEEDED in ${stages.length} stages, its history archived`,
      problems,
      evidence: { arn: run.arn, stages },
    };
  },
};

/** All checks, in the order of the output. */
export const checks: readonly Check[] = [
  nightlySucceeds,
  imagePull,
  trainingIsClosed,
  endpointIsClosed,
  bucketDefaults,
  encryptedObjects,
  refusedPuts,
  rolesKeepToTheirFolders,
  tlsOnly,
  athenaResults,
  secretKey,
  logGroups,
  noDrift,
];

const marks = { passed: '✓', failed: '✗', skipped: '–' };

function save(folder: string, session: Session, outcomes: readonly Outcome[]): void {
  const summary = {
    environment: session.environment,
    region: session.region,
    endpoint: session.endpoint,
    at: new Date().toISOString(),
    outputs: session.outputs,
    checks: outcomes,
  };
  writeAtomically(join(folder, 'verification.json'), `${JSON.stringify(summary, null, 2)}\n`);
}

interface VerifyOptions {
  environment: EnvironmentName;
  /** `name=value`, as it was deployed with. */
  context: string[];
  /** Of the execution. */
  input: Readonly<Record<string, unknown>>;
  /** Asks nothing. */
  yes: boolean;
}

/** `npm run verify`: runs a small nightly, runs the checks, saves the evidence. Returns 0 only if no check failed. */
export async function verify(
  workspace: Workspace,
  session: Session,
  screen: Screen,
  { environment, context, input, yes }: VerifyOptions,
): Promise<number> {
  const settings = settingsWith({ environment, context });
  const request = { maxTweets: tinyMaxTweets, ...input };
  const { maxTweets = tinyMaxTweets } = checkInput(request);
  const keyArn = await keyOfStack(session);
  if (keyArn === null)
    throw new UserError(`The data stack of ${environment} has no key. Deploy it again.`);
  if (environment === 'local') {
    await importBundledLabels(workspace, session, screen);
  } else {
    const price = dollars(highestPrice(settings.x, maxTweets));
    await confirm(
      `A nightly run of ${postsAndAuthors(settings.x, `${maxTweets} posts`)} costs at most ${price} at X and about a dollar at AWS. Run it?`,
      yes,
      workspace.signal,
    );
  }

  const run = await startRun(workspace, session, screen, request);
  const subject: Subject = { session, settings, run, keyArn, signal: workspace.signal };
  const outcomes: Outcome[] = [];
  screen.say();
  for (const check of checks) {
    screen.live(check.name);
    const outcome = await perform(check, subject);
    workspace.signal.throwIfAborted();
    outcomes.push(outcome);
    screen.rest();
    screen.say(`${marks[outcome.status]} ${outcome.name}: ${outcome.says}`);
  }
  const stamp = new Date().toISOString().slice(0, 19).replace(/[-:]/g, '').replace('T', '-');
  const folder = join(workspace.home, 'verify', `${environment}-${stamp}`);
  save(folder, session, outcomes);
  const counted = (status: Outcome['status']) =>
    outcomes.filter((outcome) => outcome.status === status).length;
  screen.say();
  screen.say(
    `${counted('passed')} passed, ${counted('failed')} failed, ${counted('skipped')} skipped. Evidence: ${join(folder, 'verification.json')}`,
  );
  return counted('failed') === 0 ? 0 : 1;
}
