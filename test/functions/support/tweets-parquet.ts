import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { datasets } from '../../../workflows/datasets';

const DUCKDB_TYPES = {
  string: 'varchar',
  bigint: 'bigint',
  double: 'double',
  timestamp: 'timestamptz',
  'array<string>': 'varchar[]',
};

/** A row of `tweets` that passes every check. */
export const cleanTweet = (tweetId: string, changes: Record<string, unknown> = {}) => ({
  tweet_id: tweetId,
  author_id: '77',
  author_username: 'ada',
  created_at: '2026-11-23T10:00:00Z',
  lang: 'en',
  text: `tweet ${tweetId}`,
  clean_text: 'tweet',
  tokens: ['tweet'],
  text_hash: 'a'.repeat(64),
  label: 'positive',
  label_source: 'human',
  label_confidence: 1,
  lexicon_label: 'positive',
  lexicon_compound: 0.5,
  retweet_count: 0,
  reply_count: 0,
  like_count: 0,
  quote_count: 0,
  query_name: 'keywords',
  ingest_run_id: 'r',
  ...changes,
});

/** Rows of `tweets` as the Spark job would leave them, or one of a release that lacked some columns. */
export async function tweetsParquet(
  rows: readonly object[],
  lacks: readonly string[] = [],
): Promise<Uint8Array> {
  const folder = mkdtempSync(join(tmpdir(), 'tweets-'));
  const [file, source] = [join(folder, 'part.parquet'), join(folder, 'rows.json')];
  writeFileSync(source, rows.map((row) => JSON.stringify(row)).join('\n'));
  const types = datasets.tweets.columns
    .filter(({ name }) => !lacks.includes(name))
    .map(({ name, type }) => `${name}: '${DUCKDB_TYPES[type]}'`)
    .join(', ');
  const instance = await DuckDBInstance.create();
  const connection = await instance.connect();
  await connection.run(
    `copy (select * from read_json('${source}', format = 'newline_delimited', columns = {${types}}))
     to '${file}' (format parquet)`,
  );
  connection.closeSync();
  instance.closeSync();
  const bytes = readFileSync(file);
  rmSync(folder, { recursive: true });
  return bytes;
}
