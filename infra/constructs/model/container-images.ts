import { join } from 'node:path';
import { CustomResource, Duration, RemovalPolicy } from 'aws-cdk-lib';
import * as codebuild from 'aws-cdk-lib/aws-codebuild';
import * as ecr from 'aws-cdk-lib/aws-ecr';
import type * as iam from 'aws-cdk-lib/aws-iam';
import type * as kms from 'aws-cdk-lib/aws-kms';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import * as logs from 'aws-cdk-lib/aws-logs';
import { Asset } from 'aws-cdk-lib/aws-s3-assets';
import { Provider } from 'aws-cdk-lib/custom-resources';
import { Construct } from 'constructs';
import type { imageBuildHandlers } from '../../bundles';
import type { EnvironmentName, Settings } from '../../config';
import { lakeName } from '../../naming';
import type { RoleName } from '../../naming';
import { copyInto, withScratchFolder } from '../../repository';
import type { DataResources } from '../../data-resources';
import { acknowledge } from '../security/acknowledge';
import { allow } from '../security/grants';
import type { Permission } from '../security/grants';
import { BuildRole, ecrToken, guardWaiter, loggingRole } from './image-build-roles';
import { nodeRuntime } from '../pipeline/pipeline-functions';

export interface ContainerImagesProps {
  readonly environment: EnvironmentName;
  readonly settings: Pick<Settings, 'logRetentionDays' | 'torchIndexUrl'>;
  readonly lake: DataResources;
  /** Folder that `bundleHandlers` filled. */
  readonly bundles: string;
}

const kinds = ['training', 'serving'] as const;
type Kind = (typeof kinds)[number];

/**
 * SageMaker pulls an image with the role of the job or the model. No condition key covers the image of a training job
 * or model. Other images are kept out because these roles may only pull from this one repository.
 */
const pulledBy: Record<Kind, readonly RoleName[]> = {
  training: ['MachineLearningRole'],
  // Of the endpoint, and of transform jobs.
  serving: ['ServingRole', 'MachineLearningRole'],
};

/** Everything that the two Dockerfiles copy from the root of the repository. */
export const buildContext = ['ml', 'etl/text', 'package-lock.json', '.npmrc'];

/** Enough for the large PyTorch packages and for CodeBuild's queue. */
const BUILD_TIMEOUT = Duration.minutes(40);

/**
 * Longer than the build, so that the build's own timeout gives the reason. Shorter than an hour, after which
 * CloudFormation gives up a custom resource.
 */
const WAIT_TIMEOUT = BUILD_TIMEOUT.plus(Duration.minutes(10));

/** Images to keep: one for each deployed change of `ml/` or `etl/text/`. */
const KEPT_TRAINING_IMAGES = 20;

/**
 * The images of `ml/`. CodeBuild builds them during the deployment, so nobody needs Docker. Tags are immutable hashes
 * of the sources, so an image's name identifies its content.
 */
export class ContainerImages extends Construct {
  readonly uris: Record<Kind, string>;
  /** Resources that need the images must depend on this. */
  readonly built: CustomResource;
  private readonly repositories: Record<Kind, ecr.Repository>;

  constructor(
    scope: Construct,
    id: string,
    private readonly props: ContainerImagesProps,
  ) {
    super(scope, id);
    this.repositories = {
      training: this.repository('training'),
      serving: this.repository('serving'),
    };
    for (const name of new Set(kinds.flatMap((kind) => pulledBy[kind])))
      allow(this, `${name}-login`, props.lake.roles[name], [ecrToken]);
    const sources = withScratchFolder((folder) => {
      for (const path of buildContext) copyInto(folder, path);
      return new Asset(this, 'Sources', { path: folder });
    });
    const project = this.project(sources);
    this.built = this.build(project, sources.assetHash);
    const uriOf = (kind: Kind) => this.repositories[kind].repositoryUriForTag(sources.assetHash);
    this.uris = { training: uriOf('training'), serving: uriOf('serving') };
  }

  private repository(kind: Kind): ecr.Repository {
    const repository = new ecr.Repository(this, kind, {
      repositoryName: lakeName(this.props.environment, kind),
      imageTagMutability: ecr.TagMutability.IMMUTABLE,
      imageScanOnPush: true,
      // A training image is needed by its job and to train a model again. An endpoint pulls its image whenever it
      // scales, and no rule can tell which one that is: serving images are small and stay.
      lifecycleRules: kind === 'training' ? [{ maxImageCount: KEPT_TRAINING_IMAGES }] : undefined,
      // The images contain code and public word vectors, no data of the lake: ECR's own encryption is enough, and
      // every image can be built again.
      removalPolicy: RemovalPolicy.DESTROY,
      emptyOnDelete: true,
    });
    for (const name of pulledBy[kind])
      allow(repository, `${name}Pulls`, this.props.lake.roles[name], [
        {
          actions: [
            'ecr:BatchCheckLayerAvailability',
            'ecr:BatchGetImage',
            'ecr:GetDownloadUrlForLayer',
          ],
          resources: [repository.repositoryArn],
        },
      ]);
    return repository;
  }

