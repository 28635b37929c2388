import { readFile, rm } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { z } from 'zod';
import type { Context } from '../context';
import { INTERRUPTED } from '../context';
import type { Caller } from '../protocol';
import { lastMeaningfulLine, tail } from '../logs';
import type { Program } from '../processes';
import { AwsError, messageOf } from '../protocol';
import type { Operation } from '../protocol';
import type { AssumedRole } from '../roles';
import type { StateFile } from '../state';
import { containerEnvironment } from './container';
import { imageFor } from './images';
import { listed, ListInput } from './lists';
import { finalMetrics } from './metrics';
import { arnOf, invalid, Name, PASSED_TO, sageMakerOperation, volumeGrant } from './names';
import { OptMl } from './opt-ml';
import { trainingConditions } from './conditions';
import type { TagStore } from './tags';
import {
  describeTrainingJob,
  modelArtifacts,
  outputFolder,
  summarizeTrainingJob,
} from './training-answers';
import { CreateTrainingJob, DEFAULT_MAX_SECONDS, TrainingJob } from './training-request';

const ByName = z.looseObject({ TrainingJobName: Name });

/** Training jobs. Each runs the training image's ENTRYPOINT with the argument `train`, with files as in /opt/ml. */
export class TrainingJobs {
  private readonly state: StateFile<z.ZodArray<typeof TrainingJob>>;
  private readonly programs = new Map<TrainingJob, Program>();
  private readonly work = new Set<Promise<void>>();

  constructor(
    private readonly context: Context,
    private readonly tags: TagStore,
  ) {
    this.state = context.state('training-jobs', z.array(TrainingJob), []);
    this.failActive();
  }

  readonly operations: Record<string, Operation> = {
    CreateTrainingJob: sageMakerOperation(CreateTrainingJob, async (request, caller) => {
      const arn = arnOf('training-job', request.TrainingJobName);
      const conditions = trainingConditions(request);
      await this.context.iam.authorize(caller, 'sagemaker:CreateTrainingJob', arn, conditions);
      await this.context.iam.authorize(caller, 'iam:PassRole', request.RoleArn, PASSED_TO);
      this.refuseDuplicate(request.TrainingJobName, arn);
      this.refuseBeyondSpotQuota(request);
      const role = this.role(request, arn);
      await assumable(role, request.RoleArn);
      const { VolumeKmsKeyId } = request.ResourceConfig;
      // Same page: the caller does not need the permission if the role has it.
      if (VolumeKmsKeyId !== undefined)
        await this.context.iam.grant(volumeGrant(VolumeKmsKeyId), caller, async () => ({
          arn: request.RoleArn,
          accessKeyId: (await role.credentials()).accessKeyId,
        }));
      await this.tags.add(caller, arn, request.Tags);
      // Another request may have created the job in the meantime.
      this.refuseDuplicate(request.TrainingJobName, arn);
      this.start(request, role);
      return { TrainingJobArn: arn };
    }),
    DescribeTrainingJob: sageMakerOperation(ByName, async ({ TrainingJobName }, caller) => {
      return describeTrainingJob(
        await this.allowed(caller, 'sagemaker:DescribeTrainingJob', TrainingJobName),
      );
    }),
    StopTrainingJob: sageMakerOperation(ByName, async ({ TrainingJobName }, caller) => {
      const job = await this.allowed(caller, 'sagemaker:StopTrainingJob', TrainingJobName);
      if (!isActive(job)) {
        throw invalid(
          `The request was rejected because the training job is in status ${job.status}.`,
        );
      }
      if (job.status === 'InProgress') this.enter(job, 'Stopping', 'Stopping the training job');
      void this.programs.get(job)?.stop(this.context.limits.stopGraceSeconds);
      return {};
    }),
    ListTrainingJobs: sageMakerOperation(ListInput, async (input, caller) => {
      await this.context.iam.authorize(caller, 'sagemaker:ListTrainingJobs', '*');
      const entries = this.state.value.map((job) => ({
        name: job.request.TrainingJobName,
        createdAt: job.createdAt,
        status: job.status,
        job,
      }));
      const { items, ...next } = listed(entries, input);
      return { TrainingJobSummaries: items.map(({ job }) => summarizeTrainingJob(job)), ...next };
    }),
  };

  /** Ends all running jobs and waits until their folders are removed. */
  async close(graceSeconds: number): Promise<void> {
    this.failActive();
    await Promise.all([...this.programs.values()].map((program) => program.stop(graceSeconds)));
    await Promise.all(this.work);
  }

