import type { Workspace } from '../../session/workspace';
import type { Session } from '../../session/session';
import { corpusPath, readCorpus } from '../../embedded/corpus/read-corpus';
import { count, counted } from '../run/stages';
import type { Screen } from '../screen';
import { importCorpus, type ImportReport } from './import';

const shownRejections = 10;

/** Prints what an import did, with its rejected rows. */
export function reportImport(screen: Screen, report: ImportReport): void {
  sayFindings(screen, report);
  sayResult(screen, report);
}

/** Prints rejected rows and labels that disagree. */
export function sayFindings(
  screen: Screen,
  { outvoted, changed, rejected, written }: ImportReport,
): void {
  for (const { file, line, reason } of rejected.slice(0, shownRejections)) {
    screen.say(`  ${file === undefined ? '' : `${file}, `}line ${line} rejected: ${reason}`);
  }
  if (rejected.length > shownRejections)
    screen.say(`  and ${counted(rejected.length - shownRejections, 'more line')} rejected`);
  if (outvoted > 0)
    screen.say(
      `  ${counted(outvoted, 'text')} had labels that disagree; the most common one counts`,
    );
  for (const { line, from, to } of changed.examples)
    screen.say(`  line ${line}: ${to} in the file, ${from} in the lake`);
  if (changed.count > 0)
    screen.say(
      written
        ? `  ${counted(changed.count, 'text')} have another label in the lake; the newest label counts`
        : `  ${counted(changed.count, 'text')} were labelled again in the lake since; those newer labels count`,
    );
}

/** The last line of an import. */
export function sayResult(
  screen: Screen,
  { key, written, labels, duplicates, rejected }: ImportReport,
): void {
  const sums = `${count(duplicates)} duplicates skipped, ${count(rejected.length)} rejected`;
  screen.say(
    written
      ? `${counted(labels, 'label')} imported, ${sums} → ${key}`
      : `${counted(labels, 'label')} already in the lake, ${sums} (${key})`,
  );
}

/** Imports the ratings of the bundled corpus, as `npm run lake -- import-labels` does with a file. */
export async function importBundledLabels(
  workspace: Workspace,
  session: Session,
  screen: Screen,
): Promise<void> {
  screen.live('import-labels: the ratings of the bundled corpus');
  const report = await importCorpus(session, readCorpus(corpusPath(workspace.root)));
  screen.rest();
  reportImport(screen, report);
}
