import { existsSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';

/** How an image's container starts on this machine. */
export interface Image {
  /** ENTRYPOINT, with `python` and `node` replaced by this machine's. */
  readonly entrypoint: readonly string[];
  /** The folder that stands for WORKDIR. */
  readonly workingFolder: string;
  /** ENV of the Dockerfile, and the local-env of its comments. */
  readonly environment: Record<string, string>;
}

export interface Interpreters {
  readonly python: string;
  readonly node: string;
}

/**
 * Finds the Dockerfile of an ECR image: the repository's name ends in `-training` or `-serving`,
 * and `ml/training/Dockerfile` or `ml/serving/Dockerfile` builds it. Throws when there is none.
 */
export function imageFor(imageUri: string, projectRoot: string, interpreters: Interpreters): Image {
  const repository = basename(imageUri).split(/[:@]/)[0] ?? '';
  const [, kind] = /-(training|serving)$/.exec(repository) ?? [];
  const file = join(projectRoot, 'ml', kind ?? '', 'Dockerfile');
  if (!kind || !existsSync(file)) {
    throw new Error(
      `no image ${imageUri} on this machine: a repository named …-training or …-serving stands for ml/training/Dockerfile or ml/serving/Dockerfile`,
    );
  }
  return readDockerfile(file, projectRoot, interpreters);
}

/**
 * What an image starts, read from the last stage of its Dockerfile without building it: ENV, and ENTRYPOINT in
 * exec form. Two kinds of comments say where this machine keeps what the image holds, below the project:
 *
 *     # local-workdir: ml/training                       the folder that stands for WORKDIR
 *     # local-env: VECTORS_PATH=.venv/share/vectors.npz  a file that lies outside of it
 *
 * Throws an error that names what is missing.
 */
export function readDockerfile(
  file: string,
  projectRoot: string,
  interpreters: Interpreters,
): Image {
  const text = readFileSync(file, 'utf8');
  const lines = lastStage(text);
  const values = (instruction: string) =>
    lines.filter(([name]) => name === instruction).map(([, value]) => value);
  const local = (name: string) =>
    [...text.matchAll(new RegExp(`^# local-${name}: (\\S+)\\s*$`, 'gm'))].map(
      ([, value = '']) => value,
    );
  const entrypoint = execForm(values('ENTRYPOINT').at(-1));
  const [workdir] = local('workdir');
  if (!entrypoint)
    throw new Error(`${file}: no ENTRYPOINT in exec form, e.g. ENTRYPOINT ["python", "train.py"]`);
  if (!workdir)
    throw new Error(
      `${file}: no comment '# local-workdir: <folder>' names the folder that stands for WORKDIR`,
    );
  const workingFolder = join(projectRoot, workdir);
  if (!existsSync(workingFolder))
    throw new Error(`${workingFolder} does not exist (local-workdir of ${file}): was it built?`);
  const [program = '', ...rest] = entrypoint;
  return {
    entrypoint: [onThisMachine(program, interpreters), ...rest],
    workingFolder,
    environment: Object.fromEntries([
      ...values('ENV').flatMap(settings),
      ...local('env')
        .flatMap(settings)
        .map(([name, path]) => [name, join(projectRoot, path)]),
    ]),
  };
}

/** Instructions after the last FROM, as name and value; lines ending in a backslash are joined. */
function lastStage(text: string): [string, string][] {
  const instructions = text
    .replace(/^\s*#.*$/gm, '')
    .replace(/\\\r?\n/g, ' ')
    .split(/\r?\n/)
    .flatMap((line): [string, string][] => {
      const [, name, value] = /^\s*([A-Za-z]+)\s+(.*\S)\s*$/.exec(line) ?? [];
      return name && value ? [[name.toUpperCase(), value]] : [];
    });
  return instructions.slice(instructions.findLastIndex(([name]) => name === 'FROM') + 1);
}

function execForm(value: string | undefined): string[] | undefined {
  try {
    const parsed: unknown = JSON.parse(value ?? '');
    return Array.isArray(parsed) && parsed.every((word) => typeof word === 'string')
      ? parsed
      : undefined;
  } catch {
    // Shell form: SIGTERM would not reach the program, so it is refused.
    return undefined;
  }
}

function settings(value: string): [string, string][] {
  return [...value.matchAll(/([A-Za-z_][A-Za-z0-9_]*)=("[^"]*"|\S*)/g)].map(
    ([, name = '', text = '']) => [name, text.replace(/^"|"$/g, '')],
  );
}

function onThisMachine(program: string, { python, node }: Interpreters): string {
  if (/^python[0-9.]*$/.test(basename(program))) return python;
  return basename(program) === 'node' ? node : program;
}
