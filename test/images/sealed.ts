import { execFileSync, spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { Orders, type Outcome } from './orders';

/*
 * Runs in mount, network and pid namespaces of its own (container.ts starts it so): an image's program as SageMaker
 * starts it, but without any network, and with a root that it cannot write. /opt/ml and /tmp are writable.
 */

const mount = (...args: string[]): void => {
  execFileSync('mount', args);
};

function seal({ root, optMl }: Orders): void {
  mount('--make-rprivate', '/');
  mount('--bind', root, root);
  mount('--bind', optMl, `${root}/opt/ml`);
  mount('-t', 'tmpfs', 'tmpfs', `${root}/tmp`);
  mount('-t', 'proc', 'proc', `${root}/proc`);
  mount('--rbind', '/dev', `${root}/dev`);
  mount('-o', 'remount,bind,ro', root);
  execFileSync('ip', ['link', 'set', 'lo', 'up']);
}

const address = 'http://127.0.0.1:8080';

/** What SageMaker asks of a container that serves: /ping within two minutes, then /invocations. */
async function question(texts: readonly string[]): Promise<Outcome['answer']> {
  const started = Date.now();
  while (Date.now() - started < 120_000) {
    const ping = await fetch(`${address}/ping`).catch(() => undefined);
    if (ping?.status !== 200) {
      await sleep(100);
      continue;
    }
    const ready = Date.now() - started;
    const answer = await fetch(`${address}/invocations`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ texts }),
    });
    return { readyMillis: ready, status: answer.status, body: await answer.text() };
  }
  return { readyMillis: -1, status: 0, body: 'no 200 from /ping within two minutes' };
}

async function main(orders: Orders): Promise<Outcome> {
  seal(orders);
  const { root, workdir, program, environment, texts, limitSeconds } = orders;
  const child = spawn('chroot', [root, 'sh', '-c', 'cd "$0" && exec "$@"', workdir, ...program], {
    env: environment,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (data: Buffer) => (said = (said + data.toString()).slice(-20_000)));
  const limit = setTimeout(() => child.kill('SIGKILL'), limitSeconds * 1000);
  const ended = new Promise<number>((done) => {
    child.on('close', (code, signal) => done(code ?? (signal === 'SIGKILL' ? 137 : 143)));
  });
  let answer: Outcome['answer'];
  let stopMillis: number | undefined;
  if (texts !== undefined) {
    answer = await Promise.race([question(texts), ended.then(() => undefined)]);
    const stopped = Date.now();
    child.kill('SIGTERM');
    await ended;
    stopMillis = Date.now() - stopped;
  }
  const code = await ended;
  clearTimeout(limit);
  return { code, said, answer, stopMillis };
}

void main(Orders.parse(JSON.parse(process.argv[2] ?? ''))).then((outcome) => {
  process.stdout.write(`${JSON.stringify(outcome)}\n`);
});
