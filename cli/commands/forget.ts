import { z } from 'zod';
import { wantedIds } from '../../erasure/ids';
import { command, env, option } from '../command';
import { forget } from '../forget';
import { withLake } from '../lake';

const id = z.string().optional();

export default command({
  name: 'forget',
  alias: 'erase',
  group: 'Labels and data',
  about: 'Erase tweets, or all tweets of an author, from the lake for good',
  examples: [
    'npm run lake -- forget --tweet 1990000000000000001',
    'npm run lake -- forget --author 2100007919 --env dev',
    'npm run lake -- forget --file ids.txt',
  ],
  input: z
    .object({
      tweet: option('--tweet <id>', 'one tweet', id),
      author: option('--author <id>', 'all tweets of an author', id),
      file: option('--file <ids>', 'a file of ids: docs/erasure.md', id),
      env,
    })
    .refine(
      ({ tweet, author, file }) => [tweet, author, file].filter(Boolean).length === 1,
      'Give one of --tweet <id>, --author <id> and --file <ids>.',
    ),
  run: (context, { tweet = null, author = null, file = null, env: place }) => {
    const wanted = wantedIds({ tweet, author, file });
    return withLake(context, place, (session) =>
      forget(context.workspace, session, context.screen, wanted),
    );
  },
});
