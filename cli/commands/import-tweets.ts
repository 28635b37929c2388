import { z } from 'zod';
import { argument, command, encoding, env } from '../command';
import { withLake } from '../lake';
import { parseEncoding, sayLost } from '../read-text';
import { finishRun } from '../report/finish';
import { startRun } from '../run/launch';
import { readTweets, uploadTweets } from '../tweets/import';

export default command({
  name: 'import-tweets',
  group: 'Labels and data',
  about: 'Import tweets that you own: X API v2 JSON or JSON Lines, gzipped or not',
  examples: [
    'npm run lake -- import-tweets mine.ndjson.gz',
    'npm run lake -- import-tweets 2025.ndjson.gz 2026.ndjson.gz',
  ],
  input: z.object({
    files: argument('<files...>', 'the files: one import, one run', z.array(z.string())),
    encoding,
    env,
  }),
  run: async ({ workspace, screen, notes }, { files, encoding: name, env: place }) => {
    // A file that cannot be read is rejected before a lake is booted.
    const tweets = readTweets(files, name === undefined ? null : parseEncoding(name));
    return withLake({ workspace, screen, notes }, place, async (session) => {
      const { people, outputs } = session;
      const bucket = { s3: people.labeller.s3, bucket: outputs.BucketName };
      const written = await uploadTweets(bucket, tweets);
      screen.say(
        `${tweets.records} records of ${files.join(', ')} → raw-data/imports/${tweets.name}/${written === 0 ? ' (they were there already)' : ''}`,
      );
      sayLost(screen, tweets.damaged);
      const request = { mode: 'import', import: tweets.name };
      return finishRun(
        workspace,
        session,
        screen,
        await startRun(workspace, session, screen, request),
      );
    });
  },
});
