import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { idAt } from '../../embedded/x-api/snowflake';

const DAY_MS = 24 * 3600 * 1000;
/** Four files for a million tweets: `import-tweets` reads files up to 256 MB. */
const TWEETS_A_FILE = 250_000;
const LINES_A_WRITE = 5000;

/** JSON Lines of invented tweets of the last days, in no order. Returns the files' paths. */
export function writeTweets(folder: string, count: number, days: number): string[] {
  const files: string[] = [];
  const now = Date.now() - 3600 * 1000;
  // A step without a common divisor visits each number once, in an order that looks like none.
  const step = 7_368_787;
  let lines: string[] = [];
  for (let index = 0; index < count; index += 1) {
    if (index % TWEETS_A_FILE === 0) files.push(join(folder, `tweets-${files.length}.ndjson`));
    const place = (index * step) % count;
    const at = new Date(now - Math.floor((place * days * DAY_MS) / count));
    lines.push(
      `${JSON.stringify({
        id: idAt(at.valueOf(), place % 4096),
        author_id: String(2_000_000 + (place % 50_000)),
        created_at: at.toISOString(),
        lang: 'en',
        text: `tweet ${place} from the quiet harbour: what a day, I love it 😀 https://t.co/${place}`,
        public_metrics: {
          retweet_count: 1,
          reply_count: 0,
          like_count: place % 50,
          quote_count: 0,
        },
        author: { username: `author_${place % 50_000}` },
      })}\n`,
    );
    if (lines.length === LINES_A_WRITE || index === count - 1) {
      appendFileSync(files.at(-1) ?? '', lines.join(''));
      lines = [];
    }
  }
  return files;
}
