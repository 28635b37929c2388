import { existsSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';

/** How to start an image's program on this machine. */
export interface Image {
  /** ENTRYPOINT, with this machine's `python` and `node`. */
  readonly entrypoint: readonly string[];
  /** The folder that replaces WORKDIR. */
  readonly workingFolder: string;
  /** The Dockerfile's ENV, and the local-env of its comments. */
  readonly environment: Record<string, string>;
}

export interface Interpreters {
  readonly python: string;
  readonly node: string;
}

/**
 * Reads the Dockerfile of an ECR image: `ml/training/Dockerfile` for a repository whose name ends in `-training`, and
 * `ml/serving/Dockerfile` for `-serving`. Throws for any other repository.
 */
export function imageFor(imageUri: string, projectRoot: string, interpreters: Interpreters): Image {
  const repository = basename(imageUri).split(/[:@]/)[0] ?? '';
  const [, kind] = /-(training|serving)$/.exec(repository) ?? [];
  const file = join(projectRoot, 'ml', kind ?? '', 'Dockerfile');
  if (!kind || !existsSync(file)) {
    throw new Error(
      `no image ${imageUri} on this machine: the embedded cloud has only …-training (ml/training/Dockerfile) and …-serving (ml/serving/Dockerfile)`,
    );
  }
  return readDockerfile(file, projectRoot, interpreters);
}

/**
 * Reads how an image starts from the last stage of its Dockerfile, without building it: ENV, and ENTRYPOINT in
 * exec form. Two kinds of comments say where the project keeps the image's files on this machine:
 *
 *     # local-workdir: ml/training                       the folder that replaces WORKDIR
 *     # local-env: VECTORS_PATH=.venv/share/vectors.npz  a file outside that folder
 *
 * Throws an error that names the missing part.
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
      `${file}: add a comment '# local-workdir: <folder>' that names the folder for WORKDIR`,
    );
  const workingFolder = join(projectRoot, workdir);
  if (!existsSync(workingFolder))
    throw new Error(`${workingFolder} does not exist (local-workdir of ${file}). Build it first.`);
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

/** Instructions after the last FROM, as names and values; lines that end in a backslash are joined. */
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
    // The shell form is rejected: SIGTERM would not reach the program.
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
