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

/** Time for an orderly end; after it the process exits and watchdogs end its children. */
const patienceMillis = 12_000;

const load = createRequire(__filename);

/** Only the named command if it is named first, because loading one is faster; otherwise all. */
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
 * Parses the command line; `args` are those of cli/setup/main.mjs. Returns an exit code instead of a command for wrong
 * usage (2) and for `--help` (0).
 */
export function prepareCommand([script = '', ...args]: readonly string[]): Prepared | number {
  const screens = { screen: openScreen(), notes: openErrorScreen() };
  const [line, calledAs] =
    script === 'lake' ? [args, 'npm run lake --'] : [[script, ...args], 'npm run'];
  return readCommandLine(commandsFor(line), line, calledAs, screens);
}

/** Runs a prepared command; returns the exit code. */
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
  // Errors in timers and streams: print one line and end in order.
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
    // Errors after an interruption are caused by it.
    const { reason }: { reason: unknown } = signal;
    if (reason instanceof Interrupted) {
      notes.say('Stopped. Run the same command again to continue; it redrives an interrupted run.');
      return reason.exitCode;
    }
    const failure = reason instanceof UserError ? reason : error;
    // Printed here through a Screen, because an error may quote text of others.
    notes.say(describeDiskError(failure) ?? describeRefused(failure) ?? describeError(failure));
    return failure instanceof UserError ? failure.exitCode : 1;
  }
}
