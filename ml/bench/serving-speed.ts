/**
 * `tsx serving-speed.ts <batch> <texts.json> <model folder>`: tweets/s of the serving program's own
 * model in one process of one thread, tokenizing included, and the most memory it took.
 */
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { Model } from '../serving/model';
import { MAX_TEXTS } from '../serving/requests';

const MILLISECONDS = 6_000;

async function main([batch, textsFile, folder]: readonly string[]): Promise<void> {
  const size = Number(batch);
  const texts = z.array(z.string()).parse(JSON.parse(readFileSync(textsFile ?? '', 'utf8')));
  const model = await Model.load(folder ?? '', { threads: 1 });
  await model.predict(texts.slice(0, 64));
  const started = performance.now();
  let done = 0;
  // A batch of one is a request of one; larger ones are cut by the program out of a large request, by length.
  const together = size === 1 ? 1 : MAX_TEXTS;
  while (performance.now() - started < MILLISECONDS) {
    const request = texts.slice(done % texts.length, (done % texts.length) + together);
    await model.predict(request);
    done += request.length;
  }
  const seconds = (performance.now() - started) / 1000;
  process.stdout.write(
    JSON.stringify({
      tweets_per_second: done / seconds,
      peak_megabytes: process.resourceUsage().maxRSS / 1000,
    }),
  );
}

void main(process.argv.slice(2));
