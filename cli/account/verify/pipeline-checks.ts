import {
  DescribeStackDriftDetectionStatusCommand,
  DescribeStackResourceDriftsCommand,
  DetectStackDriftCommand,
} from '@aws-sdk/client-cloudformation';
import {
  CloudWatchLogsClient,
  paginateDescribeLogGroups,
  type LogGroup,
} from '@aws-sdk/client-cloudwatch-logs';
import { DescribeImagesCommand, ECRClient } from '@aws-sdk/client-ecr';
import {
  DescribeEndpointCommand,
  DescribeEndpointConfigCommand,
  DescribeModelCommand,
  DescribeTrainingJobCommand,
  paginateListTrainingJobs,
  type DescribeTrainingJobResponse,
} from '@aws-sdk/client-sagemaker';
import { setTimeout as sleep } from 'node:timers/promises';
import { lakeName, modelPrefix, stackName } from '../../../infra/naming';
import { roleArn } from '../../../session/people';
import { clientConfig } from '../../../session/clients';
import type { Session } from '../../../session/session';
import { NotApplicable, type Check } from './check';

/** The environment's newest completed training job. Throws Error when there is none. */
async function newestTraining({
  clients,
  outputs,
  environment,
}: Session): Promise<DescribeTrainingJobResponse> {
  const role = roleArn(outputs, environment, 'MachineLearningRole');
  const input = {
    NameContains: modelPrefix(environment),
    StatusEquals: 'Completed' as const,
    SortBy: 'CreationTime' as const,
    SortOrder: 'Descending' as const,
  };
  for await (const page of paginateListTrainingJobs({ client: clients.sageMaker }, input)) {
    for (const { TrainingJobName } of page.TrainingJobSummaries ?? []) {
      const job = await clients.sageMaker.send(new DescribeTrainingJobCommand({ TrainingJobName }));
      if (job.RoleArn === role) return job;
    }
  }
  throw new Error('no training job has completed yet, so there is nothing to check');
}

export const imagePull: Check = {
  name: 'training ran in our image',
  notLocally: "it runs the Dockerfile's command as a process, without an image",
  look: async ({ session }) => {
    const job = await newestTraining(session);
    const image = job.AlgorithmSpecification?.TrainingImage ?? '';
    const [, repositoryName = '', imageTag = ''] = /^[^/]+\/([^:@]+):(.+)$/.exec(image) ?? [];
    const ecr = new ECRClient(clientConfig(session.connection));
    const { imageDetails = [] } = await ecr.send(
      new DescribeImagesCommand({ repositoryName, imageIds: [{ imageTag }] }),
    );
    const steps = (job.SecondaryStatusTransitions ?? []).map(({ Status, StatusMessage }) => ({
      Status,
      StatusMessage,
    }));
    const problems = [
      ...(repositoryName === lakeName(session.environment, 'training')
        ? []
        : [`the image is ${image}`]),
      ...(steps.some(({ Status }) => Status === 'Training')
        ? []
        : ['the job never reached Training']),
      ...(imageDetails.length === 1
        ? []
        : [`ECR has ${imageDetails.length} images with the tag ${imageTag}, not one`]),
    ];
    return {
      saw: `${job.TrainingJobName} trained in ${image}, ${imageDetails[0]?.imageDigest}`,
      problems,
      evidence: { job: job.TrainingJobName, image, steps, imageDetails },
    };
  },
};

export const trainingIsClosed: Check = {
  name: 'the training job is cut off and encrypted',
  look: async ({ session, keyArn }) => {
    const job = await newestTraining(session);
    const {
      EnableNetworkIsolation,
      ResourceConfig,
      OutputDataConfig,
      TrainingJobName,
      EnableManagedSpotTraining,
    } = job;
    const problems = [
      ...(EnableNetworkIsolation === true ? [] : ['it may reach the network']),
      ...(ResourceConfig?.VolumeKmsKeyId === keyArn
        ? []
        : [`its volume is under ${ResourceConfig?.VolumeKmsKeyId}`]),
      ...(OutputDataConfig?.KmsKeyId === keyArn
        ? []
        : [`its output is under ${OutputDataConfig?.KmsKeyId}`]),
    ];
    return {
      saw: `${TrainingJobName}: network isolation on, volume and output under the key`,
      problems,
      evidence: {
        TrainingJobName,
        EnableNetworkIsolation,
        ResourceConfig,
        OutputDataConfig,
        EnableManagedSpotTraining,
      },
    };
  },
};

