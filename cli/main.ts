import { openSession, type LocalSession, type SessionOptions } from '../embedded/cloud/session';
import type { Session } from '../session/session';
import { highestPrice, postsAndAuthors } from '../functions/x/price';
import { clientEnvironment, type Workspace } from '../session/workspace';
import { rootSecretOf } from '../embedded/cloud/root-secret';
import { UserError } from '../session/user-error';
import { tweetSource } from '../embedded/cloud/deploy';
import { describeDiskError, FileNotWritten } from '../session/files';
import { settingsFor, type EnvironmentName } from '../infra/config';
import { stackName } from '../infra/naming';
import { deployTo } from './account/deploy';
import { destroyIn } from './account/destroy';
import { describeAccount, findAccount, sessionIn } from './account/session';
import { verify } from './account/verify/verify';
import { renderTable, runSql } from './athena';
import { CliCommand, type CommandNamed } from './command';
import { dollars } from './costs/money';
import { forget } from './forget';
import { wantedIds } from '../erasure/ids';
import { printExecution, printExecutions } from './history';
import { interruptSignal, Interrupted } from './interrupt';
import { importBundledLabels } from './labels/bundled';
import { labelByHand } from './labels/by-hand';
import { parseMap } from './labels/classes';
import { readLabelFile, type LabelFile } from './labels/import';
import { importLabels } from './labels/preview';
import { parseDelimiter } from './labels/table';
import { grantForce } from './grant-force';
import { applyLifecycle, declareLifecycle } from './lifecycle';
import { describeRefused } from './refused';
import { reproduce } from './reproduce/reproduce';
import { finishRun } from './report/finish';
import { nextCommands } from './report/summary';
import { describePrediction, predict } from './predict';
import { putCorpus, readCorpusFile } from './pretrain';
import { describeQueries, prepareQuery } from './query';
import { parseEncoding, type Encoding } from './read-text';
import {
  checkInput,
  findCutOff,
  findExecution,
  newestFailure,
  redriveRun,
  startRun,
} from './run/launch';
import { rehearse } from './rehearsal/rehearse';
import { readTweets, uploadTweets } from './tweets/import';
import { openErrorScreen, openScreen, seconds, type Screen } from './screen';
import { describeError } from '../session/visible';

interface Folder {
  root: string;
  home: string;
  port: number;
}

async function session(
  workspace: Workspace,
  screen: Screen,
  command: SessionOptions['command'],
  onlyLooks = false,
): Promise<LocalSession> {
  const started = Date.now();
  const opened = await openSession(workspace, {
    command,
    mayShareRun: onlyLooks,
    asItIs: onlyLooks,
    say: (line) => screen.say(line),
    progress: (line) => screen.live(`Embedded cloud: ${line}`, started),
  });
  screen.rest();
  return opened;
}

/** Posts that a run on X's own servers reads unless told otherwise: the local settings suit the stand-in. */
const carefulMaxTweets = 500;

/** Says where tweets come from, if not from the stand-in; answers the input, careful with real money. */
function announceSource(
  workspace: Workspace,
  screen: Screen,
  input: Record<string, unknown>,
): Record<string, unknown> {
  const { url, standIn, token } = tweetSource(workspace);
  if (standIn) return input;
  screen.say(
    `Tweets come from ${url}${token === null ? ' (X_BEARER_TOKEN is not set)' : ', with your bearer token'}.`,
  );
  if (new URL(url).hostname !== 'api.x.com') return input;
  const careful = { maxTweets: carefulMaxTweets, ...input };
  const { maxTweets = carefulMaxTweets } = checkInput(careful);
  const { x } = settingsFor('local');
  screen.say(
    `X charges ${dollars(highestPrice(x, maxTweets))} at most for the ${postsAndAuthors(x, `${maxTweets} posts`)} that this run may read; --max-tweets sets another limit.`,
  );
  return careful;
}

/** A retrain and a replay read no post. */
const asksX = (mode: unknown): boolean => mode !== 'retrain' && mode !== 'replay';

