import type { LakeBucket } from '../../functions/lake/objects';
import { emptyList, Forgotten, randomMarker } from '../../functions/lake/forgotten';
import { markModels } from '../../erasure/models';
import { Finder } from '../../erasure/rewrites';
import { keysBelow, Launcher, put } from '../functions/support/launcher';

let launcher: Launcher;
let lake: LakeBucket;

beforeAll(async () => {
  launcher = await Launcher.start();
});
afterAll(() => launcher.stop());
beforeEach(async () => {
  lake = await launcher.lake();
});

const holding = { date: '2026-11-23', version: 'run=a', folder: 'cleaned-data/a/', rows: 1 };
const requestKey = (job: string) => `model-outputs/${job}/input/request.json`;
const request = (version = holding.version) => ({
  schema_version: 1,
  cleaned_data: [{ date: holding.date, version, location: 's3://lake/a', rows: 3 }],
  labels: [],
});
const mark = () => {
  const marker = randomMarker();
  const finder = new Finder(new Forgotten(emptyList(marker), marker));
  const work = { lake, finder, mustHold: () => undefined };
  return markModels(work, [holding], [], new Date('2026-11-28T00:00:00Z'));
};

test('marks the models that were given a version, and no others', async () => {
  await put(lake, requestKey('given'), JSON.stringify(request()));
  await put(lake, requestKey('another'), JSON.stringify(request('run=b')));

  expect(await mark()).toEqual({ marked: ['given'], unreadable: [] });
  expect((await keysBelow(lake, 'model-outputs/')).sort()).toEqual([
    'model-outputs/another/input/request.json',
    expect.stringMatching(/^model-outputs\/given\/(?!input)/),
    'model-outputs/given/input/request.json',
  ]);
});

test.each([
  ['damaged', '{"schema_ver'],
  ['of a newer version', JSON.stringify({ ...request(), schema_version: 2 })],
  ['no request', '[]'],
])('names a training request that is %s, and marks the others', async (_, content) => {
  await put(lake, requestKey('unknown'), content);
  await put(lake, requestKey('given'), JSON.stringify(request()));

  expect(await mark()).toEqual({ marked: ['given'], unreadable: [requestKey('unknown')] });
});
