import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { UserError } from '../../session/user-error';
import { baseVersion, makeBases, type Suite } from './base-images';
import { Images } from './buildah';
import {
  build,
  dockerfileOf,
  failToTrain,
  kinds,
  layContext,
  say,
  serve,
  train,
  type Work,
} from './checks';
import { checkMachine } from './commands';

/*
 * `npm run test:images`: executes every line of both Dockerfiles without Docker, and starts what comes of them as
 * SageMaker does. docs/images.md says what this shows, and what it cannot show.
 */

function main(): void {
  const { values } = parseArgs({
    options: {
      python: { type: 'string', default: 'bookworm' },
      'torch-index': { type: 'string', default: '' },
      folder: { type: 'string' },
    },
  });
  if (values.python !== 'trixie' && values.python !== 'bookworm')
    throw new UserError(
      `--python is trixie (3.13, as the image) or bookworm (3.11), not ${values.python}`,
    );
  const suite: Suite = values.python;
  checkMachine();
  const folder =
    values.folder === undefined
      ? mkdtempSync(join(tmpdir(), 'lake-images-'))
      : resolve(values.folder);
  mkdirSync(folder, { recursive: true });
  try {
    const images = new Images(join(folder, 'images'));
    const context = layContext(folder);
    const node = baseVersion(dockerfileOf('serving', context), 'node');
    const bases = makeBases(images, folder, node, suite, say);
    say(
      `Base images: Debian bookworm with Node ${node}; Debian ${suite} with its Python (the image has ${baseVersion(dockerfileOf('training', context), 'python')})`,
    );
    const work: Work = { images, folder, context, bases, torchIndex: values['torch-index'] };
    for (const kind of kinds) build(work, kind);
    const model = train(work);
    failToTrain(work);
    serve(work, model);
    say('Both Dockerfiles build, and what they build trains and serves.');
  } finally {
    if (values.folder === undefined) rmSync(folder, { recursive: true, force: true });
  }
}

try {
  main();
} catch (error) {
  if (!(error instanceof UserError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}
