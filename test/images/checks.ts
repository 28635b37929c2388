import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { buildContext } from '../../infra/constructs/model/container-images';
import { UserError } from '../../session/user-error';
import { wheelFolders } from './base-images';
import { acceptedManifest, type Images } from './buildah';
import { output } from './commands';
import { start } from './container';

const root = resolve(__dirname, '..', '..');
export const kinds = ['serving', 'training'] as const;
type Kind = (typeof kinds)[number];

/** SageMaker's limit of an image for a serverless endpoint (its page "Serverless inference", memory and containers). */
const largestServing = 10e9;

export const say = (line: string): void => {
  process.stdout.write(`${line}\n`);
};
const megabytes = (size: number): string => `${Math.round(size / 1e6).toLocaleString('en')} MB`;

function must(holds: boolean, what: string, otherwise: string): void {
  if (!holds) throw new UserError(`✗ ${what}: ${otherwise}`);
  say(`  ✓ ${what}`);
}

/** The files that CodeBuild is given, and no other: a COPY of anything else fails here as it would there. */
export function layContext(folder: string): string {
  const context = join(folder, 'context');
  rmSync(context, { recursive: true, force: true });
  for (const path of buildContext)
    cpSync(join(root, path), join(context, path), {
      recursive: true,
      filter: (from) => !/(^|\/)(node_modules|__pycache__)$/.test(from),
    });
  return context;
}

export interface Work {
  readonly images: Images;
  readonly folder: string;
  readonly context: string;
  readonly bases: { node: string; python: string };
  readonly torchIndex: string;
}

export const dockerfileOf = (kind: Kind, context: string): string =>
  join(context, 'ml', kind, 'Dockerfile');
const tagOf = (kind: Kind): string => `localhost/sentiment-lake-${kind}:built`;

export function build({ images, context, bases, torchIndex }: Work, kind: Kind): void {
  const started = Date.now();
  say(`${kind}: building${kind === 'training' ? ', torch is large: some minutes' : ''} …`);
  images.build({
    dockerfile: dockerfileOf(kind, context),
    context,
    tag: tagOf(kind),
    mounts: wheelFolders(),
    arguments: {
      NODE_IMAGE: bases.node,
      ...(kind === 'training' && {
        PYTHON_IMAGE: bases.python,
        ...(torchIndex !== '' && { TORCH_INDEX_URL: torchIndex }),
      }),
    },
  });
  const base = images.inspect(kind === 'training' ? bases.python : bases.node).size;
  const { size } = images.inspect(tagOf(kind));
  say(
    `  every RUN line executed in ${Math.round((Date.now() - started) / 1000)} s; ${megabytes(size)}, of which ${megabytes(base)} are the base`,
  );
  if (kind === 'serving')
    must(
      size < largestServing,
      'small enough for a serverless endpoint',
      `${megabytes(size)}; 10,000 MB is the limit`,
    );
  const [docker, oci] = (['v2s2', 'oci'] as const).map((form) =>
    images.manifestType(tagOf(kind), form),
  );
  must(
    docker === acceptedManifest,
    `pushed in Docker's form its manifest is ${docker}`,
    `SageMaker takes ${acceptedManifest}`,
  );
  say(`    (pushed in OCI's form: ${oci}, which SageMaker refuses)`);
}

/** A job of 90 rows, laid out as SageMaker lays one out. */
function layJob(folder: string, name: string): string {
  const job = join(folder, name);
  rmSync(job, { recursive: true, force: true });
  output(join(root, '.venv/bin/python'), [join(root, 'test/ml/tiny_job.py'), job]);
  const optMl = join(job, 'ml');
  for (const made of ['model', 'output']) mkdirSync(join(optMl, made), { recursive: true });
  return optMl;
}

export function train({ images, folder }: Work): string {
  const optMl = layJob(folder, 'job');
  const trained = start(images, tagOf('training'), optMl, 'train', {
    environment: { TRAINING_JOB_NAME: 'tiny-1' },
  });
  must(
    trained.code === 0,
    '`train` without network and with a read-only root ends with 0',
    `${trained.code}\n${trained.said}`,
  );
  const files = readdirSync(join(optMl, 'model')).sort();
  must(
    ['manifest.json', 'model.onnx', 'tokenizer.json'].every((file) => files.includes(file)),
    `/opt/ml/model holds ${files.join(', ')}`,
    'manifest.json, model.onnx and tokenizer.json are wanted',
  );
  return join(optMl, 'model');
}

export function failToTrain({ images, folder }: Work): void {
  const optMl = layJob(folder, 'failing-job');
  writeFileSync(join(optMl, 'input/config/hyperparameters.json'), '{"epochs": "many"}');
  const failed = start(images, tagOf('training'), optMl, 'train', {
    environment: { TRAINING_JOB_NAME: 'tiny-2' },
  });
  const file = join(optMl, 'output/failure');
  const reason = existsSync(file) ? readFileSync(file, 'utf8').trim() : '';
  must(
    failed.code !== 0 && reason.includes('epochs'),
    `a job that cannot be ends with ${failed.code}, and /opt/ml/output/failure says: ${reason.split('\n')[0]}`,
    `it ended with ${failed.code}, and said '${reason}'\n${failed.said}`,
  );
}

const Answer = z.object({
  predictions: z.array(z.object({ label: z.enum(['negative', 'neutral', 'positive']) })),
});

export function serve({ images, folder }: Work, model: string): void {
  const optMl = join(folder, 'serving-opt-ml');
  rmSync(optMl, { recursive: true, force: true });
  cpSync(model, join(optMl, 'model'), { recursive: true });
  const texts = ['I love this day', 'the bus is awful'];
  const served = start(images, tagOf('serving'), optMl, 'serve', { texts });
  const { answer } = served;
  must(
    answer?.status === 200,
    `\`serve\` answers /ping after ${answer?.readyMillis} ms, and /invocations`,
    `${answer?.body ?? 'it ended'}\n${served.said}`,
  );
  const parsed = Answer.safeParse(JSON.parse(answer?.body ?? ''));
  must(
    parsed.success && parsed.data.predictions.length === texts.length,
    `it predicts: ${parsed.data?.predictions.map(({ label }) => label).join(', ')}`,
    answer?.body ?? '',
  );
  const { stopMillis = 0 } = served;
  // SageMaker kills what lives 30 seconds after SIGTERM.
  must(
    served.code === 0 && stopMillis < 30_000,
    `it ends ${stopMillis} ms after SIGTERM`,
    `with ${served.code}, after ${stopMillis} ms\n${served.said}`,
  );
}
