import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Images } from './buildah';
import { output } from './commands';
import { Outcome, type Orders } from './orders';

/**
 * Starts an image's ENTRYPOINT with SageMaker's argument (`train` or `serve`), its ENV and WORKDIR, and a folder as /opt/ml:
 * no network, and nothing but /opt/ml and /tmp can be written.
 */
export function start(
  images: Images,
  tag: string,
  optMl: string,
  argument: 'train' | 'serve',
  more: { environment?: Record<string, string>; texts?: readonly string[] },
): Outcome {
  const { entrypoint, workdir, environment } = images.inspect(tag);
  const { container, root } = images.mount(tag);
  try {
    mkdirSync(join(root, 'opt/ml'), { recursive: true });
    const orders: Orders = {
      root,
      optMl,
      workdir,
      program: [...entrypoint, argument],
      environment: { ...environment, HOME: '/root', ...more.environment },
      texts: more.texts === undefined ? undefined : [...more.texts],
      limitSeconds: 600,
    };
    const printed = output('unshare', [
      ...['--mount', '--net', '--pid', '--fork', '--kill-child', process.execPath],
      ...['--import', 'tsx', join(__dirname, 'sealed.ts'), JSON.stringify(orders)],
    ]);
    return Outcome.parse(JSON.parse(printed));
  } finally {
    images.drop(container);
  }
}
