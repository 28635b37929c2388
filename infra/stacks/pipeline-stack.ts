import { CfnOutput, Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import type { StackProps } from 'aws-cdk-lib';
import type * as lambda from 'aws-cdk-lib/aws-lambda';
import { SqsDestination } from 'aws-cdk-lib/aws-lambda-destinations';
import * as logs from 'aws-cdk-lib/aws-logs';
import type * as sns from 'aws-cdk-lib/aws-sns';
import * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import type { Construct } from 'constructs';
import type { Variable } from '../../functions/settings/environment';
import { SentimentPipeline } from '../../workflows/state-machine';
import { perStep } from '../../workflows/steps';
import type { StepName } from '../../workflows/steps';
import { arn } from '../arns';
import { bundleHandlers } from '../bundles';
import type { EnvironmentName, Settings } from '../config';
import { Analytics } from '../constructs/data/analytics';
import { CleaningJob } from '../constructs/data/cleaning-job';
import { ContainerImages } from '../constructs/model/container-images';
import { DeadLetters } from '../constructs/pipeline/dead-letters';
import { EndpointRollback } from '../constructs/model/endpoint-rollback';
import { GlueSecurity } from '../constructs/data/glue-security';
import { allow } from '../constructs/security/grants';
import { MachineRole } from '../constructs/security/machine-role';
import { ModelAccess } from '../constructs/model/model-access';
import { Monitoring } from '../constructs/monitoring/monitoring';
import type { MonitoringProps } from '../constructs/monitoring/watch';
import { ExecutionArchive, Notifications } from '../constructs/pipeline/notifications';
import { PipelineFunctions } from '../constructs/pipeline/pipeline-functions';
import { RawCrawler } from '../constructs/data/raw-crawler';
import { Schedules } from '../constructs/pipeline/schedules';
import { StarterRoles } from '../constructs/security/starter-roles';
import { StreamScoring } from '../constructs/pipeline/stream-scoring';
import { endpointName, lakeName, modelPrefix } from '../naming';
import { checksum, revision, withScratchFolder } from '../repository';
import type { DataResources } from '../data-resources';

export interface PipelineStackProps extends StackProps {
  readonly environment: EnvironmentName;
  readonly settings: Settings;
  readonly lake: DataResources;
}

/** Names of what works on the data. */
type DataJobs = Pick<MonitoringProps, 'glueJob' | 'workGroup' | 'analystsWorkGroup'> & {
  readonly crawler: string;
};

interface Model {
  readonly endpoint: string;
  readonly images: ContainerImages;
  /** Alarms that roll an update of the endpoint back. */
  readonly alarmNames: EndpointRollback['alarmNames'];
}

type Pipeline = Pick<
  MonitoringProps,
  'machine' | 'scoreStream' | 'archive' | 'undelivered' | 'failures'
>;

/** Everything that can be thrown away and rebuilt: what works on the lake, and what it is started by. */
export class PipelineStack extends Stack {
  /** Where people are told of what goes wrong, and of what it costs. */
  readonly topic: sns.ITopic;

  constructor(scope: Construct, id: string, props: PipelineStackProps) {
    super(scope, id, props);
    this.topic = withScratchFolder((bundles) => {
      bundleHandlers(bundles);
      return this.build(props, bundles);
    });
  }

  private build(props: PipelineStackProps, bundles: string): sns.ITopic {
    const { environment, settings, lake } = props;
    const { topic } = new Notifications(this, 'Notifications', {
      environment,
      lake,
      email: settings.alarmEmail,
    });
    const starters = new StarterRoles(this, 'StarterRoles', { environment }).byName;
    const data = this.dataJobs(props, starters);
    const model = this.model(props, { starters, topic, bundles });
    const functions = new PipelineFunctions(this, 'Functions', {
      environment,
      settings,
      lake,
      starters,
      bundles,
    });
    const pipeline = this.pipeline(props, functions, this.variables(props, data, model, topic));
    // Started before the images are there, a training job would find none.
    pipeline.machine.node.addDependency(model.images.built);
    const { endpoint } = model;
    new Monitoring(this, 'Monitoring', {
      environment,
      settings,
      topic,
      stream: lake.stream,
      endpoint,
      ...data,
      ...pipeline,
    });

    this.outputs({
      StateMachineArn: pipeline.machine.stateMachineArn,
      BucketName: lake.bucket.bucketName,
      DatabaseName: lake.database,
      WorkgroupName: data.workGroup,
      AnalystsWorkgroupName: data.analystsWorkGroup,
      EndpointName: endpoint,
      TokenSecretArn: lake.tokenSecret.secretArn,
      ForceGrantSecretArn: lake.forceGrant.secretArn,
      ForgottenSecretArn: lake.forgottenSecret.secretArn,
      StreamName: lake.stream.streamName,
      CrawlerName: data.crawler,
      GlueJobName: data.glueJob,
      TopicArn: topic.topicArn,
    });
    return topic;
  }

  /** Crawler, Spark job and workgroups, by their names. */
  private dataJobs(
    { environment, settings, lake }: PipelineStackProps,
    starters: StarterRoles['byName'],
  ): DataJobs {
    const security = new GlueSecurity(this, 'GlueSecurity', { environment, lake }).name;
    const crawler = new RawCrawler(this, 'RawCrawler', {
      environment,
      lake,
      security,
      starter: starters.CrawlStarterRole,
    }).name;
    const glueJob = new CleaningJob(this, 'CleaningJob', {
      environment,
      settings: settings.glue,
      lake,
      security,
    }).name;
    const { workGroup, analystsWorkGroup } = new Analytics(this, 'Analytics', {
      environment,
      settings,
      lake,
    });
    return { crawler, glueJob, workGroup, analystsWorkGroup };
  }

  /** The images, and who may train, serve and roll back. */
  private model(
    { environment, settings, lake }: PipelineStackProps,
    given: { starters: StarterRoles['byName']; topic: sns.ITopic; bundles: string },
  ): Model {
    const { topic, bundles } = given;
    const updater = given.starters.EndpointUpdaterRole;
    const endpoint = endpointName(environment, settings.endpoint.kind);
    const images = new ContainerImages(this, 'Images', { environment, settings, lake, bundles });
    new ModelAccess(this, 'Models', { environment, lake, endpoint, settings, updater });
    const { alarmNames } = new EndpointRollback(this, 'Rollback', {
      environment,
      topic,
      endpoint,
      kind: settings.endpoint.kind,
      updater,
    });
    return { endpoint, images, alarmNames };
  }

  /** The value of every variable that a function may read. */
  private variables(
    { environment, lake }: PipelineStackProps,
    data: DataJobs,
    { endpoint, images, alarmNames }: Model,
    topic: sns.ITopic,
  ): Record<Variable, string> {
    const { commit, dirty } = revision();
    return {
      LAKE: lakeName(environment),
      MODEL_PREFIX: modelPrefix(environment),
      BUCKET: lake.bucket.bucketName,
      STREAM_NAME: lake.stream.streamName,
      TOKEN_SECRET_ARN: lake.tokenSecret.secretArn,
      FORCE_GRANT_SECRET_ARN: lake.forceGrant.secretArn,
      FORGOTTEN_SECRET_ARN: lake.forgottenSecret.secretArn,
      DATABASE: lake.database,
      CRAWLER: data.crawler,
      GLUE_JOB: data.glueJob,
      WORKGROUP: data.workGroup,
      TRAINING_ROLE_ARN: lake.roles.MachineLearningRole.roleArn,
      SERVING_ROLE_ARN: lake.roles.ServingRole.roleArn,
      TRAINING_IMAGE: images.uris.training,
      SERVING_IMAGE: images.uris.serving,
      KEY_ARN: lake.key.keyArn,
      // Read by train-model alone: a commit redeploys that function, and no other.
      GIT_COMMIT: commit,
      GIT_DIRTY: String(dirty),
      PACKAGE_LOCK_SHA256: checksum('package-lock.json'),
      ENDPOINT_NAME: endpoint,
      ROLLBACK_ALARMS: JSON.stringify(alarmNames),
      TOPIC_ARN: topic.topicArn,
    };
  }

  /** The functions, the machine that calls them, what starts it and what keeps its executions. */
  private pipeline(
    { environment, settings, lake }: PipelineStackProps,
    functions: PipelineFunctions,
    values: Record<Variable, string>,
  ): Pipeline {
    const name = lakeName(environment);
    const scoreStream = functions.create('score-stream', values);
    const { failures } = new StreamScoring(this, 'StreamScoring', { lake, scoreStream });
    const stepFunctions = perStep(({ name: step }) => functions.create(step, values));
    const archive = functions.create('archive-execution', values);
    functions.openLogs();

    const machine = this.machine(name, settings, lake, stepFunctions);
    this.letStepsLookAtExecutions(name, lake);

    const undelivered = new DeadLetters(this, 'Undelivered', {
      key: lake.key,
      sender: lake.roles.RunReporterRole,
    });
    const deadLetterQueue = undelivered.queue;
    archive.configureAsyncInvoke({
      onFailure: new SqsDestination(deadLetterQueue),
      retryAttempts: 2,
    });
    // Lambda looks whether the role may send to the destination when it is told of it.
    if (undelivered.sending)
      archive.node.findChild('EventInvokeConfig').node.addDependency(undelivered.sending);
    const { stateMachineArn } = machine;
    new ExecutionArchive(this, 'Archive', { stateMachineArn, archive, deadLetterQueue });
    new Schedules(this, 'Schedules', { environment, machine, settings, deadLetterQueue });
    return { machine, scoreStream, archive, undelivered: deadLetterQueue, failures };
  }

  private machine(
    name: string,
    settings: Settings,
    lake: DataResources,
    functions: Record<StepName, lambda.Function>,
  ): sfn.StateMachine {
    const logGroup = new logs.LogGroup(this, 'MachineLog', {
      // Under this prefix CloudWatch Logs needs no statement per log group in its own resource policy,
      // which is full after a few dozen.
      logGroupName: `/aws/vendedlogs/states/${name}`,
      retention: settings.logRetentionDays,
      encryptionKey: lake.key,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    const { role, policy } = new MachineRole(this, 'MachineRole', {
      functions: Object.values(functions),
    });
    const { machine } = new SentimentPipeline(this, 'Pipeline', {
      name,
      functions: perStep(({ name: step }) => functions[step].currentVersion),
      timeout: Duration.hours(settings.runTimeoutHours),
      // Without the data: the history keeps it, and a log should not repeat tweets.
      logs: { destination: logGroup, level: sfn.LogLevel.ALL, includeExecutionData: false },
      tracing: true,
      role,
    });
    // Step Functions tries the log when the machine is made.
    machine.node.addDependency(policy);
    return machine;
  }

  /** `Plan the run` asks whether the lock's holder still runs; the archive reads what it keeps. */
  private letStepsLookAtExecutions(name: string, { roles }: DataResources): void {
    const executions = {
      resources: [arn('states', `execution:${name}:*`)],
      wildcard: "Executions of this one machine; their names are their starter's choice",
    };
    allow(this, 'PlanLooksAtExecutions', roles.DataIngestionRole, [
      { actions: ['states:DescribeExecution'], ...executions },
    ]);
    allow(this, 'ArchiveReadsExecutions', roles.RunReporterRole, [
      { actions: ['states:DescribeExecution', 'states:GetExecutionHistory'], ...executions },
      {
        actions: ['cloudtrail:LookupEvents'],
        resources: ['*'],
        wildcard:
          'The event history of a region is no resource, and no condition key limits which events are read; it says who started an execution',
      },
    ]);
  }

  private outputs(values: Record<string, string>): void {
    for (const [name, value] of Object.entries(values)) new CfnOutput(this, name, { value });
  }
}
