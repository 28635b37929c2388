import { randomBytes } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { z } from 'zod';
import { lenient } from '../../../workflows/durable';
import type { Context } from '../context';
import { INTERRUPTED } from '../context';
import type { Caller } from '../protocol';
import { lastMeaningfulLine, tail } from '../logs';
import { download, parseS3Uri } from '../objects';
import { ACCOUNT, REGION } from '../options';
import type { Program } from '../processes';
import { AwsError, messageOf, page, Paging, seconds } from '../protocol';
import type { Operation } from '../protocol';
import { roleArn } from '../roles';
import type { AssumedRole } from '../roles';
import type { StateFile } from '../state';
import { glueOperation } from './definitions';
import type { Definitions, JobDefinition } from './definitions';
import { sparkEnvironment } from './spark';

/** Times are in milliseconds since 1970; the timeout is in minutes. */
const JobRun = lenient(
  z.object({
    id: z.string(),
    job: z.string(),
    state: z.enum(['STARTING', 'RUNNING', 'STOPPING', 'STOPPED', 'SUCCEEDED', 'FAILED', 'TIMEOUT']),
    arguments: z.record(z.string(), z.string()),
    timeout: z.number(),
    startedAt: z.number(),
    endedAt: z.number().optional(),
    changedAt: z.number(),
    error: z.string().optional(),
    glueVersion: z.string().optional(),
    workerType: z.string().optional(),
    workers: z.number().optional(),
  }),
);
type JobRun = z.infer<typeof JobRun>;

const StartJobRun = z.looseObject({
  JobName: z.string().min(1),
  Arguments: z.record(z.string(), z.string()).default({}),
  Timeout: z.number().int().min(1).optional(),
  WorkerType: z.string().optional(),
  NumberOfWorkers: z.number().int().optional(),
});

/** Glue's default: two days. */
const DEFAULT_TIMEOUT_MINUTES = 2880;
/** Glue ends a job at once, but Spark needs a few seconds to remove its files. */
const GRACE_SECONDS = 5;

/** Glue job runs: a real Python runs the job's script with a real Spark. */
export class Jobs {
  private readonly state: StateFile<z.ZodArray<typeof JobRun>>;
  private readonly programs = new Map<string, Program>();
  private readonly work = new Set<Promise<void>>();

  constructor(
    private readonly context: Context,
    private readonly definitions: Definitions,
  ) {
    this.state = context.state('job-runs', z.array(JobRun), []);
    for (const run of this.state.value.filter(isActive))
      this.change(run, { state: 'FAILED', error: INTERRUPTED });
  }

  readonly operations: Record<string, Operation> = {
    StartJobRun: glueOperation(StartJobRun, async (input, caller) => {
      const definition = await this.allowed(caller, 'glue:StartJobRun', input.JobName);
      refuseCode(input.Arguments, definition);
      const active = this.runsOf(input.JobName).filter(isActive);
      if (active.length >= (definition.ExecutionProperty?.MaxConcurrentRuns ?? 1)) {
        throw new AwsError(
          'ConcurrentRunsExceededException',
          `Concurrent runs exceeded for ${input.JobName}`,
        );
      }
      return { JobRunId: this.start(definition, input) };
    }),
    GetJobRun: glueOperation(
      z.looseObject({ JobName: z.string().min(1), RunId: z.string().min(1) }),
      async (input, caller) => {
        await this.allowed(caller, 'glue:GetJobRun', input.JobName);
        return { JobRun: describe(this.find(input.JobName, input.RunId)) };
      },
    ),
    GetJobRuns: glueOperation(
      z.looseObject({ JobName: z.string().min(1), ...Paging }),
      async (input, caller) => {
        await this.allowed(caller, 'glue:GetJobRuns', input.JobName);
        const { items, ...next } = page(this.runsOf(input.JobName), input, 'InvalidInputException');
        return { JobRuns: items.map(describe), ...next };
      },
    ),
    BatchStopJobRun: glueOperation(
      z.looseObject({ JobName: z.string().min(1), JobRunIds: z.array(z.string()).min(1).max(25) }),
      async ({ JobName, JobRunIds }, caller) => {
        await this.allowed(caller, 'glue:BatchStopJobRun', JobName);
        const outcomes = JobRunIds.map((JobRunId) => ({
          JobName,
          JobRunId,
          ErrorDetail: this.stop(JobName, JobRunId),
        }));
        return {
          SuccessfulSubmissions: outcomes.flatMap(({ ErrorDetail, ...run }) =>
            ErrorDetail ? [] : [run],
          ),
          Errors: outcomes.filter(({ ErrorDetail }) => ErrorDetail),
        };
      },
    ),
  };

