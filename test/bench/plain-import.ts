/* The least that importing can be: the files' lines, read and parsed, 500 at a time into gzipped files. */
import { createReadStream, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { gzipSync } from 'node:zlib';

const LINES_A_FILE = 500;

async function main(): Promise<void> {
  const [, , folder = '', ...files] = process.argv;
  const startedAt = performance.now();
  let tweets = 0;
  let page: string[] = [];
  const write = () => {
    writeFileSync(join(folder, `${tweets}.ndjson.gz`), gzipSync(page.join('')));
    page = [];
  };
  for (const file of files) {
    for await (const line of createInterface({ input: createReadStream(file) })) {
      const tweet: unknown = JSON.parse(line);
      page.push(`${JSON.stringify(tweet)}\n`);
      tweets += 1;
      if (page.length === LINES_A_FILE) write();
    }
  }
  if (page.length > 0) write();
  const seconds = (performance.now() - startedAt) / 1000;
  const megabytes = process.resourceUsage().maxRSS / 1024;
  process.stdout.write(`${JSON.stringify({ tweets, seconds, megabytes })}\n`);
}

void main();
