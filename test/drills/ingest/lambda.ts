/* One call of the Lambda in a process of its own: the event on stdin, the answer as the last line of stdout. */
import { text } from 'node:stream/consumers';
import { handler } from '../../../functions/ingest-tweets';

async function main(): Promise<void> {
  const event: unknown = JSON.parse(await text(process.stdin));
  const answer = await handler(event).catch((error: unknown) => ({
    failed: error instanceof Error ? `${error.name}: ${error.message}` : String(error),
  }));
  process.stdout.write(`${JSON.stringify(answer)}\n`, () => process.exit(0));
}

void main();
