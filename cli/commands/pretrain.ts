import { z } from 'zod';
import { argument, command, encoding, env } from '../command';
import { withLakeAsItIs } from '../lake';
import { importCorpora, readCorpusFile } from '../pretrain';
import { parseEncoding } from '../read-text';

export default command({
  name: 'pretrain',
  group: 'Model',
  about: 'Import labelled corpora of other tasks, which the next training pre-trains on',
  examples: ['npm run lake -- pretrain emotion.jsonl irony.jsonl.gz'],
  input: z.object({
    files: argument('<files...>', 'JSON Lines of labelled texts', z.array(z.string())),
    encoding,
    env,
  }),
  run: async (context, { files, encoding: name, env: place }) => {
    const read = name === undefined ? null : parseEncoding(name);
    const corpora = files.map((file) => readCorpusFile(file, read));
    return withLakeAsItIs(context, place, (session) =>
      importCorpora(session, context.screen, corpora),
    );
  },
});
