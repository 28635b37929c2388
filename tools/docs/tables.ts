import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { steps } from '../../workflows/steps';

const page = join(__dirname, '../../docs/architecture.md');

const row = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;

const stepsTable = (): string =>
  [
    row(['state', 'function', 'key', 'role', 'what it does']),
    row(Array.from({ length: 5 }, () => '---')),
    ...steps.map(({ state, name, key, role, description }) =>
      row([state, `\`${name}\``, key ?? "(the execution's output)", role, description]),
    ),
  ].join('\n');

const block = /(<!-- steps: [^\n]* -->\n)[^]*?\n(<!-- end of steps -->)/;

/** The page with the table of steps between its two marker comments. Throws when they are not there. */
export function withTables(text: string): string {
  if (!block.test(text)) {
    throw new Error('docs/architecture.md must hold <!-- steps: … --> and <!-- end of steps -->');
  }
  return text.replace(block, (_, start: string, end: string) => `${start}${stepsTable()}\n${end}`);
}

if (require.main === module) writeFileSync(page, withTables(readFileSync(page, 'utf8')));
