import { existsSync, readFileSync, statSync } from 'node:fs';
import { basename, dirname, join, posix, resolve } from 'node:path';

/** How an image's container starts on this machine. */
export interface Image {
  /** ENTRYPOINT, with `python` and `node` replaced by this machine's. */
  readonly entrypoint: readonly string[];
  /** The folder that stands for WORKDIR. */
  readonly workingFolder: string;
  /** ENV of the Dockerfile. */
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
 * What the last stage of a Dockerfile starts, without building it. The rules it has to keep to:
 * ENTRYPOINT in exec form; WORKDIR absolute; one COPY (without --from) brings the program to WORKDIR,
 * and the folder it comes from, below the Dockerfile's folder or the project, is run in place.
 * Throws an error that names the line that is missing.
 */
export function readDockerfile(file: string, projectRoot: string, interpreters: Interpreters): Image {
  const lines = lastStage(readFileSync(file, 'utf8'));
  const values = (instruction: string) => lines.filter(([name]) => name === instruction).map(([, value]) => value);
  const entrypoint = execForm(values('ENTRYPOINT').at(-1));
  const workdir = values('WORKDIR').at(-1);
  if (!entrypoint) throw new Error(`${file}: no ENTRYPOINT in exec form, e.g. ENTRYPOINT ["python", "train.py"]`);
  if (!workdir?.startsWith('/')) throw new Error(`${file}: no absolute WORKDIR`);
  const contexts = [dirname(file), projectRoot];
  const workingFolder = values('COPY').flatMap((copy) => copiedTo(copy, workdir, contexts))[0];
  if (!workingFolder) throw new Error(`${file}: no COPY brings the program to WORKDIR ${workdir}`);
  const [program = '', ...rest] = entrypoint;
  return {
    entrypoint: [onThisMachine(program, interpreters), ...rest],
    workingFolder,
    environment: Object.fromEntries(values('ENV').flatMap(settings)),
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
    return Array.isArray(parsed) && parsed.every((word) => typeof word === 'string') ? parsed : undefined;
  } catch {
    // Shell form: SIGTERM would not reach the program, so it is refused.
    return undefined;
  }
}

/** The folder on this machine whose content a COPY brings to `workdir`; none when it copies something else. */
function copiedTo(copy: string, workdir: string, contexts: readonly string[]): string[] {
  const words = copy.split(/\s+/);
  if (words.some((word) => word.startsWith('--from='))) return [];
  const paths = words.filter((word) => !word.startsWith('--'));
  const target = paths.pop() ?? '';
  const [source] = paths;
  if (source === undefined || posix.resolve(workdir, target) !== posix.resolve(workdir)) return [];
  const found = contexts.map((context) => resolve(context, source)).find((path) => existsSync(path));
  if (!found) return [];
  return [statSync(found).isDirectory() ? found : dirname(found)];
}

function settings(value: string): [string, string][] {
  return [...value.matchAll(/([A-Za-z_][A-Za-z0-9_]*)=("[^"]*"|\S*)/g)].map(([, name = '', text = '']) => [name, text.replace(/^"|"$/g, '')]);
}

function onThisMachine(program: string, { python, node }: Interpreters): string {
  if (/^python[0-9.]*$/.test(basename(program))) return python;
  return basename(program) === 'node' ? node : program;
}