/** What a run will cost at X, before it is started; answers its input. */
function announceCosts(
  workspace: Workspace,
  screen: Screen,
  { environment, input }: CommandNamed<'run'>,
): Record<string, unknown> {
  if (environment === 'local') return announceSource(workspace, screen, input);
  const { x } = settingsFor(environment);
  const { maxTweets = x.maxTweetsPerRun } = checkInput(input);
  screen.say(
    `X charges ${dollars(highestPrice(x, maxTweets))} at most for the ${postsAndAuthors(x, `${maxTweets} posts`)} that this run may read; --max-tweets sets another limit.`,
  );
  return input;
}

function sayNext(screen: Screen, code: number): number {
  if (code === 0) for (const line of ['', ...nextCommands]) screen.say(line);
  return code;
}

/** S3 ends old objects by itself; the embedded one is told to, whenever a lake comes up. */
async function endOldObjects({ clients, outputs }: Session, screen: Screen): Promise<void> {
  screen.live('Ending what has been kept long enough');
  const bucket = { s3: clients.s3, bucket: outputs.BucketName };
  await declareLifecycle(clients.cloudFormation, bucket, stackName('local', 'Data'));
  const { objects, versions } = await applyLifecycle(bucket, new Date());
  screen.rest();
  if (objects + versions > 0)
    screen.say(
      `Kept long enough (keepDays in infra/config.ts): ${objects} objects expired, and ${versions} old versions are gone.`,
    );
}

/** `npm start`: boots, deploys, imports the labels, and runs the night or what was left of the last one. */
async function start(
  workspace: Workspace,
  screen: Screen,
  input: Record<string, unknown>,
): Promise<number> {
  checkInput(input);
  const runInput = announceSource(workspace, screen, input);
  const booting = Date.now();
  if (!screen.isTerminal)
    screen.say('Embedded cloud: booting, and deploying with the stock CDK CLI …');
  const lakeSession = await session(workspace, screen, 'start');
  try {
    screen.say(`Embedded cloud: ready at ${lakeSession.url} in ${seconds(Date.now() - booting)}`);
    await endOldObjects(lakeSession, screen);
    await importBundledLabels(workspace, lakeSession, screen);
    const cutOff = await findCutOff(lakeSession);
    if (cutOff) {
      screen.say(
        `${cutOff.name} was cut off when its process ended: it goes on from where it stood.`,
      );
      const redriven = await finishRun(
        workspace,
        lakeSession,
        screen,
        await redriveRun(workspace, lakeSession, screen, cutOff),
      );
      // What else was asked for is still to be done.
      if (redriven !== 0 || Object.keys(input).length === 0) return sayNext(screen, redriven);
    }
    return sayNext(
      screen,
      await finishRun(
        workspace,
        lakeSession,
        screen,
        await startRun(workspace, lakeSession, screen, runInput),
      ),
    );
  } finally {
    screen.rest();
    await lakeSession.close();
  }
}

/** `npm run up`: keeps the lake running for any client until it is interrupted. */
async function up(workspace: Workspace, screen: Screen): Promise<number> {
  announceSource(workspace, screen, {});
  if (!screen.isTerminal)
    screen.say('Embedded cloud: booting, and deploying with the stock CDK CLI …');
  const lakeSession = await session(workspace, screen, 'up');
  try {
    await endOldObjects(lakeSession, screen);
    await importBundledLabels(workspace, lakeSession, screen);
    screen.say(`The lake is up at ${lakeSession.url}. For any AWS client, in another terminal:`);
    screen.say();
    for (const [name, value] of Object.entries(
      clientEnvironment(lakeSession.url, rootSecretOf(workspace.home)),
    ))
      screen.say(`export ${name}=${value}`);
    screen.say();
    for (const [name, value] of Object.entries(lakeSession.outputs))
      screen.say(`  ${name.padEnd(16)} ${value}`);
    screen.say();
    screen.say('Ctrl-C ends it; what it holds stays.');
    await new Promise<void>((resolve) =>
      workspace.signal.addEventListener('abort', () => resolve()),
    );
    screen.say('Ending …');
    return 0;
  } finally {
    await lakeSession.close();
  }
}

interface Place {
  environment: EnvironmentName;
}