  private failActive(): void {
    for (const job of this.state.value.filter(isActive))
      this.enter(job, 'Failed', `InternalServerError: ${INTERRUPTED}`);
  }

  private refuseBeyondSpotQuota({
    EnableManagedSpotTraining,
    ResourceConfig,
  }: CreateTrainingJob): void {
    if (EnableManagedSpotTraining !== true) return;
    const { spotTrainingJobs } = this.context.limits;
    const running = this.state.value.filter(
      (job) => isActive(job) && job.request.EnableManagedSpotTraining === true,
    ).length;
    if (running < spotTrainingJobs) return;
    throw new AwsError(
      'ResourceLimitExceeded',
      `The account-level service limit '${ResourceConfig.InstanceType} for spot training job usage' is ${spotTrainingJobs} Instances, ` +
        `with current utilization of ${running} Instances and a request delta of ${ResourceConfig.InstanceCount} Instances. ` +
        'Please use AWS Service Quotas to request an increase for this quota.',
    );
  }

  private find(name: string): TrainingJob | undefined {
    return this.state.value.find((job) => job.request.TrainingJobName === name);
  }

  private async allowed(caller: Caller, action: string, name: string): Promise<TrainingJob> {
    await this.context.iam.authorize(caller, action, arnOf('training-job', name));
    const job = this.find(name);
    if (!job) throw invalid('Requested resource not found.');
    return job;
  }

  private refuseDuplicate(name: string, arn: string): void {
    if (!this.find(name)) return;
    throw new AwsError(
      'ResourceInUse',
      `Training job names must be unique within an AWS account and region, and a training job with this name already exists (${arn})`,
    );
  }

  private role(request: CreateTrainingJob, sourceArn: string): AssumedRole {
    return this.context.role({
      roleArn: request.RoleArn,
      service: 'sagemaker.amazonaws.com',
      sessionName: 'SageMaker',
      sourceArn,
    });
  }

  private start(request: CreateTrainingJob, role: AssumedRole): void {
    const now = Date.now();
    const job: TrainingJob = {
      request,
      status: 'InProgress',
      transitions: [],
      createdAt: now,
      changedAt: now,
      metrics: [],
    };
    this.state.value.unshift(job);
    this.enter(job, 'Starting', 'Launching the training process');
    const work = this.run(job, role).finally(() => this.work.delete(work));
    this.work.add(work);
  }

  private async run(job: TrainingJob, role: AssumedRole): Promise<void> {
    const ml = new OptMl(this.context.path('training', job.request.TrainingJobName));
    try {
      await rm(ml.root, { recursive: true, force: true });
      await this.download(job, ml, role);
      const exitCode = await this.train(job, ml, role);
      // `close` or a restart has already set the job to Failed.
      if (isActive(job)) await this.finish(job, ml, role, exitCode);
    } catch (error) {
      if (isActive(job)) this.enter(job, 'Failed', messageOf(error));
    } finally {
      await rm(ml.root, { recursive: true, force: true });
    }
  }

  private async download(job: TrainingJob, ml: OptMl, role: AssumedRole): Promise<void> {
    const { HyperParameters, InputDataConfig = [], ResourceConfig } = job.request;
    if (job.status === 'InProgress') this.enter(job, 'Downloading', 'Downloading input data');
    const s3 = role.s3();
    try {
      await ml.prepare(HyperParameters, InputDataConfig, ResourceConfig.InstanceType);
      for (const channel of InputDataConfig) await ml.fetch(s3, channel);
    } catch (error) {
      throw new Error(`ClientError: Data download failed: ${messageOf(error)}`, { cause: error });
    } finally {
      s3.destroy();
    }
  }

