import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { describeDiskError, FileNotWritten } from '../session/files';
import { UserError } from '../session/user-error';
import { describeError } from '../session/visible';
import type { Workspace } from '../session/workspace';
import { readCommandLine, type Command, type Prepared } from './command';
import { interruptSignal, Interrupted } from './interrupt';
import { describeRefused } from './refused';
import { openErrorScreen, openScreen } from './screen';

/** Everything ends within this time, or is left to the watchdogs of the children. */
const patienceMillis = 12_000;

const load = createRequire(__filename);

/** The command that is named first, or all: to load one takes a fraction of the time. */
function commandsFor([name = '']: readonly string[]): readonly Command[] {
  if (/^[a-z-]+$/.test(name) && name !== 'index') {
    const file = join(__dirname, 'commands', `${name}.ts`);
    if (existsSync(file)) {
      const { default: one }: { default: Command } = load(file);
      return [one];
    }
  }
  const { commands }: { commands: readonly Command[] } = load('./commands');
  return commands;
}

/**
 * Reads what the person typed; `args` are those of cli/setup/main.mjs. Answers the exit code, 2, for a wrong command
 * line, and 0 for `--help`, which it has shown.
 */
export function prepareCommand([script = '', ...args]: readonly string[]): Prepared | number {
  const screens = { screen: openScreen(), notes: openErrorScreen() };
  const [line, calledAs] =
    script === 'lake' ? [args, 'npm run lake --'] : [[script, ...args], 'npm run'];
  return readCommandLine(commandsFor(line), line, calledAs, screens);
}

/** Runs what was prepared; answers the exit code. */
export async function runCommand(
  command: Prepared,
  folder: Pick<Workspace, 'root' | 'home' | 'port'>,
): Promise<number> {
  const ending = new AbortController();
  const signal = AbortSignal.any([interruptSignal(process.env), ending.signal]);
  const screen = openScreen();
  const notes = openErrorScreen();
  const end = (reason: UserError) => {
    setTimeout(() => process.exit(1), patienceMillis).unref();
    ending.abort(reason);
  };
  const workspace: Workspace = { ...folder, env: process.env, signal, end };
  // In a timer or a stream, where nobody waits for it: still said in one line, and ended in order.
  process.on('uncaughtException', (error) => {
    const said =
      describeDiskError(error) ?? (error instanceof FileNotWritten ? error.message : null);
    if (said === null) {
      notes.say(describeError(error));
      process.exit(1);
    }
    end(new UserError(said));
  });
  try {
    const code = (await command.run({ workspace, screen, notes })) ?? 0;
    if (ending.signal.aborted) throw ending.signal.reason;
    return code;
  } catch (error) {
    screen.rest();
    notes.rest();
    // Whatever failed after the interruption failed because of it.
    const { reason }: { reason: unknown } = signal;
    if (reason instanceof Interrupted) {
      notes.say(
        'Stopped. Run the same command again to go on: it redrives a run that was cut off.',
      );
      return reason.exitCode;
    }
    const failure = reason instanceof UserError ? reason : error;
    // Here and not by who called: an error may quote anybody's text.
    notes.say(describeDiskError(failure) ?? describeRefused(failure) ?? describeError(failure));
    return failure instanceof UserError ? failure.exitCode : 1;
  }
}
