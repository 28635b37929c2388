/* The least that importing can be: the files' lines, read and parsed, 500 at a time into an object and onto the stream. */
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { gzipSync } from 'node:zlib';
import { KinesisClient, PutRecordsCommand } from '@aws-sdk/client-kinesis';
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import { z } from 'zod';

const LINES_A_PAGE = 500;
const Tweet = z.looseObject({ id: z.string() });

async function main(): Promise<void> {
  const { BUCKET = '', STREAM_NAME = '' } = process.env;
  const s3 = new S3Client({ forcePathStyle: true });
  const kinesis = new KinesisClient({ requestHandler: new NodeHttpHandler() });
  const startedAt = performance.now();
  let tweets = 0;
  let page: z.infer<typeof Tweet>[] = [];
  const write = async () => {
    const Body = gzipSync(page.map((tweet) => `${JSON.stringify(tweet)}\n`).join(''));
    const Key = `raw-data/tweets/${tweets}.ndjson.gz`;
    await s3.send(new PutObjectCommand({ Bucket: BUCKET, Key, Body }));
    const Records = page.map((tweet) => ({
      PartitionKey: tweet.id,
      Data: Buffer.from(JSON.stringify(tweet)),
    }));
    const { FailedRecordCount } = await kinesis.send(
      new PutRecordsCommand({ StreamName: STREAM_NAME, Records }),
    );
    if (FailedRecordCount !== 0) throw new Error(`${FailedRecordCount} records were refused`);
    page = [];
  };
  for (const file of process.argv.slice(2)) {
    for await (const line of createInterface({ input: createReadStream(file) })) {
      page.push(Tweet.parse(JSON.parse(line)));
      tweets += 1;
      if (page.length === LINES_A_PAGE) await write();
    }
  }
  if (page.length > 0) await write();
  const seconds = (performance.now() - startedAt) / 1000;
  const megabytes = process.resourceUsage().maxRSS / 1024;
  process.stdout.write(`${JSON.stringify({ tweets, seconds, megabytes })}\n`, () =>
    process.exit(0),
  );
}

void main();