  private project(sources: Asset): codebuild.Project {
    const { environment, settings, lake } = this.props;
    const name = lakeName(environment, 'images');
    const logGroup = this.logGroup('build', `/aws/codebuild/${name}`, lake.key);
    const { role, policy } = new BuildRole(this, 'Builder', {
      sources,
      repositories: kinds.map((kind) => this.repositories[kind]),
      logGroup,
    });
    const project = new codebuild.Project(this, 'Project', {
      projectName: name,
      description: 'Builds the training and serving images of the sentiment lake',
      role,
      source: codebuild.Source.s3({ bucket: sources.bucket, path: sources.s3ObjectKey }),
      environment: {
        // x86, like the instance types in the settings. Docker in a build needs privileged mode.
        buildImage: codebuild.LinuxBuildImage.STANDARD_7_0,
        computeType: codebuild.ComputeType.MEDIUM,
        privileged: true,
      },
      environmentVariables: {
        REGISTRY: { value: this.repositories.training.registryUri },
        ...Object.fromEntries(
          kinds.map((kind) => [
            repositoryVariable(kind),
            { value: this.repositories[kind].repositoryName },
          ]),
        ),
        TORCH_INDEX_URL: { value: settings.torchIndexUrl ?? '' },
      },
      buildSpec: buildSpec(),
      timeout: BUILD_TIMEOUT,
      grantReportGroupPermissions: false,
      logging: { cloudWatch: { logGroup } },
    });
    project.node.addDependency(policy);
    acknowledge(
      project,
      'CB4',
      "The key would encrypt artifacts, caches and reports, and this project has none. Its log uses the lake's key. A key here would only give one more role access to that key",
    );
    return project;
  }

  private build(project: codebuild.Project, tag: string): CustomResource {
    const onEventHandler = this.handler('start-image-build');
    const isCompleteHandler = this.handler('is-image-build-complete');
    const mayStart = allowFunction(onEventHandler, {
      actions: ['codebuild:StartBuild'],
      resources: [project.projectArn],
    });
    const mayLook = allowFunction(isCompleteHandler, {
      actions: ['codebuild:BatchGetBuilds'],
      resources: [project.projectArn],
    });
    const name = lakeName(this.props.environment, 'image-build');
    const logGroup = this.logGroup('provider', `/aws/lambda/${name}`, this.props.lake.key);
    const frameworkOnEventRole = loggingRole(this, 'BeginRole', logGroup);
    const frameworkCompleteAndTimeoutRole = loggingRole(this, 'WaitRole', logGroup);
    const provider = new Provider(this, 'Provider', {
      onEventHandler,
      isCompleteHandler,
      queryInterval: Duration.seconds(20),
      totalTimeout: WAIT_TIMEOUT,
      disableWaiterStateMachineLogging: true,
      logGroup,
      frameworkOnEventRole,
      frameworkCompleteAndTimeoutRole,
    });
    const mayBegin = allow(this, 'ProviderBegins', frameworkOnEventRole, [
      {
        // It checks the function's state before it calls.
        actions: ['lambda:InvokeFunction', 'lambda:GetFunction'],
        resources: [onEventHandler.functionArn],
      },
      { actions: ['states:StartExecution'], resources: [guardWaiter(provider, name)] },
    ]);
    const mayWait = allow(this, 'ProviderWaits', frameworkCompleteAndTimeoutRole, [
      {
        actions: ['lambda:InvokeFunction', 'lambda:GetFunction'],
        resources: [isCompleteHandler.functionArn],
      },
    ]);
    const built = new CustomResource(this, 'Images', {
      resourceType: 'Custom::ImageBuild',
      serviceToken: provider.serviceToken,
      properties: { ProjectName: project.projectName, Tag: tag },
    });
    built.node.addDependency(mayStart, mayLook, mayBegin, mayWait, project);
    return built;
  }

  private handler(name: (typeof imageBuildHandlers)[number]): lambda.Function {
    const { environment, bundles, lake } = this.props;
    const functionName = lakeName(environment, name);
    const logGroup = this.logGroup(name, `/aws/lambda/${functionName}`, lake.key);
    return new lambda.Function(this, name, {
      functionName,
      runtime: nodeRuntime,
      architecture: lambda.Architecture.ARM_64,
      code: lambda.Code.fromAsset(join(bundles, name)),
      handler: 'index.handler',
      timeout: Duration.seconds(30),
      memorySize: 256,
      logGroup,
      role: loggingRole(this, `${name}-role`, logGroup),
    });
  }

  private logGroup(id: string, logGroupName: string, encryptionKey: kms.IKey): logs.LogGroup {
    return new logs.LogGroup(this, `${id}-log`, {
      logGroupName,
      retention: this.props.settings.logRetentionDays,
      encryptionKey,
      removalPolicy: RemovalPolicy.DESTROY,
    });
  }
}

const repositoryVariable = (kind: Kind): string => `${kind.toUpperCase()}_REPOSITORY`;

function allowFunction(fn: lambda.Function, permission: Permission): iam.Policy {
  if (!fn.role) throw new Error(`${fn.node.path} has no role`);
  return allow(fn, 'Use', fn.role, [permission]);
}

function buildSpec(): codebuild.BuildSpec {
  return codebuild.BuildSpec.fromObject({
    version: '0.2',
    phases: {
      pre_build: {
        commands: [
          'aws ecr get-login-password | docker login --username AWS --password-stdin "$REGISTRY"',
        ],
      },
      build: {
        'on-failure': 'ABORT',
        commands: kinds.map(
          (kind) => `sh ml/build-image.sh ${kind} "$${repositoryVariable(kind)}" "$TAG"`,
        ),
      },
    },
  });
}
