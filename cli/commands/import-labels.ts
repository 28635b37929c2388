import { z } from 'zod';
import { argument, command, encoding, env, flag, option, yes } from '../command';
import { withLakeAsItIs } from '../lake';
import { importBundledLabels } from '../labels/bundled';
import { parseMap } from '../labels/classes';
import { readLabelFile } from '../labels/import';
import { importLabels } from '../labels/preview';
import { parseDelimiter, quotes } from '../labels/table';
import { parseEncoding } from '../read-text';

export default command({
  name: 'import-labels',
  group: 'Labels and data',
  about: "Import human labels from a file (CSV, TSV, JSON Lines, TweetEval's layout)",
  examples: [
    'npm run lake -- import-labels mine.csv',
    'npm run lake -- import-labels mine.csv --map neg=negative,4=positive --yes',
    'npm run lake -- import-labels --bundled --env dev',
  ],
  input: z
    .object({
      file: argument('[file]', 'the file, or a folder of TweetEval', z.string().optional()),
      bundled: flag('--bundled', 'import the rated corpus that comes with the project'),
      source: option(
        '--source <name>',
        'whose labels they are (default: name of the file)',
        z.string().optional(),
      ),
      textColumn: option(
        '--text-column <column>',
        'name or number (default: text)',
        z.string().optional(),
      ),
      labelColumn: option(
        '--label-column <column>',
        'name or number (default: label)',
        z.string().optional(),
      ),
      map: option(
        '--map <word=label,...>',
        "what the file's words mean: negative, neutral, positive or skip; may be repeated",
        z.array(z.string()).default([]),
      ),
      delimiter: option('--delimiter <sign>', 'between columns', z.string().optional()),
      quote: option(
        '--quote <rule>',
        `how to read quotation marks: ${quotes.join(', ')}`,
        z.enum(quotes).optional(),
      ),
      header: option('--no-header', 'the first line is a row already', z.boolean()),
      encoding,
      yes,
      env,
    })
    .refine(
      ({ file, bundled }) => (file === undefined) === bundled,
      'Give one file, or --bundled.',
    ),
  // The bundled corpus is brought by the set-up, whichever environment it is for.
  needs: ({ bundled, env: place }) => ({ cloud: bundled || place === 'local' }),
  run: async (context, { file, source = null, yes: sure, env: place, ...given }) => {
    const { workspace, screen } = context;
    // A file that cannot be read is rejected before a lake is booted.
    const labels =
      file === undefined
        ? null
        : readLabelFile(file, {
            source,
            columns: {
              text: given.textColumn ?? null,
              label: given.labelColumn ?? null,
              map: given.map.length === 0 ? new Map() : parseMap(given.map),
              delimiter: given.delimiter === undefined ? null : parseDelimiter(given.delimiter),
              quote: given.quote ?? null,
              header: given.header,
            },
            encoding: given.encoding === undefined ? null : parseEncoding(given.encoding),
          });
    return withLakeAsItIs(context, place, (session) =>
      labels === null
        ? importBundledLabels(workspace, session, screen)
        : importLabels(workspace, session, screen, labels, sure),
    );
  },
});
