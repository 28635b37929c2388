import type { Workspace } from '../../session/workspace';
import type { Session } from '../../session/session';
import { corpusPath, readCorpus } from '../../embedded/corpus/read-corpus';
import { count, counted } from '../run/stages';
import type { Screen } from '../screen';
import { bringPart, importCorpus, type Part } from './corpus';
import type { ImportReport } from './import';
import type { LabelSession } from './in-lake';

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

/** Imports all ratings of the bundled corpus, as `npm run lake -- import-labels` does with a file. */
export async function importBundledLabels(
  workspace: Pick<Workspace, 'root'>,
  session: LabelSession,
  screen: Screen,
): Promise<void> {
  screen.live('import-labels: the ratings of the bundled corpus');
  const report = await importCorpus(session, readCorpus(corpusPath(workspace.root)));
  screen.rest();
  reportImport(screen, report);
}

/**
 * Brings labels of the bundled corpus before a local run, and says so. In the demonstration (tweets of the X stub, no
 * imported labels of other texts) they come in parts, as a lake's labels do: `next` brings the next part, `first` the
 * first one if there is none, `following` the next one if there is a first. Without the demonstration `first` and
 * `next` import all of them, and `following` nothing.
 */
export async function bringLabels(
  workspace: Pick<Workspace, 'root'>,
  session: LabelSession & Pick<Session, 'usesXStub'>,
  screen: Screen,
  which: 'first' | 'next' | 'following',
): Promise<void> {
  screen.live('Bringing labels of the bundled corpus');
  const corpus = readCorpus(corpusPath(workspace.root));
  const brought = session.usesXStub ? await bringPart(session, corpus, which) : 'OWN_LABELS';
  screen.rest();
  if (brought === 'OWN_LABELS') {
    if (which !== 'following') await importBundledLabels(workspace, session, screen);
  } else if (brought !== null) {
    for (const line of partLines(brought)) screen.say(line);
  }
}

/** What a part brought, and how many texts still have no label. */
function partLines({ part, parts, labels, heldOut, rated, of }: Part): string[] {
  const left =
    rated === of
      ? `All ${count(of)} texts of the corpus are rated now`
      : `${count(of - rated)} of ${count(of)} texts are still unrated`;
  return [
    `20 people rated ${counted(labels, part === 1 ? 'tweet' : 'more tweet')}${heldOut > 0 ? `, ${count(heldOut)} of them held out to evaluate every model` : ''}. ${left} (part ${part} of ${parts}).`,
    ...(part === 1
      ? [
          'Each nightly run brings another part. All at once: npm run lake -- import-labels --bundled',
        ]
      : []),
  ];
}
