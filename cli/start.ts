import { rootSecretOf } from '../embedded/cloud/root-secret';
import type { LocalSession } from '../embedded/cloud/session';
import { stackName } from '../infra/naming';
import type { Session } from '../session/session';
import { clientEnvironment } from '../session/workspace';
import type { Context } from './command';
import { CONSOLE_PORT, serveUntilInterrupted } from './console/serve';
import { interrupted } from './interrupt';
import { bringLabels } from './labels/bundled';
import { openLocal } from './lake';
import { applyLifecycle, declareLifecycle } from './lifecycle';
import { finishRun } from './report/finish';
import { consoleHint, nextCommands } from './report/summary';
import { checkInput, findCutOff, redriveRun, startRun } from './run/launch';
import type { Run } from './run/follow';
import { announceSource, type Request } from './run/request';
import { seconds, type Screen } from './screen';

/** Applies the bucket's lifecycle rules. AWS does this daily; the embedded S3 does it whenever a lake starts. */
async function endOldObjects({ clients, outputs }: Session, screen: Screen): Promise<void> {
  screen.live('Deleting expired objects');
  const bucket = { s3: clients.s3, bucket: outputs.BucketName };
  await declareLifecycle(clients.cloudFormation, bucket, stackName('local', 'Data'));
  const { objects, versions } = await applyLifecycle(bucket, new Date());
  screen.rest();
  if (objects + versions > 0)
    screen.say(
      `Deleted ${objects} expired objects and ${versions} old versions (keepDays in infra/config.ts).`,
    );
}

/** Boots and deploys. Progress goes to standard output, because it is part of the result. */
async function bringUp({ workspace, screen }: Context, command: 'start' | 'up') {
  if (!screen.isTerminal)
    screen.say('Embedded cloud: booting, and deploying with the stock CDK CLI …');
  return openLocal({ workspace, notes: screen }, command);
}

/**
 * After a run on a terminal: serves the console over the lake that is open, until Ctrl-C, also after a failed run, whose
 * reason it shows. Meanwhile other commands use the lake as they use that of `npm run up`.
 */
async function stayUp(context: Context, session: LocalSession): Promise<void> {
  session.keepUp();
  await serveUntilInterrupted(context, session, {
    port: CONSOLE_PORT,
    orAnyPort: true,
    mayAct: true,
    announce: (address) => ['', `Console: ${address}  (Ctrl-C ends it)`],
  });
  context.screen.say('Ending …');
}

/**
 * `npm start`: boots, deploys, brings labels, then starts a nightly run or resumes the interrupted one. On a terminal the
 * console stays up after it, unless `withConsole` is false. Returns the exit code of the run.
 */
export async function start(
  context: Context,
  given: Request,
  withConsole: boolean,
): Promise<number> {
  const { workspace, screen } = context;
  const { mode } = checkInput(given);
  const request = announceSource(context, given);
  const booting = Date.now();
  const session = await bringUp(context, 'start');
  const finish = (run: Run) => finishRun(workspace, session, screen, run);
  try {
    screen.say(`Embedded cloud: ready at ${session.url} in ${seconds(Date.now() - booting)}`);
    await endOldObjects(session, screen);
    const cutOff = await findCutOff(session);
    // A resumed run goes on with the labels that it had.
    const isNightly = !cutOff && mode === 'nightly';
    await bringLabels(workspace, session, screen, isNightly ? 'next' : 'first');
    let code = 0;
    if (cutOff) {
      screen.say(`${cutOff.name} stopped when its process ended. It resumes where it stopped.`);
      code = await finish(await redriveRun(workspace, session, screen, cutOff));
    }
    // A request of its own still runs after the resumed run.
    if (!cutOff || (code === 0 && Object.keys(given).length > 0))
      code = await finish(await startRun(workspace, session, screen, request));
    const staysUp = withConsole && screen.isTerminal;
    if (code === 0) for (const line of ['', ...nextCommands]) screen.say(line);
    if (staysUp) await stayUp(context, session);
    else screen.say(consoleHint(code === 0));
    return code;
  } finally {
    screen.rest();
    await session.close();
  }
}

/** Boots the lake for any client, as long as the returned session is open. */
export async function openUp(context: Context): Promise<LocalSession> {
  const { workspace, screen } = context;
  announceSource(context, {});
  const session = await bringUp(context, 'up');
  try {
    await endOldObjects(session, screen);
    await bringLabels(workspace, session, screen, 'first');
    return session;
  } catch (error) {
    await session.close();
    throw error;
  }
}

/** `npm run up`: keeps the lake running for any client until it is interrupted. */
export async function up(context: Context): Promise<void> {
  const { workspace, screen } = context;
  const session = await openUp(context);
  try {
    const exports = Object.entries(
      clientEnvironment(session.url, rootSecretOf(workspace.home)),
    ).map(([name, value]) => `export ${name}=${value}`);
    const outputs = Object.entries(session.outputs).map(
      ([name, value]) => `  ${name.padEnd(16)} ${value}`,
    );
    for (const line of [
      `The lake is up at ${session.url}. For any AWS client, in another terminal:`,
      ...['', ...exports, '', ...outputs, ''],
      'Ctrl-C ends it. Its data are kept.',
    ])
      screen.say(line);
    await interrupted(workspace.signal);
    screen.say('Ending …');
  } finally {
    await session.close();
  }
}
