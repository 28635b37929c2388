import { createHmac } from 'node:crypto';
import { CreateSecretCommand, PutSecretValueCommand } from '@aws-sdk/client-secrets-manager';
import {
  FORGOTTEN_KEY,
  Forgotten,
  ForgottenList,
  emptyList,
  randomMarker,
  readForgotten,
  readMarker,
  renewMarks,
  withIds,
} from '../../functions/lake/forgotten';
import { listObjects } from '../../functions/lake/objects';
import type { LakeBucket } from '../../functions/lake/objects';
import { Launcher, put, putJsonObject, readJsonObject, readText } from './support/launcher';

let launcher: Launcher;
let lake: LakeBucket;

beforeAll(async () => {
  launcher = await Launcher.start();
});
afterAll(() => launcher.stop());
beforeEach(async () => {
  lake = await launcher.lake();
});

const marker = randomMarker();
const list = withIds(emptyList(marker), { tweets: ['12', '13'], authors: ['7'] }, marker);

/** As version 1 wrote it: the salt beside the marks. */
function versionOne(ids: { tweets: string[]; authors: string[] }) {
  const salt = 'a0'.repeat(16);
  const mark = (text: string) => createHmac('sha256', salt).update(text).digest('hex').slice(0, 32);
  return {
    salt,
    tweets: ids.tweets.map((id) => mark(`tweet ${id}`)),
    authors: ids.authors.map((id) => mark(`author ${id}`)),
  };
}

test('knows a forgotten tweet by its own id or by its author’s, and no other', () => {
  const forgotten = new Forgotten(list, marker);

  expect(forgotten.has({ id: '12', author_id: '1' })).toBe(true);
  expect(forgotten.has({ id: '99', author_id: '7' })).toBe(true);
  // The id of one kind says nothing of the other.
  expect(forgotten.has({ id: '7', author_id: '12' })).toBe(false);
});

test('says of no id that it is on the list, and marks differ from lake to lake', () => {
  const elsewhere = randomMarker();
  const other = withIds(emptyList(elsewhere), { tweets: ['12', '13'], authors: ['7'] }, elsewhere);

  expect(JSON.stringify(list)).not.toMatch(/"(12|13|7)"/);
  expect(other.tweets).not.toEqual(list.tweets);
  expect(ForgottenList.parse(list)).toEqual(list);
});

test('ids that are on the list already do not change it', () => {
  expect(withIds(list, { tweets: ['13'], authors: ['7'] }, marker)).toBe(list);
  expect(withIds(list, { tweets: ['14'], authors: [] }, marker).tweets).toHaveLength(3);
});

test('an empty list holds nothing', () => {
  const forgotten = new Forgotten(emptyList(marker), marker);

  expect([forgotten.isEmpty, forgotten.has({ id: '1', author_id: '1' })]).toEqual([true, false]);
});

describe('with all that the bucket holds', () => {
  const authors = ['2100007919', '2100004242'];
  const tweets = ['1990000000000004321'];
  const idSpace = {
    author: Array.from({ length: 10_000 }, (_, index) => String(2_100_000_000 + index)),
    tweet: Array.from(
      { length: 10_000 },
      (_, index) => `199000000000000${String(index).padStart(4, '0')}`,
    ),
  };

  /** Tries every id under every word that stands in the bucket, as an HMAC, a plain hash, or either way round. */
  async function bruteForce(): Promise<string[]> {
    const contents = [];
    for (const { key } of await listObjects(lake, '')) contents.push(await readText(lake, key));
    const text = contents.join('\n');
    const words = new Set(['', ...(text.match(/[A-Za-z0-9+/=_-]{8,}/g) ?? [])]);
    const found = new Set<string>();
    for (const word of words) {
      for (const [kind, ids] of Object.entries(idSpace)) {
        for (const id of ids) {
          const mark = createHmac('sha256', word).update(`${kind} ${id}`).digest('hex');
          if (text.includes(`"${mark.slice(0, 32)}"`)) found.add(`${kind} ${id}`);
        }
      }
    }
    return [...found].sort();
  }

  test('trying every id finds those of a list of version 1, and none of today’s', async () => {
    await putJsonObject(lake, FORGOTTEN_KEY, versionOne({ tweets, authors }));
    expect(await bruteForce()).toEqual([
      'author 2100004242',
      'author 2100007919',
      'tweet 1990000000000004321',
    ]);

    const secrets = launcher.secrets();
    const { ARN = '' } = await secrets.send(
      new CreateSecretCommand({
        Name: `forgotten-${lake.bucket}`,
        SecretString: 's3cr3t'.repeat(10),
      }),
    );
    const ours = await readMarker(secrets, ARN);
    await putJsonObject(lake, FORGOTTEN_KEY, withIds(emptyList(ours), { tweets, authors }, ours));
    const forgotten = new Forgotten((await readForgotten(lake, ours)).list, ours);

    expect(await bruteForce()).toEqual([]);
    expect(authors.map((id) => forgotten.hasAuthor(id))).toEqual([true, true]);
    expect(idSpace.author.filter((id) => forgotten.hasAuthor(id))).toHaveLength(2);
  }, 120_000);
});

