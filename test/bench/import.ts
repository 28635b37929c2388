/* An import as `lake -- import-tweets` and the ingest's handler make it; what it took as JSON on stdout. */
import { S3Client } from '@aws-sdk/client-s3';
import { readTweets, uploadTweets } from '../../cli/tweets/import';
import { handler } from '../../functions/ingest-tweets';
import { stepInput } from '../functions/support/state';

async function main(): Promise<void> {
  const files = process.argv.slice(2);
  const bucket = {
    s3: new S3Client({ forcePathStyle: true }),
    bucket: process.env['BUCKET'] ?? '',
  };
  const total = { tweets: 0, seconds: 0, uploading: 0, pages: 0, calls: 0 };
  for (const [index, file] of files.entries()) {
    const startedAt = performance.now();
    const tweets = readTweets([file]);
    total.pages += await uploadTweets(bucket, tweets);
    total.uploading += (performance.now() - startedAt) / 1000;

    const plan = {
      ...stepInput().state.plan,
      runId: `20261124-021500-0000000${index}`,
      mode: 'import' as const,
      source: { kind: 'import' as const, name: tweets.name },
      queries: [],
    };
    let answer = await handler(stepInput({ plan }));
    total.calls += 1;
    while (answer.status === 'MORE') {
      answer = await handler(stepInput({ plan, ingest: answer }));
      total.calls += 1;
    }
    if (answer.status !== 'DONE' || !answer.complete) throw new Error(JSON.stringify(answer));
    if (answer.written !== tweets.records) throw new Error(JSON.stringify(answer));
    total.tweets += answer.written;
    total.seconds += (performance.now() - startedAt) / 1000;
  }
  const megabytes = process.resourceUsage().maxRSS / 1024;
  process.stdout.write(`${JSON.stringify({ ...total, megabytes })}\n`, () => process.exit(0));
}

void main();
