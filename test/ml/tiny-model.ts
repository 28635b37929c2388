import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

export const repository = resolve(__dirname, '../..');
const python = join(repository, '.venv/bin/python');

/** What a Dockerfile of ml/ says to those who run its program without an image. */
export function programOf(dockerfile: string): { entrypoint: string[]; workdir: string } {
  const content = readFileSync(join(repository, dockerfile), 'utf8');
  const entrypoint = /^ENTRYPOINT (\[.*\])$/m.exec(content)?.[1];
  const workdir = /^# local-workdir: (\S+)$/m.exec(content)?.[1];
  if (!entrypoint || !workdir)
    throw new Error(`${dockerfile} lacks its ENTRYPOINT or its local-workdir`);
  const parsed: unknown = JSON.parse(entrypoint);
  return {
    entrypoint: Array.isArray(parsed) ? parsed.map(String) : [],
    workdir: join(repository, workdir),
  };
}

/** As the Dockerfile's `local-env` has it: the rules of texts lie outside of ml/. */
const environment = { ...process.env, PYTHONPATH: repository };

/** A model trained by the real training program on a few dozen rows; `mlRoot` is its /opt/ml. */
export class TinyModel {
  private constructor(private readonly folder: string) {}

  static train(): TinyModel {
    const model = new TinyModel(mkdtempSync(join(tmpdir(), 'tiny-model-')));
    execFileSync(python, [join(__dirname, 'tiny_job.py'), model.folder], { env: environment });
    const { entrypoint, workdir } = programOf('ml/training/Dockerfile');
    execFileSync(python, [...entrypoint.slice(1), 'train'], {
      cwd: workdir,
      stdio: ['ignore', 'ignore', 'inherit'],
      env: {
        ...environment,
        ML_ROOT: model.mlRoot,
        VECTORS_PATH: join(model.folder, 'vectors.npz'),
        TRAINING_JOB_NAME: 'tiny-1',
      },
    });
    return model;
  }

  get mlRoot(): string {
    return join(this.folder, 'ml');
  }

  get archive(): string {
    return join(this.mlRoot, 'model');
  }

  /** What training's own side answers: ids and probabilities of each text. */
  asPythonSeesIt(texts: readonly string[]): unknown {
    const answer = execFileSync(python, [join(__dirname, 'python_answers.py'), this.archive], {
      env: environment,
      input: JSON.stringify(texts),
      maxBuffer: 1 << 28,
    });
    return JSON.parse(answer.toString('utf8'));
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