  /** Waits until all runs, whose programs were ended, are recorded. */
  async close(): Promise<void> {
    for (const run of this.state.value.filter(isActive))
      this.change(run, { state: 'FAILED', error: INTERRUPTED });
    await Promise.all([...this.programs.values()].map((program) => program.stop(GRACE_SECONDS)));
    await Promise.all(this.work);
  }

  private async allowed(caller: Caller, action: string, job: string): Promise<JobDefinition> {
    await this.context.iam.authorize(caller, action, arn(job));
    return this.definitions.job(job);
  }

  private start(definition: JobDefinition, input: z.infer<typeof StartJobRun>): string {
    const now = Date.now();
    const run: JobRun = {
      id: `jr_${randomBytes(32).toString('hex')}`,
      job: definition.Name,
      state: 'STARTING',
      arguments: input.Arguments,
      timeout: input.Timeout ?? definition.Timeout ?? DEFAULT_TIMEOUT_MINUTES,
      startedAt: now,
      changedAt: now,
      glueVersion: definition.GlueVersion,
      workerType: input.WorkerType ?? definition.WorkerType,
      workers: input.NumberOfWorkers ?? definition.NumberOfWorkers,
    };
    this.state.value.unshift(run);
    this.state.save();
    const work = this.run(definition, run).finally(() => this.work.delete(work));
    this.work.add(work);
    return run.id;
  }

  private async run(definition: JobDefinition, run: JobRun): Promise<void> {
    const scratch = this.context.path('jobs', run.id);
    let outcome: Partial<JobRun>;
    try {
      const exitCode = await this.execute(definition, run, scratch);
      outcome =
        exitCode === 0
          ? { state: 'SUCCEEDED' }
          : { state: 'FAILED', error: lastMeaningfulLine(tail(this.logFile(run))) };
    } catch (error) {
      outcome = { state: 'FAILED', error: messageOf(error) };
    }
    await rm(scratch, { recursive: true, force: true });
    if (run.state === 'STOPPING') this.change(run, { state: 'STOPPED' });
    // TIMEOUT and the gateway's end were recorded before.
    else if (isActive(run)) this.change(run, outcome);
  }

  /** Runs the job's script and returns its exit code. Throws when it cannot be started. */
  private async execute(definition: JobDefinition, run: JobRun, scratch: string): Promise<number> {
    const role = this.context.role({
      roleArn: roleArn(definition.Role),
      service: 'glue.amazonaws.com',
      sessionName: 'GlueJobRunnerSession',
      sourceArn: arn(run.job),
    });
    const runArguments = {
      ...definition.DefaultArguments,
      ...run.arguments,
      ...definition.NonOverridableArguments,
    };
    await mkdir(join(scratch, 'tmp'), { recursive: true });
    const { script, modules } = await this.fetchCode(role, definition, runArguments, scratch);
    const env = {
      ...sparkEnvironment(scratch, this.context.python, modules, runArguments['--conf']),
      ...(await role.environment(this.context.url)),
    };
    // The run may have been stopped while the script was downloaded or, below, while its program started.
    if (run.state !== 'STARTING') return 0;
    const args = Object.entries({
      '--JOB_NAME': run.job,
      '--JOB_RUN_ID': run.id,
      ...runArguments,
    }).flat();
    const program = await this.context.processes.start({
      command: this.context.python,
      args: [script, ...args],
      cwd: scratch,
      env,
      logFile: this.logFile(run),
    });
    this.programs.set(run.id, program);
    if (run.state === 'STARTING') this.change(run, { state: 'RUNNING' });
    else void program.stop(GRACE_SECONDS);
    const timer = setTimeout(
      () => this.timeOut(run, program),
      run.timeout * this.context.limits.secondsPerMinute * 1000,
    );
    try {
      return await program.exited;
    } finally {
      clearTimeout(timer);
      this.programs.delete(run.id);
    }
  }

