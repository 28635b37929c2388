import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { S3Client } from '@aws-sdk/client-s3';
import { z } from 'zod';
import { filesBelow, packFolder } from '../archives';
import { download, forEach, listKeys, parseS3Uri, upload, within } from '../objects';
import { S3Uri } from './names';

export const Channel = z.looseObject({
  ChannelName: z
    .string()
    // SageMaker's pattern without `.` and `..`, because the name becomes a folder.
    .regex(/^(?!\.{1,2}$)[A-Za-z0-9._-]+$/)
    .min(1)
    .max(64),
  DataSource: z.looseObject({
    S3DataSource: z.looseObject({
      S3DataType: z.enum(['S3Prefix', 'ManifestFile']),
      S3Uri,
    }),
  }),
  ContentType: z.string().optional(),
  CompressionType: z.enum(['None']).optional(),
  InputMode: z.enum(['File']).optional(),
});
export type Channel = z.infer<typeof Channel>;

/** `[{"prefix": "s3://bucket/some/"}, "relative/key", …]` */
const Manifest = z.tuple([z.object({ prefix: S3Uri })], z.string().min(1));

/** The folder that is /opt/ml for a training program. */
export class OptMl {
  constructor(readonly root: string) {}

  readonly model = (): string => join(this.root, 'model');
  readonly outputData = (): string => join(this.root, 'output', 'data');

  /** Creates the folders and the files of `input/config/`. */
  async prepare(
    hyperParameters: Record<string, string>,
    channels: readonly Channel[],
    instanceType: string | undefined,
  ): Promise<void> {
    const config = join(this.root, 'input', 'config');
    for (const folder of [config, this.model(), this.outputData(), join(this.root, 'tmp')])
      await mkdir(folder, { recursive: true });
    const write = (name: string, content: object) =>
      writeFile(join(config, name), JSON.stringify(content, null, 2));
    await write('hyperparameters.json', hyperParameters);
    await write('inputdataconfig.json', Object.fromEntries(channels.map(describeChannel)));
    await write('resourceconfig.json', {
      current_host: 'algo-1',
      hosts: ['algo-1'],
      current_instance_type: instanceType,
      network_interface_name: 'lo',
    });
  }

  /** Downloads a channel's objects to `input/data/<channel>/`. Throws when there are none, like SageMaker. */
  async fetch(s3: S3Client, channel: Channel): Promise<void> {
    const folder = join(this.root, 'input', 'data', channel.ChannelName);
    const { S3DataType, S3Uri: uri } = channel.DataSource.S3DataSource;
    const files =
      S3DataType === 'ManifestFile'
        ? await this.manifestFiles(s3, uri)
        : await prefixFiles(s3, uri);
    if (files.length === 0)
      throw new Error(`no S3 objects found under '${uri}' for channel '${channel.ChannelName}'`);
    await forEach(files, ({ uri: source, path }) =>
      download(s3, parseS3Uri(source), within(folder, path)),
    );
  }

  /** Uploads the program's files in `model/` and `output/data/` as the training job's two archives. */
  async store(
    s3: S3Client,
    destination: string,
    kmsKeyId: string | undefined,
    withModel: boolean,
  ): Promise<void> {
    const { bucket, key } = parseS3Uri(`${destination}/output`);
    const folders = [
      ...(withModel ? [{ name: 'model.tar.gz', folder: this.model() }] : []),
      { name: 'output.tar.gz', folder: this.outputData() },
    ];
    for (const { name, folder } of folders) {
      if ((await filesBelow(folder)).length === 0) continue;
      const archive = join(this.root, 'tmp', name);
      await packFolder(folder, archive);
      await upload(s3, archive, { bucket, key: `${key}/${name}` }, kmsKeyId);
    }
  }

  /** The contents of the program's failure file, if it wrote one. */
  async failure(): Promise<string | undefined> {
    const file = join(this.root, 'output', 'failure');
    return existsSync(file) ? (await readFile(file, 'utf8')).trim() || undefined : undefined;
  }

  /** A manifest names objects relative to its prefix. These names are their paths in the channel. */
  private async manifestFiles(s3: S3Client, uri: string): Promise<ChannelFile[]> {
    const file = join(this.root, 'tmp', 'manifest.json');
    await download(s3, parseS3Uri(uri), file);
    const parsed = Manifest.safeParse(JSON.parse(await readFile(file, 'utf8')));
    if (!parsed.success)
      throw new Error(
        `${uri} is not a manifest ([{"prefix": "s3://…"}, "key", …]): ${z.prettifyError(parsed.error)}`,
      );
    const [{ prefix }, ...keys] = parsed.data;
    return keys.map((key) => ({ uri: prefix + key, path: key }));
  }
}

export interface ChannelFile {
  readonly uri: string;
  /** Relative to the channel's folder. */
  readonly path: string;
}

/** Objects below a prefix. Paths are relative to the prefix if it is a folder, or else to its last slash (`part-*`). */
export async function prefixFiles(s3: S3Client, uri: string): Promise<ChannelFile[]> {
  const { bucket, key } = parseS3Uri(uri);
  const lastSlash = key.slice(0, key.lastIndexOf('/') + 1);
  const keys = await listKeys(s3, { bucket, key });
  return keys.map((found) => {
    const folder = found.startsWith(`${key}/`) ? `${key}/` : lastSlash;
    return { uri: `s3://${bucket}/${found}`, path: found.slice(folder.length) };
  });
}

function describeChannel(channel: Channel): [string, object] {
  return [
    channel.ChannelName,
    {
      TrainingInputMode: 'File',
      ContentType: channel.ContentType,
      S3DistributionType: 'FullyReplicated',
      RecordWrapperType: 'None',
    },
  ];
}
