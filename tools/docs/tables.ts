import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { renderedCatalog } from '../../queries/catalog';
import { datasets } from '../../workflows/datasets';
import { steps } from '../../workflows/steps';
import { limitRows, monthRows } from './limits';
import { objectsADay } from './objects-a-day';

const stepRows = (): string[][] => [
  ['state', 'function', 'key', 'role', 'what it does'],
  ...steps.map(({ state, name, key, role, description }) => [
    state,
    `\`${name}\``,
    key ?? "(the execution's output)",
    role,
    description,
  ]),
];

/** Columns of a data set, partitions last. */
const columnRows = (name: keyof typeof datasets) => (): string[][] => [
  ['column', 'type', 'required', 'means'],
  ...[
    ...datasets[name].columns,
    ...datasets[name].partitions.map((one) => ({ ...one, comment: `${one.comment} (partition)` })),
  ].map(({ name: column, type, required, comment }) => [
    `\`${column}\``,
    type,
    required ? 'yes' : '',
    comment.replaceAll('|', '\\|'),
  ]),
];

const datasetRows = (): string[][] => [
  ['data set', 'where', 'format', 'a row'],
  ...Object.entries(datasets).map(([name, { prefix, format, comment }]) => [
    `\`${name}\``,
    `\`${prefix}\``,
    format,
    comment.replaceAll('|', '\\|'),
  ]),
];

const questionRows = (): string[][] => [
  ['question', 'answers', 'parameters'],
  ...renderedCatalog()
    .filter(({ kind }) => kind === 'question')
    .map(({ name, title, parameters }) => [
      `\`${name}\``,
      title,
      parameters
        .map((one) => `\`${one.name}\`${one.default === null ? ' (needed)' : ''}`)
        .join(', '),
    ]),
];

interface Table {
  /** Below docs/. */
  page: string;
  /** The table stands between `<!-- name: … -->` and `<!-- end of name -->`. */
  name: string;
  rows: () => string[][];
  align: '---' | '---:';
}

export const tables: readonly Table[] = [
  { page: 'architecture.md', name: 'steps', rows: stepRows, align: '---' },
  { page: 'data-dictionary.md', name: 'data sets', rows: datasetRows, align: '---' },
  { page: 'data-dictionary.md', name: 'tweets', rows: columnRows('tweets'), align: '---' },
  { page: 'data-dictionary.md', name: 'scored', rows: columnRows('scored'), align: '---' },
  { page: 'data-dictionary.md', name: 'labels', rows: columnRows('labels'), align: '---' },
  { page: 'data-dictionary.md', name: 'raw tweets', rows: columnRows('raw_tweets'), align: '---' },
  { page: 'data-dictionary.md', name: 'quarantine', rows: columnRows('quarantine'), align: '---' },
  { page: 'data-dictionary.md', name: 'executions', rows: columnRows('executions'), align: '---' },
  { page: 'data-dictionary.md', name: 'questions', rows: questionRows, align: '---' },
  { page: 'scale.md', name: 'objects', rows: objectsADay, align: '---:' },
  { page: 'scale.md', name: 'limits', rows: limitRows, align: '---' },
  { page: 'scale.md', name: 'months', rows: monthRows, align: '---:' },
];

const row = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;

/** The page with its table between the two marker comments. Throws when they are not there. */
export function withTable(text: string, { page, name, rows, align }: Table): string {
  const block = new RegExp(`(<!-- ${name}: [^\\n]* -->\\n)[^]*?\\n(<!-- end of ${name} -->)`);
  if (!block.test(text)) {
    throw new Error(`docs/${page} must hold <!-- ${name}: … --> and <!-- end of ${name} -->`);
  }
  const [head = [], ...body] = rows();
  const lines = [row(head), row(head.map(() => align)), ...body.map(row)];
  return text.replace(
    block,
    (_, start: string, end: string) => `${start}${lines.join('\n')}\n${end}`,
  );
}

export const pathOf = ({ page }: Table): string => join(__dirname, '../../docs', page);

if (require.main === module) {
  for (const table of tables) {
    writeFileSync(pathOf(table), withTable(readFileSync(pathOf(table), 'utf8'), table));
  }
}
