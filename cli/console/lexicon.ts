import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { LexiconOpinion } from '../../console/contract';
import { jsonOf } from '../../functions/lake/unpack';
import { pythonOf, type Workspace } from '../../session/workspace';
import { Label } from '../../workflows/evaluation';
import { Refused } from './door';

/** A fifth of a second for a tweet, half a second more for the longest that X takes. */
const MOST_MILLIS = 20_000;
/** The words of the longest text that the page may send are a tenth of it. */
const MOST_BYTES = 4_000_000;

const Said = z.strictObject({
  label: Label,
  compound: z.number().min(-1).max(1),
  words: z.array(z.strictObject({ word: z.string(), rating: z.number(), counts: z.number() })),
});

/**
 * What the lexicon says, by the same Python code as the labels of the Spark job. One process at a time: the page of one
 * person asks.
 */
export class Lexicon {
  private last: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly workspace: Pick<Workspace, 'root' | 'signal'>,
    private readonly mostMillis = MOST_MILLIS,
  ) {}

  /** Throws Refused where Python fails or takes too long. */
  async says(text: string): Promise<LexiconOpinion> {
    if (!existsSync(pythonOf(this.workspace)))
      return {
        opinion: null,
        problem:
          'The lexicon needs the set-up of Python: this folder has no .venv. npm run up makes it.',
      };
    const answer = this.last.then(() => this.run(text));
    this.last = answer.catch(() => undefined);
    return { opinion: await answer, problem: null };
  }

  private async run(text: string): Promise<z.infer<typeof Said>> {
    const { root, signal } = this.workspace;
    const end = AbortSignal.any([signal, AbortSignal.timeout(this.mostMillis)]);
    const child = spawn(pythonOf(this.workspace), [join(root, 'cli', 'console', 'lexicon.py')], {
      cwd: root,
      // Nothing of the caller's environment: it may hold tokens and keys.
      env: { PYTHONPATH: root, PYTHONDONTWRITEBYTECODE: '1' },
      stdio: ['pipe', 'pipe', 'pipe'],
      signal: end,
      killSignal: 'SIGKILL',
    });
    // A child that dies before it has read all of it: its exit code says so.
    child.stdin.on('error', () => undefined);
    child.stdin.end(JSON.stringify({ text }));
    const [out, complaint, ended] = await Promise.all([
      firstBytes(child.stdout),
      firstBytes(child.stderr),
      new Promise<number | string>((resolve) => {
        child.once('error', ({ message }) => resolve(message));
        child.once('close', (code, killedBy) => resolve(code ?? `ended by ${killedBy}`));
      }),
    ]);
    const said = ended === 0 ? Said.safeParse(jsonOf(out)) : null;
    if (said?.success) return said.data;
    if (end.aborted)
      throw new Refused(502, `The lexicon did not answer within ${this.mostMillis / 1000} s.`);
    const why =
      typeof ended === 'string' ? ended : complaint.trim().split('\n').at(-1) || `code ${ended}`;
    throw new Refused(502, `The lexicon failed: ${why}. npm run up sets .venv up again.`);
  }
}

/** The first megabytes of a stream; the rest is read and dropped, so that its writer never waits. */
async function firstBytes(stream: AsyncIterable<Buffer>): Promise<string> {
  const kept: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of stream) {
      if (bytes < MOST_BYTES) kept.push(chunk);
      bytes += chunk.length;
    }
  } catch {
    // Killed: its exit says so.
  }
  return Buffer.concat(kept).toString('utf8');
}
