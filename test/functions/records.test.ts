import type { LakeBucket } from '../../functions/lake/objects';
import { listObjects } from '../../functions/lake/objects';
import { keepRecord } from '../../functions/lake/records';
import { eachWithLake } from './support/each-with-lake';
import { readJsonObject } from './support/launcher';

let lake: LakeBucket;
eachWithLake((fresh) => {
  lake = fresh;
});

const key = 'processed-data/audit/executions/night-0.json';
const keys = async () => (await listObjects(lake, 'processed-data/audit/')).map((one) => one.key);

test('the same record again changes nothing', async () => {
  expect(await keepRecord(lake, key, { events: [1] })).toBe(key);
  expect(await keepRecord(lake, key, { events: [1] })).toBe(key);

  expect(await keys()).toEqual([key]);
});

test('another record goes beside the first, and replaces nothing, however often it comes', async () => {
  await keepRecord(lake, key, { events: ['true'] });

  const beside = await keepRecord(lake, key, { events: ['forged'] });
  await keepRecord(lake, key, { events: ['forged'] });

  expect(beside).toMatch(/night-0-[0-9a-f]{12}\.json$/);
  expect(await keys()).toEqual([beside, key].sort());
  expect(await readJsonObject(lake, key)).toEqual({ events: ['true'] });
  expect(await readJsonObject(lake, beside)).toEqual({ events: ['forged'] });
});
