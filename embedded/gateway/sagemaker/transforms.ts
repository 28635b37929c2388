import { mkdir, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { S3Client } from '@aws-sdk/client-s3';
import { z } from 'zod';
import type { Context } from '../context';
import { INTERRUPTED } from '../context';
import { download, parseS3Uri, upload, within } from '../objects';
import { AwsError, messageOf, seconds } from '../protocol';
import type { Caller, Operation } from '../protocol';
import type { StateFile } from '../state';
import { transformConditions } from './conditions';
import { listed, ListInput } from './lists';
import type { Models } from './models';
import { arnOf, invalid, Name, sageMakerOperation, volumeGrant } from './names';
import { prefixFiles } from './opt-ml';
import type { ChannelFile } from './opt-ml';
import { startServer } from './serving';
import type { Server } from './serving';
import { withoutTags } from './tags';
import type { TagStore } from './tags';
import { transformFile } from './transform-records';
import { CreateTransformJob, TransformJob } from './transform-request';

const ByName = z.looseObject({ TransformJobName: Name });

/** SageMaker's default for ModelClientConfig.InvocationsTimeoutInSeconds. */
const INVOCATION_TIMEOUT_MS = 600_000;

/**
 * Batch transform jobs. Each runs the model's serving program once, whatever the number of instances, and sends it the
 * lines of every object below its input, some payloads at a time.
 */
export class TransformJobs {
  private readonly state: StateFile<z.ZodArray<typeof TransformJob>>;
  private readonly stops = new Map<TransformJob, AbortController>();
  private readonly work = new Set<Promise<void>>();

  constructor(
    private readonly context: Context,
    private readonly tags: TagStore,
    private readonly models: Models,
  ) {
    this.state = context.state('transform-jobs', z.array(TransformJob), []);
    this.failActive();
  }

  readonly operations: Record<string, Operation> = {
    CreateTransformJob: sageMakerOperation(CreateTransformJob, async (request, caller) => {
      const arn = arnOf('transform-job', request.TransformJobName);
      const conditions = transformConditions(request);
      await this.context.iam.authorize(caller, 'sagemaker:CreateTransformJob', arn, conditions);
      this.refuseDuplicate(request.TransformJobName, arn);
      const role = this.role(request, arn);
      const { VolumeKmsKeyId } = request.TransformResources;
      if (VolumeKmsKeyId !== undefined)
        await this.context.iam.grant(volumeGrant(VolumeKmsKeyId), caller, async () => ({
          arn: this.models.get(request.ModelName).request.ExecutionRoleArn,
          accessKeyId: (await role.credentials()).accessKeyId,
        }));
      await this.tags.add(caller, arn, request.Tags);
      // Another request may have created the job in the meantime.
      this.refuseDuplicate(request.TransformJobName, arn);
      this.start(request);
      return { TransformJobArn: arn };
    }),
    DescribeTransformJob: sageMakerOperation(ByName, async ({ TransformJobName }, caller) => {
      const job = await this.allowed(caller, 'sagemaker:DescribeTransformJob', TransformJobName);
      return { ...withoutTags(job.request), ...summarize(job) };
    }),
    StopTransformJob: sageMakerOperation(ByName, async ({ TransformJobName }, caller) => {
      const job = await this.allowed(caller, 'sagemaker:StopTransformJob', TransformJobName);
      if (!isActive(job))
        throw invalid(
          `The request was rejected because the transform job is in status ${job.status}.`,
        );
      job.status = 'Stopping';
      this.state.save();
      this.stops.get(job)?.abort();
      return {};
    }),
    ListTransformJobs: sageMakerOperation(ListInput, async (input, caller) => {
      await this.context.iam.authorize(caller, 'sagemaker:ListTransformJobs', '*');
      const entries = this.state.value.map((job) => ({
        name: job.request.TransformJobName,
        createdAt: job.createdAt,
        status: job.status,
        job,
      }));
      const { items, ...next } = listed(entries, input);
      return { TransformJobSummaries: items.map(({ job }) => summarize(job)), ...next };
    }),
  };

  /** Ends all running jobs and waits until their folders are removed. */
  async close(): Promise<void> {
    this.failActive();
    for (const stop of this.stops.values()) stop.abort();
    await Promise.all(this.work);
  }

  private failActive(): void {
    for (const job of this.state.value.filter(isActive))
      this.end(job, 'Failed', `InternalServerError: ${INTERRUPTED}`);
  }

  private async allowed(caller: Caller, action: string, name: string): Promise<TransformJob> {
    await this.context.iam.authorize(caller, action, arnOf('transform-job', name));
    const job = this.find(name);
    if (!job) throw invalid(`Could not find requested job with name: ${name}`);
    return job;
  }

  private find(name: string): TransformJob | undefined {
    return this.state.value.find((job) => job.request.TransformJobName === name);
  }

  private refuseDuplicate(name: string, arn: string): void {
    if (!this.find(name)) return;
    throw new AwsError(
      'ResourceInUse',
      `Job name must be unique within an AWS account and region, and a job with this name already exists (${arn})`,
    );
  }

  /** The model's role, with which SageMaker reads the input and writes the output. */
  private role(request: CreateTransformJob, sourceArn: string) {
    return this.context.role({
      roleArn: this.models.get(request.ModelName).request.ExecutionRoleArn,
      service: 'sagemaker.amazonaws.com',
      sessionName: 'SageMaker',
      sourceArn,
    });
  }

  private start(request: CreateTransformJob): void {
    const job: TransformJob = { request, status: 'InProgress', createdAt: Date.now() };
    this.state.value.unshift(job);
    this.state.save();
    const stop = new AbortController();
    this.stops.set(job, stop);
    const work = this.run(job, stop.signal).finally(() => {
      this.stops.delete(job);
      this.work.delete(work);
    });
    this.work.add(work);
  }

  private end(job: TransformJob, status: TransformJob['status'], reason?: string): void {
    job.status = status;
    job.endedAt = Date.now();
    if (reason !== undefined) job.failureReason = reason.slice(0, 1024);
    this.state.save();
  }

  private async run(job: TransformJob, stop: AbortSignal): Promise<void> {
    const { request } = job;
    const root = this.context.path('transforms', request.TransformJobName);
    const s3 = this.role(request, arnOf('transform-job', request.TransformJobName)).s3();
    let server: Server | undefined;
    let failure: string | undefined;
    try {
      await rm(root, { recursive: true, force: true });
      const uri = request.TransformInput.DataSource.S3DataSource.S3Uri;
      const files = await prefixFiles(s3, uri);
      if (files.length === 0) throw new Error(`ClientError: no S3 objects found under '${uri}'`);
      server = await startServer(
        this.context,
        request.TransformJobName,
        'AllTraffic',
        this.models.get(request.ModelName),
        'transforms',
      );
      job.startedAt = Date.now();
      this.state.save();
      await this.transformAll(request, files, { server, s3, root, stop });
    } catch (error) {
      failure = messageOf(error);
    } finally {
      await server?.stop();
      s3.destroy();
      await rm(root, { recursive: true, force: true });
    }
    // `close` or a restart has already set the job to Failed.
    if (!isActive(job)) return;
    if (stop.aborted) this.end(job, 'Stopped');
    else this.end(job, failure === undefined ? 'Completed' : 'Failed', failure);
  }

  /** Like SageMaker, stores the output of every object whose records all succeeded, also if others failed. */
  private async transformAll(
    request: CreateTransformJob,
    files: readonly ChannelFile[],
    { server, s3, root, stop }: { server: Server; s3: S3Client; root: string; stop: AbortSignal },
  ): Promise<void> {
    const failures: string[] = [];
    for (const { uri, path } of files) {
      const [source, target] = [within(`${root}/in`, path), within(`${root}/out`, path)];
      await download(s3, parseS3Uri(uri), source);
      await mkdir(dirname(target), { recursive: true });
      try {
        await transformFile(request, source, target, (payload) =>
          invoke(server, request, payload, stop),
        );
      } catch (error) {
        if (stop.aborted || !server.alive()) throw error;
        failures.push(`${uri}: ${messageOf(error)}`);
        continue;
      }
      const output = `${request.TransformOutput.S3OutputPath.replace(/\/+$/, '')}/${path}.out`;
      await upload(s3, target, parseS3Uri(output), request.TransformOutput.KmsKeyId);
      await Promise.all([rm(source), rm(target)]);
    }
    if (failures.length > 0) throw new Error(`ClientError: ${failures.join('; ')}`);
  }
}

async function invoke(
  server: Server,
  request: CreateTransformJob,
  payload: Buffer,
  stop: AbortSignal,
): Promise<Buffer> {
  const { ContentType } = request.TransformInput;
  const { Accept } = request.TransformOutput;
  let response: Response;
  try {
    response = await fetch(`${server.url}/invocations`, {
      method: 'POST',
      headers: {
        ...server.headers,
        ...(ContentType && { 'content-type': ContentType }),
        ...(Accept && { accept: Accept }),
      },
      body: new Uint8Array(payload),
      signal: AbortSignal.any([stop, AbortSignal.timeout(INVOCATION_TIMEOUT_MS)]),
    });
  } catch (error) {
    throw new Error(`AlgorithmError: the container did not answer: ${messageOf(error)}`, {
      cause: error,
    });
  }
  const content = Buffer.from(await response.arrayBuffer());
  if (!response.ok)
    throw new Error(
      `Bad HTTP status received from algorithm: ${response.status}: ${String(content)}`,
    );
  return content;
}

const isActive = ({ status }: TransformJob) => status === 'InProgress' || status === 'Stopping';

const summarize = (job: TransformJob): object => ({
  TransformJobName: job.request.TransformJobName,
  TransformJobArn: arnOf('transform-job', job.request.TransformJobName),
  TransformJobStatus: job.status,
  FailureReason: job.failureReason,
  CreationTime: seconds(job.createdAt),
  LastModifiedTime: seconds(job.endedAt ?? job.startedAt ?? job.createdAt),
  TransformStartTime: job.startedAt && seconds(job.startedAt),
  TransformEndTime: job.endedAt && seconds(job.endedAt),
});
