import { createHash } from 'node:crypto';
import { getText, putIf } from './objects';
import type { LakeBucket } from './objects';

/**
 * Stores an audit record of a run as JSON. The bucket policy lets the writing role create objects below
 * processed-data/audit/ but not replace them. Writing the same record again changes nothing; a different record under
 * the same key gets a key with its hash. Returns the key.
 */
export async function keepRecord(lake: LakeBucket, key: string, value: unknown): Promise<string> {
  const text = `${JSON.stringify(value, null, 2)}\n`;
  const write = (where: string) => putIf(lake, where, text, 'application/json', { ifMatch: null });
  if ((await write(key)) !== null) return key;
  if ((await getText(lake, key))?.text === text) return key;
  const hash = createHash('sha256').update(text).digest('hex').slice(0, 12);
  const beside = key.replace(/\.json$/, `-${hash}.json`);
  // If this key exists, too, it holds this same record.
  await write(beside);
  return beside;
}