  private async fetchCode(
    role: AssumedRole,
    definition: JobDefinition,
    runArguments: Record<string, string>,
    scratch: string,
  ) {
    const s3 = role.s3();
    try {
      const script = join(scratch, basename(definition.Command.ScriptLocation));
      await download(s3, parseS3Uri(definition.Command.ScriptLocation), script);
      const modules: string[] = [];
      for (const uri of (runArguments['--extra-py-files'] ?? '').split(',').filter(Boolean)) {
        const file = join(scratch, 'modules', basename(uri));
        await download(s3, parseS3Uri(uri), file);
        // The path of a single module is its folder; the path of an archive is the archive.
        modules.push(file.endsWith('.py') ? join(scratch, 'modules') : file);
      }
      return { script, modules };
    } finally {
      s3.destroy();
    }
  }

  private timeOut(run: JobRun, program: Program): void {
    this.change(run, { state: 'TIMEOUT', error: `Job run timed out after ${run.timeout} minutes` });
    void program.stop(GRACE_SECONDS);
  }

  /** Stops a run. Returns an error entry if it cannot be stopped. */
  private stop(job: string, id: string): { ErrorCode: string; ErrorMessage: string } | undefined {
    const run = this.runsOf(job).find((candidate) => candidate.id === id);
    if (!run)
      return { ErrorCode: 'JobRunNotFoundException', ErrorMessage: `JobRun ${id} not found` };
    if (!isActive(run))
      return {
        ErrorCode: 'JobRunNotInTerminalStateException',
        ErrorMessage: `JobRun ${id} is ${run.state}; only a running one can be stopped`,
      };
    this.change(run, { state: 'STOPPING' });
    void this.programs.get(id)?.stop(GRACE_SECONDS);
    return undefined;
  }

  private change(run: JobRun, change: Partial<JobRun>): void {
    const now = Date.now();
    Object.assign(run, change, { changedAt: now });
    if (!isActive(run)) run.endedAt = now;
    this.state.save();
  }

  private runsOf(job: string): JobRun[] {
    return this.state.value.filter((run) => run.job === job);
  }

  private find(job: string, id: string): JobRun {
    const run = this.runsOf(job).find((candidate) => candidate.id === id);
    if (!run)
      throw new AwsError('EntityNotFoundException', `Job Run ${id} for job ${job} not found.`);
    return run;
  }

  private logFile(run: JobRun): string {
    return this.context.path('logs', 'glue', `${run.id}.log`);
  }
}

/** Arguments that make Glue run other code than the job's, or run it in another way. */
const CODE_ARGUMENTS =
  /^--(conf|extra-.*|additional-python-modules|python-modules-.*|pip-install|scriptLocation|user-jars-first|class|files|jars|py-files)$/i;

/**
 * Throws InvalidInputException for a run whose arguments change the job's code. On AWS such code has only the job's
 * role. Here it would have all rights of the lake's owner, so only the job's own definition may set these arguments.
 */
function refuseCode(
  runArguments: Record<string, string>,
  { DefaultArguments }: JobDefinition,
): void {
  const changed = Object.keys(runArguments).filter(
    (name) => CODE_ARGUMENTS.test(name) && runArguments[name] !== DefaultArguments?.[name],
  );
  if (changed.length > 0)
    throw new AwsError(
      'InvalidInputException',
      `${changed.join(', ')}: the embedded cloud accepts this only in the job's DefaultArguments, because it changes which code runs.`,
    );
}

const arn = (job: string) => `arn:aws:glue:${REGION}:${ACCOUNT}:job/${job}`;

const isActive = (run: JobRun) =>
  run.state === 'STARTING' || run.state === 'RUNNING' || run.state === 'STOPPING';

function describe(run: JobRun): object {
  return {
    Id: run.id,
    Attempt: 0,
    JobName: run.job,
    StartedOn: seconds(run.startedAt),
    LastModifiedOn: seconds(run.changedAt),
    CompletedOn: run.endedAt && seconds(run.endedAt),
    JobRunState: run.state,
    Arguments: run.arguments,
    ErrorMessage: run.error,
    PredecessorRuns: [],
    ExecutionTime: Math.round(((run.endedAt ?? Date.now()) - run.startedAt) / 1000),
    Timeout: run.timeout,
    GlueVersion: run.glueVersion,
    WorkerType: run.workerType,
    NumberOfWorkers: run.workers,
    LogGroupName: '/aws-glue/jobs',
  };
}
