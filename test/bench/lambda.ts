/* The ingest's handler, called until it is done, as a warm Lambda is; what it took as JSON on stdout. */
import { handler } from '../../functions/ingest-tweets';
import { stepInput } from '../functions/support/state';

async function main(): Promise<void> {
  const maxTweets = Number(process.argv[2]);
  const startedAt = performance.now();
  const plan = {
    ...stepInput().state.plan,
    queries: [{ name: 'tea', query: '(tea)' }],
    maxTweets,
  };
  let answer = await handler(stepInput({ plan }));
  while (answer.status === 'MORE') answer = await handler(stepInput({ plan, ingest: answer }));
  if (answer.status !== 'DONE' || !answer.complete) throw new Error(JSON.stringify(answer));
  const seconds = (performance.now() - startedAt) / 1000;
  const said = {
    tweets: answer.written,
    seconds,
    megabytes: process.resourceUsage().maxRSS / 1024,
  };
  process.stdout.write(`${JSON.stringify(said)}\n`, () => process.exit(0));
}

void main();
