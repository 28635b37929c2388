/* The least that ingesting can be: twitter-api-v2, page after page, into gzipped files. */
import { writeFileSync } from 'node:fs';
import { Agent } from 'node:http';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { TwitterApi } from 'twitter-api-v2';
import { z } from 'zod';

const Page = z.object({
  data: z.array(z.unknown()).default([]),
  meta: z.object({ next_token: z.string().optional() }),
});

async function main(): Promise<void> {
  const [, , url = '', folder = ''] = process.argv;
  const startedAt = performance.now();
  const client = new TwitterApi('token', { httpAgent: new Agent() }).readOnly.v2;
  let tweets = 0;
  let token: string | undefined;
  for (let page = 0; ; page += 1) {
    const answer: unknown = await client.get(
      'tweets/search/recent',
      {
        query: '(tea)',
        max_results: 100,
        'tweet.fields': 'id,text,author_id,created_at,lang,public_metrics',
        expansions: 'author_id',
        'user.fields': 'id,username',
        ...(token !== undefined && { next_token: token }),
      },
      { prefix: `${url}/2/` },
    );
    const { data, meta } = Page.parse(answer);
    const lines = data.map((tweet) => `${JSON.stringify(tweet)}\n`).join('');
    writeFileSync(join(folder, `${page}.ndjson.gz`), gzipSync(lines));
    tweets += data.length;
    token = meta.next_token;
    if (token === undefined) break;
  }
  const seconds = (performance.now() - startedAt) / 1000;
  const said = { tweets, seconds, megabytes: process.resourceUsage().maxRSS / 1024 };
  process.stdout.write(`${JSON.stringify(said)}\n`);
}

void main();