  /** Runs the program and returns its exit code. */
  private async train(job: TrainingJob, ml: OptMl, role: AssumedRole): Promise<number> {
    const { request } = job;
    const image = imageFor(request.AlgorithmSpecification.TrainingImage, this.context.projectRoot, {
      python: this.context.python,
      node: process.execPath,
    });
    const credentials = request.EnableNetworkIsolation
      ? {}
      : await role.environment(this.context.url);
    const [command = '', ...args] = image.entrypoint;
    // The job may have been stopped in the meantime or, below, while its program started.
    if (!isStarting(job)) return 0;
    const program = await this.context.processes.start({
      command,
      args: [...args, 'train'],
      cwd: image.workingFolder,
      env: {
        ...request.Environment,
        ...containerEnvironment(ml.root, image.environment),
        TRAINING_JOB_NAME: request.TrainingJobName,
        TRAINING_JOB_ARN: arnOf('training-job', request.TrainingJobName),
        ...credentials,
      },
      logFile: this.logFile(job),
    });
    this.programs.set(job, program);
    job.trainingStartedAt = Date.now();
    if (isStarting(job))
      this.enter(job, 'Training', 'Training image download completed. Training in progress.');
    else void program.stop(this.context.limits.stopGraceSeconds);
    const maxSeconds = request.StoppingCondition.MaxRuntimeInSeconds ?? DEFAULT_MAX_SECONDS;
    const timer = setTimeout(() => {
      this.enter(
        job,
        'MaxRuntimeExceeded',
        `Training job runtime exceeded MaxRuntimeInSeconds (${maxSeconds})`,
      );
      void program.stop(this.context.limits.stopGraceSeconds);
    }, maxSeconds * 1000);
    try {
      return await program.exited;
    } finally {
      clearTimeout(timer);
      this.programs.delete(job);
    }
  }

  /** Uploads the results and records how the job ended. */
  private async finish(
    job: TrainingJob,
    ml: OptMl,
    role: AssumedRole,
    exitCode: number,
  ): Promise<void> {
    const log = this.logFile(job);
    const stopped = job.status === 'Stopping';
    const failed = exitCode !== 0 && !stopped;
    if (job.status === 'InProgress')
      this.enter(job, 'Uploading', 'Uploading generated training model');
    const s3 = role.s3();
    try {
      await ml.store(s3, outputFolder(job.request), job.request.OutputDataConfig.KmsKeyId, !failed);
    } catch (error) {
      throw new Error(`ClientError: Artifact upload failed: ${messageOf(error)}`, { cause: error });
    } finally {
      s3.destroy();
    }
    if (!isActive(job)) return;
    if (failed) {
      const reason = (await ml.failure()) ?? lastMeaningfulLine(tail(log));
      this.enter(job, 'Failed', `AlgorithmError: ${reason}, exit code: ${exitCode}`);
      return;
    }
    const metrics = existsSync(log)
      ? finalMetrics(
          await readFile(log, 'utf8'),
          job.request.AlgorithmSpecification.MetricDefinitions ?? [],
        )
      : [];
    job.metrics = metrics.map((metric) => ({ ...metric, at: Date.now() }));
    if (stopped) this.enter(job, 'Stopped', 'Training job stopped');
    else this.enter(job, 'Completed', `Training job completed: ${modelArtifacts(job.request)}`);
  }

  /** Sets a job's secondary status and the matching status. */
  private enter(job: TrainingJob, secondary: string, message: string): void {
    const now = Date.now();
    const last = job.transitions.at(-1);
    if (last) last.endedAt ??= now;
    job.changedAt = now;
    job.status = statusOf(secondary);
    // A job that exceeded its time is Stopped; its secondary status still gives the reason.
    const overtime = secondary === 'Stopped' && last?.Status === 'MaxRuntimeExceeded';
    if (!overtime)
      job.transitions.push({ Status: secondary, StatusMessage: message, startedAt: now });
    if (!isActive(job)) job.endedAt = now;
    if (job.status === 'Failed') job.failureReason = message.slice(0, 1024);
    this.state.save();
  }

  private logFile(job: TrainingJob): string {
    return this.context.path('logs', 'training', `${job.request.TrainingJobName}.log`);
  }
}

const isActive = (job: TrainingJob) => job.status === 'InProgress' || job.status === 'Stopping';

/** Whether the job has neither been stopped nor ended. */
const isStarting = (job: TrainingJob) => job.status === 'InProgress';

function statusOf(secondary: string): TrainingJob['status'] {
  switch (secondary) {
    case 'Completed':
    case 'Failed':
    case 'Stopped':
    case 'Stopping':
      return secondary;
    case 'MaxRuntimeExceeded':
      return 'Stopping';
    default:
      return 'InProgress';
  }
}

async function assumable(role: AssumedRole, roleArn: string): Promise<void> {
  try {
    await role.credentials();
  } catch (error) {
    throw invalid(
      `Could not assume role ${roleArn}. Please ensure that the role exists and allows principal 'sagemaker.amazonaws.com' to assume the role. (${messageOf(error)})`,
    );
  }
}
