import {
  DeleteModelPackageCommand,
  DeleteModelPackageGroupCommand,
  DescribeModelPackageGroupCommand,
  paginateListModelPackages,
  type SageMakerClient,
} from '@aws-sdk/client-sagemaker';
import { isMissing, unlessItIsGone } from '../../functions/model/idempotent';
import { modelNamePrefix } from '../../functions/model/names';
import { inParallel } from '../../functions/shared/in-parallel';
import { lakeName } from '../../infra/naming';
import type { AccountEnvironment } from './session';

/** The registry of an environment's models: a model package group and its packages, which the pipeline makes. */
export interface FoundRegistry {
  /** Name of the group; null if there is none. */
  group: string | null;
  /** ARNs of the pipeline's packages, `mostPackages` at most. */
  packages: string[];
  /** Number of packages in the group that the pipeline did not make. They stay, and so does the group. */
  others: number;
}

/** A registry has some hundred packages at most (`registry` in the settings). A repeated command finds the rest. */
const mostPackages = 10_000;
const deletedAtATime = 4;

export async function findRegistry(
  client: SageMakerClient,
  environment: AccountEnvironment,
): Promise<FoundRegistry> {
  const group = lakeName(environment);
  const found: FoundRegistry = { group, packages: [], others: 0 };
  const pages = paginateListModelPackages(
    { client, pageSize: 100 },
    { ModelPackageGroupName: group },
  );
  try {
    await client.send(new DescribeModelPackageGroupCommand({ ModelPackageGroupName: group }));
    for await (const { ModelPackageSummaryList = [] } of pages) {
      for (const { ModelPackageArn, ModelPackageDescription } of ModelPackageSummaryList) {
        // The pipeline describes a package by its model's version.
        const isOurs = ModelPackageDescription?.startsWith(modelNamePrefix) ?? false;
        if (isOurs && ModelPackageArn !== undefined) found.packages.push(ModelPackageArn);
        else found.others += 1;
      }
      if (found.packages.length + found.others >= mostPackages) break;
    }
  } catch (error) {
    if (!isMissing(error)) throw error;
    return { group: null, packages: [], others: 0 };
  }
  return found;
}

/** Deletes the pipeline's packages, then the group if nobody else has a package in it. What is gone already is no error. */
export async function removeRegistry(
  client: SageMakerClient,
  { group, packages, others }: FoundRegistry,
): Promise<void> {
  await inParallel(deletedAtATime, packages, (ModelPackageName) =>
    unlessItIsGone(() => client.send(new DeleteModelPackageCommand({ ModelPackageName }))),
  );
  if (group === null || others > 0) return;
  await unlessItIsGone(() =>
    client.send(new DeleteModelPackageGroupCommand({ ModelPackageGroupName: group })),
  );
}
