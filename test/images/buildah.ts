import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { output } from './commands';

/** Manifests of this type are what SageMaker takes: it refuses OCI's (sagemaker-feedback#180). */
export const acceptedManifest = 'application/vnd.docker.distribution.manifest.v2+json';

export interface BuildOptions {
  readonly dockerfile: string;
  readonly context: string;
  readonly tag: string;
  readonly arguments: Readonly<Record<string, string>>;
  /** Folders that steps see at the same path, read-only. */
  readonly mounts: readonly string[];
}

export interface Built {
  /** Bytes of the layers, unpacked. */
  readonly size: number;
  readonly entrypoint: readonly string[];
  readonly workdir: string;
  readonly environment: Readonly<Record<string, string>>;
}

/** What of buildah's own descriptions is read. */
const Inspected = z.object({
  Docker: z.object({
    config: z.object({
      Entrypoint: z.array(z.string()).nullish(),
      WorkingDir: z.string(),
      Env: z.array(z.string()).nullish(),
    }),
  }),
});
const Listed = z.tuple([z.object({ size: z.string() })]);
const Manifest = z.object({ mediaType: z.string().default('none') });

/** Images in a store of their own, below one folder: nothing of this machine's other images is seen or changed. */
export class Images {
  private readonly store: readonly string[];

  constructor(private readonly folder: string) {
    mkdirSync(folder, { recursive: true });
    this.store = ['--root', join(folder, 'store'), '--runroot', join(folder, 'run')];
  }

  has(tag: string): boolean {
    return this.buildah('images', '--format', '{{.Name}}:{{.Tag}}').split('\n').includes(tag);
  }

  /** Makes an image of a folder. */
  import(folder: string, tag: string, environment: Readonly<Record<string, string>>): void {
    const container = this.buildah('from', '--pull-never', 'scratch').trim();
    const root = this.buildah('mount', container).trim();
    output('cp', ['-a', `${folder}/.`, root]);
    const variables = Object.entries(environment).flatMap(([name, value]) => [
      '--env',
      `${name}=${value}`,
    ]);
    this.buildah(
      'config',
      ...variables,
      '--env',
      'PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
      container,
    );
    this.buildah('umount', container);
    this.buildah('commit', '--quiet', '--format', 'docker', '--rm', container, tag);
  }

  /** Executes every line of a Dockerfile. Returns what buildah said of it. */
  build({ dockerfile, context, tag, arguments: given, mounts }: BuildOptions): string {
    return this.buildah(
      'build',
      ...['--isolation', 'chroot', '--pull-never', '--format', 'docker'],
      ...Object.entries(given).flatMap(([name, value]) => ['--build-arg', `${name}=${value}`]),
      ...mounts.flatMap((folder) => ['--volume', `${folder}:${folder}:ro`]),
      ...['--file', dockerfile, '--tag', tag, context],
    );
  }

  inspect(tag: string): Built {
    const { Docker } = Inspected.parse(JSON.parse(this.buildah('inspect', '--type', 'image', tag)));
    const { Entrypoint, WorkingDir, Env } = Docker.config;
    const [{ size }] = Listed.parse(JSON.parse(this.buildah('images', '--json', tag)));
    return {
      size: bytes(size),
      entrypoint: Entrypoint ?? [],
      workdir: WorkingDir,
      environment: Object.fromEntries(
        (Env ?? []).map((pair) => [
          pair.slice(0, pair.indexOf('=')),
          pair.slice(pair.indexOf('=') + 1),
        ]),
      ),
    };
  }

  /** Writes the image as a registry would get it, in Docker's form or OCI's; the type that its manifest says. */
  manifestType(tag: string, form: 'v2s2' | 'oci'): string {
    const folder = join(this.folder, `pushed-${form}`);
    this.buildah('push', '--quiet', '--format', form, tag, `dir:${folder}`);
    const { mediaType } = Manifest.parse(
      JSON.parse(output('cat', [join(folder, 'manifest.json')])),
    );
    output('rm', ['-rf', folder]);
    return mediaType;
  }

  /** A container's root folder, to be unmounted by `drop`. */
  mount(tag: string): { container: string; root: string } {
    const container = this.buildah('from', '--pull-never', tag).trim();
    return { container, root: this.buildah('mount', container).trim() };
  }

  drop(container: string): void {
    this.buildah('umount', container);
    this.buildah('rm', container);
  }

  private buildah(...args: string[]): string {
    return output('buildah', [...this.store, ...args]);
  }
}

const units = new Map([
  ['', 1],
  ['k', 1e3],
  ['M', 1e6],
  ['G', 1e9],
]);

/** `1.91 GB` as bytes: buildah prints sizes for people. */
function bytes(size: string): number {
  const [, number = '', unit = ''] = /^([\d.]+) ([kMG]?)B$/.exec(size) ?? [];
  if (number === '') throw new Error(`buildah printed the size '${size}'`);
  return Number(number) * (units.get(unit) ?? NaN);
}
