import type { Workspace } from '../../session/workspace';
import { confirm } from '../account/ask';
import { shortened } from '../../session/visible';
import { count, counted } from '../run/stages';
import type { Screen } from '../screen';
import { sayFindings, sayResult } from './bundled';
import { carryOut, planImport, type ImportPlan, type LabelFile } from './import';
import type { LabelSession } from './in-lake';
import type { LabelledText } from './rows';

const EXAMPLES = 3;
const LONGEST = 90;

/** The first, the middle and the last row, because a file is often sorted. */
function examplesOf(rows: readonly LabelledText[]): LabelledText[] {
  if (rows.length <= EXAMPLES) return [...rows];
  return [0, 1, 2].flatMap((part) => rows[Math.round((part * (rows.length - 1)) / 2)] ?? []);
}

/** Prints what an import would do: labels by class with examples, and every row that is left out or changes. */
export function preview(screen: Screen, { path, source }: LabelFile, plan: ImportPlan): void {
  screen.say(`${path}: ${counted(plan.labels, 'label')} of ${source}`);
  for (const [label, rows] of plan.byClass) {
    screen.say(`  ${label.padEnd(8)} ${count(rows.length)}`);
    for (const { file, line, text } of examplesOf(rows))
      screen.say(
        `    ${file === undefined ? '' : `${file}, `}line ${line}: “${shortened(text, LONGEST)}”`,
      );
  }
  screen.say(`  duplicates ${count(plan.duplicates)}`);
  screen.say(`  rejected   ${count(plan.rejected.length)}`);
  for (const [word, rows] of plan.skipped)
    screen.say(`  skipped    ${count(rows)} with the label “${shortened(word, LONGEST)}”`);
  for (const note of plan.notes) screen.say(`  note: ${note}`);
  sayFindings(screen, plan);
}

/**
 * `npm run lake -- import-labels <file>`: shows what would be imported, and imports it after confirmation. Throws
 * UserError when the input is not a terminal and `yes` is not given.
 */
export async function importLabels(
  lake: Pick<Workspace, 'signal'>,
  session: LabelSession,
  screen: Screen,
  file: LabelFile,
  yes: boolean,
): Promise<void> {
  const plan = await planImport(session, file);
  preview(screen, file, plan);
  if (plan.written)
    await confirm(`Import ${counted(plan.labels, 'label')} into the lake?`, yes, lake.signal);
  sayResult(screen, await carryOut(session, plan));
}
