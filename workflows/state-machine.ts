import { Duration } from 'aws-cdk-lib';
import type * as iam from 'aws-cdk-lib/aws-iam';
import type * as lambda from 'aws-cdk-lib/aws-lambda';
import * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import * as tasks from 'aws-cdk-lib/aws-stepfunctions-tasks';
import { Construct } from 'constructs';
import { JobLoop } from './job-loop';
import { progressKeys } from './payloads';
import { commonRetries, stepRetries } from './retries';
import { perStep } from './steps';
import type { StepName } from './steps';

/** Seconds a Task waits beyond the Lambda's own limit, so that the history shows the Lambda's error. */
const TASK_MARGIN_SECONDS = 15;

export interface SentimentPipelineProps {
  readonly name: string;
  /** The function of each step. Published versions, so that a history shows which code ran. */
  readonly functions: Record<StepName, lambda.IFunction>;
  /** Time limit of an execution, including rate limits and training. */
  readonly timeout: Duration;
  readonly logs: sfn.LogOptions;
  /** @default true */
  readonly tracing?: boolean;
  /** @default a role of its own */
  readonly role?: iam.IRole;
}

const stepNamed = perStep((step) => step);

/**
 * The nightly run. Each state writes its own key of the execution's state. There is no catch-all: a redrive continues
 * from the failed state, and a Fail state would only fail again.
 */
export class SentimentPipeline extends Construct {
  readonly machine: sfn.StateMachine;

  constructor(scope: Construct, id: string, props: SentimentPipelineProps) {
    super(scope, id);
    const { functions } = props;

    const plan = this.firstStep(functions['plan-run']);
    const ingest = this.step('ingest-tweets', functions);
    const crawl = this.step('crawl-raw-data', functions);
    const clean = this.step('clean-tweets', functions);
    const check = this.step('check-data', functions);
    const publish = this.step('publish-data', functions);
    const train = this.step('train-model', functions);
    const evaluate = this.step('evaluate-candidate', functions);
    const update = this.step('update-endpoint', functions);
    const smokeTest = this.step('smoke-test-endpoint', functions);
    const promote = this.step('promote-model', functions);
    const refresh = this.step('refresh-analytics', functions);
    const report = this.step('report-run', functions);

    const crawling = this.loop('Crawl', {
      step: crawl,
      key: 'crawl',
      question: 'Raw data crawled?',
      wait: 'Wait for the crawler',
    });
    const cleaning = this.loop('Clean', {
      step: clean,
      key: 'clean',
      question: 'Tweets cleaned?',
      wait: 'Wait for the cleaning job',
    });
    const checking = this.loop('Check', {
      step: check,
      key: 'check',
      question: 'Data checked?',
      wait: 'Wait for the checks',
    });
    const training = this.loop('Train', {
      step: train,
      key: 'train',
      question: 'Model trained?',
      wait: 'Wait for the training job',
    });
    const updating = this.loop('Update', {
      step: update,
      key: 'update',
      question: 'Endpoint updated?',
      wait: 'Wait for the endpoint',
    });
    const refreshing = this.loop('Refresh', {
      step: refresh,
      key: 'refresh',
      question: 'Analytics refreshed?',
      wait: 'Wait for the scores',
    });

    plan.next(
      new sfn.Choice(this, 'What to run', { stateName: 'What to run?' })
        .when(sfn.Condition.isNotNull('$.plan.skip'), report)
        .when(sfn.Condition.stringEquals('$.plan.mode', 'retrain'), training.start)
        .when(sfn.Condition.stringEquals('$.plan.mode', 'rollback'), evaluate)
        .otherwise(ingest),
    );
    ingest.next(this.afterIngest(ingest, { crawl: crawling.start, report }));
    crawling.when('DONE', cleaning.start);
    // Backfill, replay and import update days without training; the next nightly run trains on them.
    const next = new sfn.Choice(this, 'Train now', { stateName: 'Train on it?' })
      .when(sfn.Condition.stringEquals('$.plan.mode', 'nightly'), training.start)
      .otherwise(refreshing.start);
    cleaning.when('DONE', checking.start).when('NOTHING_NEW', next);
    checking.when('DONE', publish);
    publish.next(next);
    training.when('DONE', evaluate).when('SKIPPED', refreshing.start);
    evaluate.next(
      new sfn.Choice(this, 'Promote', { stateName: 'Promote it?' })
        .when(sfn.Condition.booleanEquals('$.evaluation.promote', true), updating.start)
        .otherwise(refreshing.start),
    );
    updating.when('DONE', smokeTest);
    smokeTest.next(promote).next(refreshing.start);
    refreshing.when('DONE', report);

    this.machine = new sfn.StateMachine(this, 'Machine', {
      stateMachineName: props.name,
      stateMachineType: sfn.StateMachineType.STANDARD,
      definitionBody: sfn.DefinitionBody.fromChainable(plan),
      timeout: props.timeout,
      logs: props.logs,
      tracingEnabled: props.tracing ?? true,
      role: props.role,
    });
  }

