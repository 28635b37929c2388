import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CreateStreamCommand } from '@aws-sdk/client-kinesis';
import { CreateSecretCommand } from '@aws-sdk/client-secrets-manager';
import { build } from 'esbuild';
import fc from 'fast-check';
import { Launcher } from '../../functions/support/launcher';
import { KillingProxy, ProcessPlayer } from './processes';
import { realScripts } from './script';
import { verdict } from './verdict';
import { XHost } from './world';

/*
 * As scripts.test.ts, but with the Lambda's own handler in a process for each call, on the embedded cloud's
 * S3 and Kinesis, and with SIGKILL. Time is real, so nothing waits for days, and kills come by the number
 * of a request on the wire.
 */
const seed = Number(process.env['DRILL_SEED'] ?? Date.now() % 2 ** 31);
const numRuns = Number(process.env['DRILL_PROCESS_SCRIPTS'] ?? 30);
const path = process.env['DRILL_PATH'];

const folder = mkdtempSync(join(tmpdir(), 'lake-ingest-drill-'));
const program = join(folder, 'lambda.js');
let launcher: Launcher;
let x: XHost;
let proxy: KillingProxy;
let streams = 0;

beforeAll(async () => {
  await build({
    entryPoints: [join(__dirname, 'lambda.ts')],
    outfile: program,
    bundle: true,
    platform: 'node',
    // As the stack bundles it.
    mainFields: ['module', 'main'],
    logLevel: 'error',
  });
  [launcher, x] = await Promise.all([Launcher.start(), XHost.start()]);
  proxy = await KillingProxy.start(launcher.behind);
  for (const [Name, SecretString] of [
    ['x-token', 'token'],
    ['forgotten', 'f'.repeat(64)],
  ]) {
    await launcher.secrets().send(new CreateSecretCommand({ Name, SecretString }));
  }
});
afterAll(async () => {
  await Promise.all([launcher.stop(), x.stop(), proxy.stop()]);
  rmSync(folder, { recursive: true, force: true });
});

test(
  `${numRuns} scripts of real processes and real kills from seed ${seed} lose, double and overspend nothing`,
  async () => {
    process.stderr.write(`DRILL_SEED=${seed}\n`);
    await fc.assert(
      fc.asyncProperty(realScripts, async (script) => {
        const kinesis = launcher.kinesis();
        streams += 1;
        const stream = `drill-${streams}`;
        await kinesis.send(new CreateStreamCommand({ StreamName: stream, ShardCount: 1 }));
        const player = new ProcessPlayer(script, x, {
          lake: await launcher.lake(),
          kinesis,
          stream,
          secret: 'x-token',
          forgottenSecret: 'forgotten',
          proxy,
          program,
        });

        await player.play();
        await player.collect();

        expect(verdict(player)).toEqual([]);
      }),
      {
        seed,
        numRuns,
        interruptAfterTimeLimit: 20 * 60_000,
        markInterruptAsFailure: true,
        ...(path !== undefined && { path, endOnFailure: true }),
      },
    );
  },
  25 * 60_000,
);
