import {
  CreateModelPackageCommand,
  CreateModelPackageGroupCommand,
  DeleteEndpointConfigCommand,
  DeleteModelCommand,
  DeleteModelPackageCommand,
  DescribeModelPackageCommand,
  UpdateModelPackageCommand,
  paginateListModelPackages,
} from '@aws-sdk/client-sagemaker';
import type { ModelPackageSummary, SageMakerClient } from '@aws-sdk/client-sagemaker';
import { z } from 'zod';
import type { Champion } from '../../workflows/payloads';
import type { LakeBucket } from '../lake/objects';
import { getJson, getText, keyOf } from '../lake/objects';
import type { FunctionSettings } from '../settings/settings';
import { inParallel } from '../shared/in-parallel';
import { costTags, modelKeys } from './names';
import { readEvaluation } from './read-evaluation';
import { TrainingRequest } from './training-inputs';
import { isMissing, unlessItExists, unlessItIsGone } from './idempotent';

/**
 * The registry of models: one SageMaker model package group, with a package for each promoted model (Approved) and each
 * refused candidate (Rejected). The group's name is the lake's.
 */
export interface Registry {
  sageMaker: SageMakerClient;
  /** `sentiment-lake-<env>`. */
  group: string;
}

/** What the pipeline writes into a package's metadata. Values have at most 256 characters and are never empty. */
const Metadata = z.object({
  modelVersion: z.string(),
  evaluation: z.string(),
  manifest: z.string(),
  execution: z.string(),
  decidedAt: z.string(),
  fingerprint: z.string(),
  macroRecall: z.coerce.number().min(0).max(1).optional(),
  low: z.coerce.number().optional(),
  high: z.coerce.number().optional(),
  digest: z.string().optional(),
  gitCommit: z.string().optional(),
});

export interface RegisteredModel extends z.infer<typeof Metadata> {
  arn: string;
  approval: 'Approved' | 'Rejected' | 'PendingManualApproval';
  /** Why: the rules that failed, or by which run it was rolled back. */
  because: string;
  modelUri: string;
}

/** A model that the gate has decided on. */
export interface Decided {
  modelVersion: string;
  modelUri: string;
  evaluationUri: string;
  manifestUri: string;
  fingerprint: string;
  macroRecall: number | undefined;
  digest: string | undefined;
  execution: string;
  decidedAt: string;
}

const MOST_DESCRIPTION = 1024;

/**
 * Registers a model with the gate's decision. A model that is registered gets the new decision: a call whose answer
 * was lost changes nothing. `image` is the serving image's address.
 */
export async function register(
  registry: Registry,
  lake: LakeBucket,
  model: Decided,
  approval: 'Approved' | 'Rejected',
  because: string,
  image: string,
): Promise<void> {
  const { sageMaker, group } = registry;
  await unlessItExists(() =>
    sageMaker.send(
      new CreateModelPackageGroupCommand({
        ModelPackageGroupName: group,
        ModelPackageGroupDescription: 'Models of the sentiment lake, promoted and refused',
        Tags: costTags(group),
      }),
    ),
  );
  const known = await packageOf(registry, model.modelVersion);
  if (known === null) {
    const request = await getJson(lake, modelKeys(model.modelVersion).request, TrainingRequest);
    await sageMaker.send(
      new CreateModelPackageCommand({
        ModelPackageGroupName: group,
        // Listed with the package, unlike its metadata.
        ModelPackageDescription: model.modelVersion,
        ModelApprovalStatus: approval,
        ClientToken: model.modelVersion,
        InferenceSpecification: {
          Containers: [
            {
              Image: image,
              ModelDataUrl: model.modelUri,
              ...(model.digest !== undefined && { Environment: { MODEL_DIGEST: model.digest } }),
            },
          ],
          SupportedContentTypes: ['application/json', 'application/jsonlines'],
          SupportedResponseMIMETypes: ['application/json', 'application/jsonlines'],
        },
        ModelMetrics: {
          ModelQuality: {
            Statistics: { ContentType: 'application/json', S3Uri: model.evaluationUri },
          },
        },
        CustomerMetadataProperties: metadataOf(
          model,
          await intervalOf(lake, model.evaluationUri),
          request?.value.git.commit,
        ),
      }),
    );
  }
  await decide(registry, model.modelVersion, approval, because);
}

/** Of the macro recall, at the evaluation's level; undefined where the evaluation is not to be read. */
async function intervalOf(lake: LakeBucket, uri: string) {
  const found = await getText(lake, keyOf(lake, uri));
  return found === null
    ? undefined
    : readEvaluation(found.text, uri).evaluation?.candidate.interval;
}

function metadataOf(
  model: Decided,
  interval: { low: number; high: number } | undefined,
  gitCommit: string | undefined,
): Record<string, string> {
  const { macroRecall, digest } = model;
  const figures = { macroRecall, low: interval?.low, high: interval?.high };
  return {
    modelVersion: model.modelVersion,
    evaluation: model.evaluationUri,
    manifest: model.manifestUri,
    execution: model.execution,
    decidedAt: model.decidedAt,
    fingerprint: model.fingerprint,
    ...Object.fromEntries(
      Object.entries(figures).flatMap(([name, value]) =>
        value === undefined ? [] : [[name, String(value)]],
      ),
    ),
    ...(digest !== undefined && { digest }),
    ...(gitCommit && { gitCommit }),
  };
}