  /** MORE calls again at once, RATE_LIMITED and BUSY at `resumeAt`; DONE continues by mode. */
  private afterIngest(
    ingest: sfn.TaskStateBase,
    next: { crawl: sfn.IChainable; report: sfn.IChainable },
  ): sfn.Choice {
    const isDone = sfn.Condition.stringEquals('$.ingest.status', 'DONE');
    const untilReset = new sfn.Wait(this, 'Rate limit', {
      stateName: "Wait for X's rate limit",
      time: sfn.WaitTime.timestampPath('$.ingest.resumeAt'),
    });
    const untilFree = new sfn.Wait(this, 'Other ingest', {
      stateName: 'Wait for the other ingest',
      time: sfn.WaitTime.timestampPath('$.ingest.resumeAt'),
    });
    return new sfn.Choice(this, 'Ingested', { stateName: 'All tweets ingested?' })
      .when(sfn.Condition.stringEquals('$.ingest.status', 'MORE'), ingest)
      .when(sfn.Condition.stringEquals('$.ingest.status', 'RATE_LIMITED'), untilReset.next(ingest))
      .when(sfn.Condition.stringEquals('$.ingest.status', 'BUSY'), untilFree.next(ingest))
      .when(
        sfn.Condition.and(isDone, sfn.Condition.stringEquals('$.plan.mode', 'ingest')),
        next.report,
      )
      .when(isDone, next.crawl);
  }

  /** Receives the raw input and makes the state that every later step reads. */
  private firstStep(fn: lambda.IFunction): sfn.TaskStateBase {
    return this.task('plan-run', fn, {
      payload: { 'input.$': '$$.Execution.Input' },
      resultSelector: {
        'plan.$': '$',
        ...Object.fromEntries(progressKeys.map((key) => [key, { status: 'PENDING' }])),
      },
    });
  }

  private step(
    name: Exclude<StepName, 'plan-run'>,
    functions: SentimentPipelineProps['functions'],
  ): sfn.TaskStateBase {
    const { key } = stepNamed[name];
    return this.task(name, functions[name], {
      payload: { 'state.$': '$' },
      // The report has no key: its answer becomes the execution's output.
      ...(key && { resultPath: `$.${key}` }),
    });
  }

  private task(
    name: StepName,
    fn: lambda.IFunction,
    io: {
      payload: Record<string, string>;
      resultSelector?: Record<string, unknown>;
      resultPath?: string;
    },
  ): sfn.TaskStateBase {
    const { state, timeoutSeconds } = stepNamed[name];
    const task = new tasks.LambdaInvoke(this, state, {
      lambdaFunction: fn,
      payload: sfn.TaskInput.fromObject({
        execution: {
          'arn.$': '$$.Execution.Id',
          'name.$': '$$.Execution.Name',
          'startTime.$': '$$.Execution.StartTime',
        },
        'attempt.$': '$$.Execution.RedriveCount',
        ...io.payload,
      }),
      payloadResponseOnly: true,
      retryOnServiceExceptions: false,
      taskTimeout: sfn.Timeout.duration(Duration.seconds(timeoutSeconds + TASK_MARGIN_SECONDS)),
      resultSelector: io.resultSelector,
      resultPath: io.resultPath,
    });
    for (const retry of [...commonRetries, ...(stepRetries[name] ?? [])]) {
      task.addRetry(retry);
    }
    return task;
  }

  private loop(id: string, props: ConstructorParameters<typeof JobLoop>[2]): JobLoop {
    return new JobLoop(this, id, props);
  }
}
