import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Workspace } from '../session/workspace';
import { writeAtomically } from '../session/files';
import { audit, type Finder } from './rewrites';

/**
 * Erases from the local files of runs. Reports and evaluation pages quote tweets and name authors, so all of them are
 * deleted: they are copies for convenience, and the lake keeps its own report. Histories stay without the erased ids.
 */
export async function removeLocalCopies(
  lake: Pick<Workspace, 'home'>,
  finder: Finder,
): Promise<void> {
  const runs = join(lake.home, 'runs');
  if (!existsSync(runs)) return;
  for (const run of readdirSync(runs)) {
    for (const page of ['report.html', 'evaluation.html'])
      rmSync(join(runs, run, page), { force: true });
    const history = join(runs, run, 'history.json');
    const scrubbed = existsSync(history)
      ? await audit(finder)(readFileSync(history), history)
      : null;
    if (scrubbed?.bytes) writeAtomically(history, Buffer.from(scrubbed.bytes).toString('utf8'));
  }
}