/** The environment's lake: the embedded one, or the one in the account, which is said. */
async function sessionFor(
  workspace: Workspace,
  screen: Screen,
  { environment }: Place,
  onlyLooks: boolean,
): Promise<Session> {
  if (environment === 'local') return session(workspace, screen, 'lake', onlyLooks);
  const account = await findAccount(workspace);
  screen.say(`${environment}: ${describeAccount(account)}`);
  return sessionIn(account, environment, (line) => screen.say(line));
}

async function withLake(
  workspace: Workspace,
  screen: Screen,
  place: Place,
  onlyLooks: boolean,
  work: (session: Session) => Promise<number | void>,
): Promise<number> {
  const lakeSession = await sessionFor(workspace, screen, place, onlyLooks);
  try {
    return (await work(lakeSession)) ?? 0;
  } finally {
    screen.rest();
    await lakeSession.close();
  }
}

const encodingOf = ({ encoding }: { encoding: string | null }): Encoding | null =>
  encoding === null ? null : parseEncoding(encoding);

/** The file of labels that the command names, read; null for the bundled corpus. */
function labelFileOf(command: CommandNamed<'import-labels'>): LabelFile | null {
  const { file, source, textColumn, labelColumn, map, delimiter, quote, header } = command;
  if (file === null) return null;
  const columns = {
    text: textColumn,
    label: labelColumn,
    map: map.length === 0 ? new Map() : parseMap(map),
    delimiter: delimiter === null ? null : parseDelimiter(delimiter),
    quote,
    header,
  };
  return readLabelFile(file, { source, columns, encoding: encodingOf(command) });
}

/** Texts that were damaged before they came here are kept as they are, and said. */
function sayLost(screen: Screen, texts: number): void {
  if (texts > 0)
    screen.say(
      `${texts} ${texts === 1 ? 'text holds' : 'texts hold'} U+FFFD: characters were lost before.`,
    );
}