describe('a list of version 1', () => {
  const ids = { tweets: ['12', '13'], authors: ['7'] };

  test('is honoured, and each id gets a new mark when it is seen again', async () => {
    await putJsonObject(lake, FORGOTTEN_KEY, versionOne(ids));
    const { list: known } = await readForgotten(lake, marker);
    const forgotten = new Forgotten(known, marker);

    expect(forgotten.isEmpty).toBe(false);
    expect(forgotten.has({ id: '12', author_id: '1' })).toBe(true);
    expect(forgotten.has({ id: '14', author_id: '1' })).toBe(false);
    await renewMarks(lake, forgotten, marker);

    const { list: renewed } = await readForgotten(lake, marker);
    expect(renewed).toMatchObject({
      tweets: [marker('tweet', '12')],
      authors: [],
      legacy: { tweets: [expect.any(String)], authors: [expect.any(String)] },
    });
    const again = new Forgotten(renewed, marker);
    expect(['12', '13'].map((id) => again.hasTweet(id))).toEqual([true, true]);
    expect(again.hasAuthor('7')).toBe(true);
    await renewMarks(lake, again, marker);

    const { list: last } = await readForgotten(lake, marker);
    // Whether a command of before has not ended nobody knows: the next one has to look at everything.
    expect(last).toEqual({
      ...withIds(emptyList(marker), ids, marker),
      unfinished: [expect.any(String)],
      legacy: null,
    });
  });

  test('ids that are forgotten once more leave the old part', () => {
    const old = { ...emptyList(marker), legacy: versionOne(ids) };

    expect(withIds(old, { tweets: ['12', '13'], authors: [] }, marker).legacy?.tweets).toEqual([]);
    expect(withIds(old, ids, marker).legacy).toBeNull();
  });

  test('nothing is written where no id of it was seen', async () => {
    const before = versionOne(ids);
    await putJsonObject(lake, FORGOTTEN_KEY, before);
    const { list: known } = await readForgotten(lake, marker);
    await renewMarks(lake, new Forgotten(known, marker), marker);

    expect(await readJsonObject(lake, FORGOTTEN_KEY)).toEqual(before);
  });
});

describe('the secret', () => {
  const secretOf = async (SecretString: string) => {
    const Name = `s-${Math.random().toString(36).slice(2)}`;
    const { ARN = '' } = await launcher
      .secrets()
      .send(new CreateSecretCommand({ Name, SecretString }));
    return ARN;
  };

  test('another one is noticed: no id would be found on the list', async () => {
    await putJsonObject(lake, FORGOTTEN_KEY, list);

    await expect(readForgotten(lake, randomMarker())).rejects.toThrow(
      'was written under another secret',
    );
  });

  test('one that is too short to keep anything is refused, and asked for again', async () => {
    const secrets = launcher.secrets();
    const arn = await secretOf('short');
    await expect(readMarker(secrets, arn)).rejects.toThrow('holds 5 characters');

    await secrets.send(new PutSecretValueCommand({ SecretId: arn, SecretString: 'x'.repeat(64) }));
    expect((await readMarker(secrets, arn))('tweet', '1')).toMatch(/^[0-9a-f]{32}$/);
  });

  test('gives the same marks in every process', async () => {
    const [one, other] = [await secretOf('y'.repeat(64)), await secretOf('y'.repeat(64))];

    expect((await readMarker(launcher.secrets(), one))('author', '7')).toBe(
      (await readMarker(launcher.secrets(), other))('author', '7'),
    );
  });
});

test('a list that is none stops whoever reads it', async () => {
  await put(lake, FORGOTTEN_KEY, '{"schemaVersion":3}');

  await expect(readForgotten(lake, marker)).rejects.toMatchObject({ name: 'ContractBroken' });
});
