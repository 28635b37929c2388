import { createInterface } from 'node:readline/promises';
import { UserError } from '../../session/user-error';
import { visible } from '../../session/visible';

/** Asks the person for a line. Throws UserError that names `instead` where nobody sits at a keyboard. */
export async function ask(question: string, instead: string, signal: AbortSignal): Promise<string> {
  if (!process.stdin.isTTY) {
    throw new UserError(`${question.trim()} Nobody can be asked here: ${instead}.`, 2);
  }
  // eslint-disable-next-line no-restricted-properties -- a question needs the keyboard beside the screen
  const lines = createInterface({ input: process.stdin, output: process.stdout });
  try {
    return (await lines.question(`${visible(question)} `, { signal })).trim();
  } finally {
    lines.close();
  }
}

/** Throws UserError unless the person says yes, or has said so with --yes. */
export async function confirm(question: string, yes: boolean, signal: AbortSignal): Promise<void> {
  if (yes) return;
  const answer = await ask(`${question} [y/N]`, 'say it with --yes', signal);
  if (!/^y(es)?$/i.test(answer)) throw new UserError('Nothing was done.');
}