async function perform(workspace: Workspace, screen: Screen, command: CliCommand): Promise<number> {
  switch (command.name) {
    case 'start':
      return start(workspace, screen, command.input);
    case 'up':
      return up(workspace, screen);
    case 'run': {
      checkInput(command.input);
      const input = asksX(command.input.mode)
        ? announceCosts(workspace, screen, command)
        : command.input;
      return withLake(workspace, screen, command, false, async (session) =>
        finishRun(workspace, session, screen, await startRun(workspace, session, screen, input)),
      );
    }
    case 'redrive':
      return withLake(workspace, screen, command, false, async (session) => {
        const execution =
          command.execution === null
            ? await newestFailure(session)
            : await findExecution(session, command.execution);
        return finishRun(
          workspace,
          session,
          screen,
          await redriveRun(workspace, session, screen, execution),
        );
      });
    case 'history': {
      const { execution } = command;
      return withLake(workspace, screen, command, true, (session) =>
        execution === null
          ? printExecutions(session, screen)
          : printExecution(session, screen, execution),
      );
    }
    case 'query': {
      const { query, parameters } = command;
      if (query === null) {
        for (const line of describeQueries()) screen.say(line);
        return 0;
      }
      // Before a lake is booted for it: a wrong name or value is answered at once.
      const { sql, literals } = prepareQuery(command.environment, query, parameters);
      return withLake(workspace, screen, command, true, async (session) =>
        screen.say(renderTable(await runSql(workspace, session, sql, literals))),
      );
    }
    case 'sql':
      return withLake(workspace, screen, command, true, async (session) =>
        screen.say(renderTable(await runSql(workspace, session, command.sql))),
      );
    case 'predict':
      return withLake(workspace, screen, command, true, async (session) => {
        const { model_version, predictions } = await predict(session, [command.text]);
        for (const prediction of predictions) screen.say(describePrediction(prediction));
        screen.say(`model ${model_version}`);
      });
    case 'import-labels': {
      // Before a lake is booted for it: a file that cannot be read is refused at once.
      const file = labelFileOf(command);
      return withLake(workspace, screen, command, true, async (session) => {
        if (file === null) await importBundledLabels(workspace, session, screen);
        else await importLabels(workspace, session, screen, file, command.yes);
      });
    }
    case 'label':
      return withLake(workspace, screen, command, true, (session) =>
        labelByHand(workspace, session, screen, command),
      );
    case 'grant-force':
      return withLake(workspace, screen, command, true, (session) =>
        grantForce(session, screen, command.reason),
      );
    case 'reproduce':
      return withLake(workspace, screen, command, false, (session) =>
        reproduce(workspace, session, screen, command.version),
      );
    case 'pretrain': {
      const corpora = command.files.map((file) => readCorpusFile(file, encodingOf(command)));
      return withLake(workspace, screen, command, true, async (session) => {
        for (const corpus of corpora) {
          const tasks = [...corpus.rowsByTask].map(([task, rows]) => `${task} ${rows}`).join(', ');
          const written = await putCorpus(session, corpus);
          screen.say(
            `${corpus.path}: ${tasks} ${written ? '→' : 'is in the lake already:'} ${corpus.key}`,
          );
        }
        sayLost(
          screen,
          corpora.reduce((sum, { damaged }) => sum + damaged, 0),
        );
        screen.say(
          'The next training pre-trains an encoder on all corpora of the lake; those after it start from that encoder.',
        );
      });
    }
    case 'import-tweets': {
      // Before a lake is booted for it: a file that cannot be meant is refused at once.
      const tweets = readTweets(command.file, encodingOf(command));
      return withLake(workspace, screen, command, false, async (session) => {
        const written = await uploadTweets(session, tweets);
        screen.say(
          `${tweets.lines.length} records of ${command.file} → raw-data/imports/${tweets.name}/${written === 0 ? ' (they lay there already)' : ''}`,
        );
        sayLost(screen, tweets.damaged);
        return finishRun(
          workspace,
          session,
          screen,
          await startRun(workspace, session, screen, { mode: 'import', import: tweets.name }),
        );
      });
    }
    case 'forget': {
      const wanted = wantedIds(command);
      return withLake(workspace, screen, command, false, (session) =>
        forget(workspace, session, screen, wanted),
      );
    }
    case 'deploy':
      return deployTo(workspace, screen, command);
    case 'destroy':
      return destroyIn(workspace, screen, command);
    case 'rehearse':
      return rehearse(workspace, screen, command);
    case 'verify':
      return withLake(workspace, screen, command, false, (session) =>
        verify(workspace, session, screen, command),
      );
  }
}

/** Runs what the person asked for; answers the exit code. Called by cli/setup once all is installed. */
export async function runCommand(given: unknown, { root, home, port }: Folder): Promise<number> {
  const ending = new AbortController();
  const signal = AbortSignal.any([interruptSignal(process.env), ending.signal]);
  const screen = openScreen();
  const end = (reason: UserError) => {
    // Everything ends within this time, or is left to the watchdogs of the children.
    setTimeout(() => process.exit(1), 12_000).unref();
    ending.abort(reason);
  };
  const workspace: Workspace = { root, home, port, env: process.env, signal, end };
  // In a timer or a stream, where nobody waits for it: still said in one line, and ended in order.
  process.on('uncaughtException', (error) => {
    const said =
      describeDiskError(error) ?? (error instanceof FileNotWritten ? error.message : null);
    if (said === null) {
      openErrorScreen().say(describeError(error));
      process.exit(1);
    }
    end(new UserError(said));
  });
  try {
    const code = await perform(workspace, screen, CliCommand.parse(given));
    if (ending.signal.aborted) throw ending.signal.reason;
    return code;
  } catch (error) {
    screen.rest();
    // Whatever failed after the interruption failed because of it.
    const { reason }: { reason: unknown } = signal;
    if (!(reason instanceof Interrupted)) {
      const failure = reason instanceof UserError ? reason : error;
      // Here and not by who called: an error may quote anybody's text.
      openErrorScreen().say(
        describeDiskError(failure) ?? describeRefused(failure) ?? describeError(failure),
      );
      return failure instanceof UserError ? failure.exitCode : 1;
    }
    screen.say('Stopped. The same command goes on from here: a run that was cut off is redriven.');
    return reason.exitCode;
  }
}