/** Changes a registered model's approval. */
export async function decide(
  registry: Registry,
  version: string,
  approval: 'Approved' | 'Rejected',
  because: string,
): Promise<void> {
  const found = await packageOf(registry, version);
  if (found === null) return;
  await registry.sageMaker.send(
    new UpdateModelPackageCommand({
      ModelPackageArn: found.ModelPackageArn,
      ModelApprovalStatus: approval,
      ApprovalDescription: because.slice(0, MOST_DESCRIPTION),
    }),
  );
}

/** Registers the model in service if an older release promoted it, which had no registry. */
export async function registerChampion(
  registry: Registry,
  lake: LakeBucket,
  champion: Champion,
  image: string,
): Promise<void> {
  if ((await packageOf(registry, champion.modelVersion)) !== null) return;
  const model = {
    ...champion,
    macroRecall: champion.macroRecall,
    digest: champion.digest,
    execution: champion.promotedBy,
    decidedAt: champion.promotedAt,
  };
  await register(registry, lake, model, 'Approved', 'Promoted before there was a registry', image);
}

async function summaries(
  { sageMaker, group }: Registry,
  approval?: 'Approved' | 'Rejected',
): Promise<ModelPackageSummary[]> {
  const found: ModelPackageSummary[] = [];
  const pages = paginateListModelPackages(
    { client: sageMaker, pageSize: 100 },
    {
      ModelPackageGroupName: group,
      ...(approval && { ModelApprovalStatus: approval }),
      SortBy: 'CreationTime',
      SortOrder: 'Descending',
    },
  );
  try {
    for await (const { ModelPackageSummaryList = [] } of pages)
      found.push(...ModelPackageSummaryList);
  } catch (error) {
    // The first registration creates the group.
    if (!isMissing(error)) throw error;
  }
  return found;
}

const packageOf = async (
  registry: Registry,
  version: string,
): Promise<ModelPackageSummary | null> =>
  (await summaries(registry)).find((one) => one.ModelPackageDescription === version) ?? null;

async function describe(
  { sageMaker }: Registry,
  { ModelPackageArn }: ModelPackageSummary,
): Promise<RegisteredModel[]> {
  const found = await sageMaker.send(
    new DescribeModelPackageCommand({ ModelPackageName: ModelPackageArn }),
  );
  const metadata = Metadata.safeParse(found.CustomerMetadataProperties);
  // Somebody else's package in our group: it has no version of ours.
  if (!metadata.success) return [];
  return [
    {
      ...metadata.data,
      arn: found.ModelPackageArn ?? '',
      approval: found.ModelApprovalStatus ?? 'PendingManualApproval',
      because: found.ApprovalDescription ?? '',
      modelUri: found.InferenceSpecification?.Containers?.[0]?.ModelDataUrl ?? '',
    },
  ];
}

/** Packages that are described at a time. */
const DESCRIBED_AT_A_TIME = 8;

/** Registered models, newest decision first. */
export async function registeredModels(
  registry: Registry,
  approval?: 'Approved' | 'Rejected',
): Promise<RegisteredModel[]> {
  const found = await inParallel(DESCRIBED_AT_A_TIME, await summaries(registry, approval), (one) =>
    describe(registry, one),
  );
  return found.flat().toSorted((a, b) => b.decidedAt.localeCompare(a.decidedAt));
}

/** The registered model of a version; null where there is none. */
export async function registeredModel(
  registry: Registry,
  version: string,
): Promise<RegisteredModel | null> {
  const found = await packageOf(registry, version);
  return found === null ? null : ((await describe(registry, found))[0] ?? null);
}

const DAY_MS = 86_400_000;

/**
 * Deletes what is old: refused candidates after `keepRejectedDays`; promoted models beyond the newest `keepModels`, with
 * their endpoint config and model at SageMaker. Never the models in `kept`. Archives stay in the bucket. Returns the
 * deleted versions.
 */
export async function pruneModels(
  registry: Registry,
  { keepModels, keepRejectedDays }: FunctionSettings['registry'],
  kept: readonly (string | null)[],
  now: Date,
): Promise<string[]> {
  const models = await registeredModels(registry);
  const approved = models.filter(({ approval }) => approval === 'Approved');
  const oldest = new Date(now.valueOf() - keepRejectedDays * DAY_MS).toISOString();
  const old = [
    ...approved.slice(keepModels),
    ...models.filter(({ approval, decidedAt }) => approval === 'Rejected' && decidedAt < oldest),
  ].filter(({ modelVersion }) => !kept.includes(modelVersion));
  for (const { arn, approval, modelVersion } of old) {
    if (approval === 'Approved') await deleteServing(registry, modelVersion);
    // Last: a call that ends before it is repeated by the next promotion.
    await unlessItIsGone(() =>
      registry.sageMaker.send(new DeleteModelPackageCommand({ ModelPackageName: arn })),
    );
  }
  return old.map(({ modelVersion }) => modelVersion);
}

async function deleteServing({ sageMaker }: Registry, version: string): Promise<void> {
  await unlessItIsGone(() =>
    sageMaker.send(new DeleteEndpointConfigCommand({ EndpointConfigName: version })),
  );
  await unlessItIsGone(() => sageMaker.send(new DeleteModelCommand({ ModelName: version })));
}
