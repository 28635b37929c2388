import { createInterface } from 'node:readline/promises';
import { UserError } from '../../session/user-error';
import { visible } from '../../session/visible';

/** Asks the person for a line. Throws UserError that names `instead` when the input is not a terminal. */
export async function ask(question: string, instead: string, signal: AbortSignal): Promise<string> {
  if (!process.stdin.isTTY) {
    throw new UserError(`${question.trim()} The input is not a terminal: ${instead}.`, 2);
  }
  // eslint-disable-next-line no-restricted-properties -- a question needs the keyboard beside the screen
  const lines = createInterface({ input: process.stdin, output: process.stdout });
  try {
    return (await lines.question(`${visible(question)} `, { signal })).trim();
  } finally {
    lines.close();
  }
}

/** Asks for confirmation. Throws UserError unless the person answers yes or gave --yes. */
export async function confirm(question: string, yes: boolean, signal: AbortSignal): Promise<void> {
  if (yes) return;
  const answer = await ask(`${question} [y/N]`, 'confirm with --yes', signal);
  if (!/^y(es)?$/i.test(answer)) throw new UserError('Nothing was done.');
}
