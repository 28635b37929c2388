import { mkdtempSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RatedText } from '../../../embedded/corpus/read-corpus';
import { createXApi, type XApiOptions } from '../../../embedded/x-api/handler';

export const boot = Date.parse('2026-11-24T02:15:00Z');
export const hour = 3_600_000;

/** 140 texts: with a seventh held back, 120 are visible at first. */
export const texts: RatedText[] = Array.from({ length: 140 }, (_, index) => ({
  row: index + 1,
  text: `${index % 2 ? 'I love' : 'I hate'} number ${index} &amp; more`,
  rating: index % 2 ? 2 : -2,
}));

export const newHome = (): string => mkdtempSync(join(tmpdir(), 'x-api-'));

/** The stand-in on a port of its own, at a time that the test moves. */
export async function startStandIn(
  options: Partial<XApiOptions> = {},
): Promise<{ url: string; clock: { now: number }; server: Server }> {
  const clock = { now: boot };
  const handler = createXApi({
    home: newHome(),
    readTexts: () => texts,
    now: () => clock.now,
    ...options,
  });
  const server = createServer(handler);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address: AddressInfo | string | null = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  return { url: `http://127.0.0.1:${port}/_x/2/`, clock, server };
}