export const endpointIsClosed: Check = {
  name: 'the endpoint is cut off and encrypted',
  look: async ({ session, settings, keyArn }) => {
    const { clients, outputs } = session;
    if (settings.endpoint.kind === 'serverless') {
      throw new NotApplicable(
        'a serverless endpoint has neither network isolation nor a volume of ours',
      );
    }
    const endpoint = await clients.sageMaker.send(
      new DescribeEndpointCommand({ EndpointName: outputs.EndpointName }),
    );
    const config = await clients.sageMaker.send(
      new DescribeEndpointConfigCommand({ EndpointConfigName: endpoint.EndpointConfigName }),
    );
    const model = await clients.sageMaker.send(
      new DescribeModelCommand({ ModelName: config.ProductionVariants?.[0]?.ModelName }),
    );
    const problems = [
      ...(endpoint.EndpointStatus === 'InService'
        ? []
        : [`the endpoint is ${endpoint.EndpointStatus}`]),
      ...(model.EnableNetworkIsolation === true ? [] : ['its model may reach the network']),
      ...(config.KmsKeyId === keyArn ? [] : [`its volume is under ${config.KmsKeyId}`]),
    ];
    return {
      saw: `${outputs.EndpointName} serves ${model.ModelName}: network isolation on, volume under the key`,
      problems,
      evidence: { endpoint: endpoint.EndpointStatus, config, model },
    };
  },
};

export const logGroups: Check = {
  name: 'logs are encrypted and expire',
  look: async ({ session, settings, keyArn }) => {
    const name = lakeName(session.environment);
    const client = new CloudWatchLogsClient(clientConfig(session.connection));
    const found: LogGroup[] = [];
    // With the hyphen, so that sentiment-lake-dev does not match sentiment-lake-dev2.
    for (const logGroupNamePrefix of [
      `/aws/lambda/${name}-`,
      `/aws/vendedlogs/states/${name}`,
      `/aws/codebuild/${name}-`,
    ]) {
      const pages = paginateDescribeLogGroups({ client }, { logGroupNamePrefix });
      for await (const page of pages) found.push(...(page.logGroups ?? []));
    }
    const problems = found.flatMap(({ logGroupName, kmsKeyId, retentionInDays }) => [
      ...(kmsKeyId === keyArn ? [] : [`${logGroupName} is under ${kmsKeyId ?? 'no key of ours'}`]),
      ...(retentionInDays === settings.logRetentionDays
        ? []
        : [
            `${logGroupName} keeps logs for ${retentionInDays ?? 'unlimited'} days, not ${settings.logRetentionDays}`,
          ]),
    ]);
    if (found.length === 0) problems.push(`there is no log group of ${name}`);
    return {
      saw: `${found.length} log groups under the key, kept ${settings.logRetentionDays} days`,
      problems,
      evidence: found,
    };
  },
};

const driftMillis = 10 * 60_000;

export const noDrift: Check = {
  name: 'the stacks are as deployed',
  notLocally: "its drift detection is not AWS's",
  look: async ({ session, signal }) => {
    const client = session.clients.cloudFormation;
    const evidence = [];
    const problems: string[] = [];
    for (const kind of ['Data', 'Pipeline'] as const) {
      const StackName = stackName(session.environment, kind);
      const { StackDriftDetectionId } = await client.send(
        new DetectStackDriftCommand({ StackName }),
      );
      const deadline = Date.now() + driftMillis;
      for (;;) {
        const status = await client.send(
          new DescribeStackDriftDetectionStatusCommand({ StackDriftDetectionId }),
        );
        if (status.DetectionStatus === 'DETECTION_COMPLETE') break;
        if (status.DetectionStatus === 'DETECTION_FAILED' || Date.now() > deadline) {
          throw new Error(
            `the drift detection of ${StackName} did not finish: ${status.DetectionStatusReason ?? 'it takes too long'}`,
          );
        }
        await sleep(5_000, undefined, { signal });
      }
      const { StackResourceDrifts = [] } = await client.send(
        new DescribeStackResourceDriftsCommand({
          StackName,
          StackResourceDriftStatusFilters: ['MODIFIED', 'DELETED'],
        }),
      );
      evidence.push({ StackName, drifts: StackResourceDrifts });
      problems.push(
        ...StackResourceDrifts.map(
          ({ LogicalResourceId, StackResourceDriftStatus }) =>
            `${StackName}: ${LogicalResourceId} is ${StackResourceDriftStatus}`,
        ),
      );
    }
    return { saw: 'both stacks are in sync with their templates', problems, evidence };
  },
};
