import { createHash } from 'node:crypto';
import { getText, putIf } from './objects';
import type { LakeBucket } from './objects';

/**
 * Keeps a record of a run as JSON, for good: the bucket's policy lets the role of the records write new objects below
 * processed-data/audit/, and replace none. The same record again changes nothing; another one where the key is taken goes
 * beside it, with its hash in the key. Answers the key it lies under.
 */
export async function keepRecord(lake: LakeBucket, key: string, value: unknown): Promise<string> {
  const text = `${JSON.stringify(value, null, 2)}\n`;
  const write = (where: string) => putIf(lake, where, text, 'application/json', { ifMatch: null });
  if ((await write(key)) !== null) return key;
  if ((await getText(lake, key))?.text === text) return key;
  const hash = createHash('sha256').update(text).digest('hex').slice(0, 12);
  const beside = key.replace(/\.json$/, `-${hash}.json`);
  // Where this is taken, too, it is by this very record.
  await write(beside);
  return beside;
}
