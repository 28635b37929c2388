/* An import as `lake -- import-tweets` and the ingest's handler make it; what it took as JSON on stdout. */
import { S3Client } from '@aws-sdk/client-s3';
import { readTweets, uploadTweets } from '../../cli/tweets/import';
import { handler } from '../../functions/ingest-tweets';
import { stepInput } from '../functions/support/state';

async function main(): Promise<void> {
  const bucket = {
    s3: new S3Client({ forcePathStyle: true }),
    bucket: process.env['BUCKET'] ?? '',
  };
  const startedAt = performance.now();
  const tweets = readTweets(process.argv.slice(2));
  const pages = await uploadTweets(bucket, tweets);
  const uploading = (performance.now() - startedAt) / 1000;

  const plan = {
    ...stepInput().state.plan,
    mode: 'import' as const,
    source: { kind: 'import' as const, name: tweets.name },
    queries: [],
  };
  let calls = 1;
  let answer = await handler(stepInput({ plan }));
  while (answer.status === 'MORE') {
    answer = await handler(stepInput({ plan, ingest: answer }));
    calls += 1;
  }
  if (answer.status !== 'DONE' || answer.written !== tweets.records)
    throw new Error(JSON.stringify(answer));
  const seconds = (performance.now() - startedAt) / 1000;
  const megabytes = process.resourceUsage().maxRSS / 1024;
  const said = { tweets: answer.written, seconds, megabytes, uploading, pages, calls };
  process.stdout.write(`${JSON.stringify(said)}\n`, () => process.exit(0));
}

void main();
