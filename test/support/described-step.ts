import { cpSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, relative, resolve, sep } from 'node:path';

const root = resolve(__dirname, '..', '..');
const page = join(root, 'docs', 'add-a-step.md');

/** What a copy does not take along: it is linked, made anew, or nobody else's. */
const left = ['.git', '.lake', '.venv', 'cdk.out', 'node_modules'];

interface Change {
  file: string;
  /** Text of the file that the code goes before or takes the place of; null makes a new file. */
  anchor: string | null;
  replaces: boolean;
  code: string;
}

/** The changes that docs/add-a-step.md asks for, in its order: a sentence that ends with a colon, and its code block. */
export function describedChanges(): Change[] {
  const parts = readFileSync(page, 'utf8').split('```ts\n');
  return parts.slice(1).map((part, index) => {
    const [code = ''] = part.split('```');
    const sentence = parts[index]?.trimEnd().split('\n\n').at(-1)?.replace(/\n/g, ' ') ?? '';
    const [, made] = /new file `([^`]+)`:$/.exec(sentence) ?? [];
    if (made !== undefined) return { file: made, anchor: null, replaces: false, code };
    const [, file, how, anchor] =
      /`([\w/.-]+)`, (before|in place of) `([^`]+)`:$/.exec(sentence) ?? [];
    if (file === undefined || anchor === undefined) {
      throw new Error(`docs/add-a-step.md does not say where this belongs: ${sentence}`);
    }
    return { file, anchor, replaces: how === 'in place of', code };
  });
}

/** The text of the file with one change. Throws when the anchor is not there exactly once. */
export function changed(text: string, { file, anchor, replaces, code }: Change): string {
  if (anchor === null) return code;
  const parts = text.split(anchor);
  if (parts.length !== 2) {
    throw new Error(
      `docs/add-a-step.md: ${file} has ${parts.length - 1} times \`${anchor}\`; name a text that it has once`,
    );
  }
  return parts.join(replaces ? code.replace(/\n$/, '') : `${code}${anchor}`);
}

/** Copies the project into a folder, with the step that docs/add-a-step.md describes. */
export function projectWithDescribedStep(folder: string): void {
  cpSync(root, folder, {
    recursive: true,
    filter: (source) => !left.includes(relative(root, source).split(sep)[0] ?? ''),
  });
  for (const linked of ['node_modules', '.venv'])
    symlinkSync(join(root, linked), join(folder, linked));
  for (const change of describedChanges()) {
    const path = join(folder, change.file);
    const text = change.anchor === null ? '' : readFileSync(path, 'utf8');
    writeFileSync(path, changed(text, change));
  }
}
