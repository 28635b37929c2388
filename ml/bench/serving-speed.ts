/**
 * `tsx serving-speed.ts <batch> <texts.json> <model folder>` prints the tweets/s of the serving program's model in one
 * process with one thread, tokenizing included.
 */
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { Model } from '../serving/model';
import { MAX_TEXTS } from '../serving/requests';

const MILLISECONDS = 6_000;

async function main([batch, textsFile, folder]: readonly string[]): Promise<void> {
  const texts = z.array(z.string()).parse(JSON.parse(readFileSync(textsFile ?? '', 'utf8')));
  const model = await Model.load(folder ?? '');
  await model.predict(texts.slice(0, 64));
  // The program itself sorts a large request by length and cuts it into batches of 64.
  const textsPerRequest = batch === '1' ? 1 : MAX_TEXTS;
  const started = performance.now();
  let done = 0;
  while (performance.now() - started < MILLISECONDS) {
    const place = done % texts.length;
    const request = texts.slice(place, place + textsPerRequest);
    await model.predict(request);
    done += request.length;
  }
  const seconds = (performance.now() - started) / 1000;
  process.stdout.write(JSON.stringify({ tweets_per_second: done / seconds }));
}

void main(process.argv.slice(2));
