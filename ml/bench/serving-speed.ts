/**
 * `tsx serving-speed.ts <batch> <texts.json> <model folder>`: tweets/s of the serving program's own
 * model in one process of one thread, tokenizing included, and the most memory it took.
 */
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { Model } from '../serving/model';

const MILLISECONDS = 6_000;

async function main([batch, textsFile, folder]: readonly string[]): Promise<void> {
  const size = Number(batch);
  const texts = z.array(z.string()).parse(JSON.parse(readFileSync(textsFile ?? '', 'utf8')));
  const model = await Model.load(folder ?? '', { threads: 1 });
  await model.predict(texts.slice(0, size));
  const started = performance.now();
  let done = 0;
  while (performance.now() - started < MILLISECONDS) {
    const place = done % Math.max(1, texts.length - size);
    await model.predict(texts.slice(place, place + size));
    done += size;
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
