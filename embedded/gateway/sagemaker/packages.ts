import { z } from 'zod';
import { lenient } from '../../../workflows/durable';
import type { Context } from '../context';
import type { Iam } from '../identity';
import { page, Paging, seconds } from '../protocol';
import type { Operation } from '../protocol';
import type { StateFile } from '../state';
import { Environment } from './environment';
import { arnOf, invalid, Name, S3Uri, sageMakerOperation, Tags } from './names';
import type { TagStore } from './tags';

const Approval = z.enum(['Approved', 'Rejected', 'PendingManualApproval']);
const Description = z.string().max(1024);
const Metadata = z.record(z.string().min(1).max(128), z.string().min(1).max(256));

const CreateGroup = z.strictObject({
  ModelPackageGroupName: Name,
  ModelPackageGroupDescription: Description.optional(),
  Tags: Tags.optional(),
});
const MetricsSource = z.strictObject({
  ContentType: z.string().max(256),
  S3Uri,
  ContentDigest: z.string().optional(),
});
/** As the pipeline registers a version in a group. Other kinds of packages are refused, not half kept. */
const CreatePackage = z.strictObject({
  ModelPackageGroupName: Name,
  ModelPackageDescription: Description.optional(),
  ModelApprovalStatus: Approval.default('PendingManualApproval'),
  InferenceSpecification: z.strictObject({
    Containers: z
      .array(
        z.strictObject({
          Image: z.string().min(1).max(255),
          ModelDataUrl: S3Uri.optional(),
          Environment: Environment.optional(),
        }),
      )
      .min(1)
      .max(15),
    SupportedContentTypes: z.array(z.string().max(256)),
    SupportedResponseMIMETypes: z.array(z.string().max(1024)),
  }),
  ModelMetrics: z
    .strictObject({ ModelQuality: z.strictObject({ Statistics: MetricsSource.optional() }) })
    .optional(),
  CustomerMetadataProperties: Metadata.optional(),
  ClientToken: z
    .string()
    .regex(/^[a-zA-Z0-9-]{1,36}$/)
    .optional(),
});
const Group = lenient(z.object({ request: CreateGroup, createdAt: z.number(), last: z.number() }));
const Package = lenient(
  z.object({
    request: CreatePackage,
    version: z.number(),
    createdAt: z.number(),
    changedAt: z.number().optional(),
    approvalDescription: z.string().optional(),
  }),
);
type Package = z.infer<typeof Package>;

const GroupByName = z.looseObject({ ModelPackageGroupName: Name });
const PackageByName = z.looseObject({ ModelPackageName: z.string().min(1).max(176) });

const groupArn = (name: string): string => arnOf('model-package-group', name);
const packageArn = ({ request, version }: Pick<Package, 'request' | 'version'>): string =>
  arnOf('model-package', `${request.ModelPackageGroupName}/${version}`);

/** Groups of model packages: SageMaker's registry of model versions. */
export class ModelPackages {
  private readonly groups: StateFile<z.ZodArray<typeof Group>>;
  private readonly packages: StateFile<z.ZodArray<typeof Package>>;

  constructor(
    private readonly context: Pick<Context, 'state'> & { iam: Pick<Iam, 'authorize'> },
    private readonly tags: Pick<TagStore, 'add' | 'forget'>,
  ) {
    this.groups = context.state('model-package-groups', z.array(Group), []);
    this.packages = context.state('model-packages', z.array(Package), []);
  }

  readonly operations: Record<string, Operation> = {
    CreateModelPackageGroup: sageMakerOperation(CreateGroup, async (request, caller) => {
      const arn = groupArn(request.ModelPackageGroupName);
      await this.context.iam.authorize(caller, 'sagemaker:CreateModelPackageGroup', arn);
      await this.tags.add(caller, arn, request.Tags);
      if (this.find(request.ModelPackageGroupName))
        throw invalid(`Model Package Group already exists: ${arn}`);
      this.groups.value.unshift({ request, createdAt: Date.now(), last: 0 });
      this.groups.save();
      return { ModelPackageGroupArn: arn };
    }),
    DescribeModelPackageGroup: sageMakerOperation(
      GroupByName,
      async ({ ModelPackageGroupName: name }, caller) => {
        const arn = groupArn(name);
        await this.context.iam.authorize(caller, 'sagemaker:DescribeModelPackageGroup', arn);
        const { request, createdAt } = this.group(name);
        return {
          ModelPackageGroupName: name,
          ModelPackageGroupArn: arn,
          ModelPackageGroupDescription: request.ModelPackageGroupDescription,
          CreationTime: seconds(createdAt),
          ModelPackageGroupStatus: 'Completed',
        };
      },
    ),
    DeleteModelPackageGroup: sageMakerOperation(
      GroupByName,
      async ({ ModelPackageGroupName: name }, caller) => {
        const arn = groupArn(name);
        await this.context.iam.authorize(caller, 'sagemaker:DeleteModelPackageGroup', arn);
        const group = this.group(name);
        if (this.packages.value.some(({ request }) => request.ModelPackageGroupName === name))
          throw invalid(`Model Package Group ${arn} has model packages. Delete them first.`);
        this.groups.value.splice(this.groups.value.indexOf(group), 1);
        this.groups.save();
        this.tags.forget(arn);
        return {};
      },
    ),
    CreateModelPackage: sageMakerOperation(CreatePackage, async (request, caller) => {
      const { ModelPackageGroupName: name, ClientToken } = request;
      const all = arnOf('model-package', `${name}/*`);
      await this.context.iam.authorize(caller, 'sagemaker:CreateModelPackage', all, {
        'sagemaker:ModelApprovalStatus': request.ModelApprovalStatus,
      });
      const group = this.group(name);
      const same = this.packages.value.find(
        (one) => ClientToken !== undefined && one.request.ClientToken === ClientToken,
      );
      if (same) return { ModelPackageArn: packageArn(same) };
      group.last += 1;
      const made = { request, version: group.last, createdAt: Date.now() };
      this.packages.value.unshift(made);
      this.groups.save();
      this.packages.save();
      return { ModelPackageArn: packageArn(made) };
    }),
    DescribeModelPackage: sageMakerOperation(PackageByName, async (input, caller) => {
      const found = await this.asked(caller, 'sagemaker:DescribeModelPackage', input);
      const request = Object.fromEntries(
        Object.entries(found.request).filter(([member]) => member !== 'ClientToken'),
      );
      return {
        ...request,
        ...this.summary(found),
        ApprovalDescription: found.approvalDescription,
        LastModifiedTime: seconds(found.changedAt ?? found.createdAt),
        ModelPackageStatusDetails: { ValidationStatuses: [] },
      };
    }),
    UpdateModelPackage: sageMakerOperation(
      z.strictObject({
        ModelPackageArn: z.string(),
        ModelApprovalStatus: Approval.optional(),
        ApprovalDescription: Description.optional(),
        CustomerMetadataProperties: Metadata.optional(),
        CustomerMetadataPropertiesToRemove: z.array(z.string()).optional(),
      }),
      async (input, caller) => {
        const found = await this.asked(caller, 'sagemaker:UpdateModelPackage', {
          ModelPackageName: input.ModelPackageArn,
        });
        const { request } = found;
        if (input.ModelApprovalStatus) request.ModelApprovalStatus = input.ModelApprovalStatus;
        if (input.ApprovalDescription !== undefined)
          found.approvalDescription = input.ApprovalDescription;
        const kept = Object.entries(request.CustomerMetadataProperties ?? {}).filter(
          ([name]) => !input.CustomerMetadataPropertiesToRemove?.includes(name),
        );
        request.CustomerMetadataProperties = {
          ...Object.fromEntries(kept),
          ...input.CustomerMetadataProperties,
        };
        found.changedAt = Date.now();
        this.packages.save();
        return { ModelPackageArn: packageArn(found) };
      },
    ),
    DeleteModelPackage: sageMakerOperation(PackageByName, async (input, caller) => {
      const found = await this.asked(caller, 'sagemaker:DeleteModelPackage', input);
      this.packages.value.splice(this.packages.value.indexOf(found), 1);
      this.packages.save();
      return {};
    }),
    ListModelPackages: sageMakerOperation(
      z.looseObject({
        ...Paging,
        ModelPackageGroupName: Name,
        ModelApprovalStatus: Approval.optional(),
        CreationTimeAfter: z.number().optional(),
        CreationTimeBefore: z.number().optional(),
        SortOrder: z.enum(['Ascending', 'Descending']).default('Descending'),
      }),
      async (input, caller) => {
        const { ModelPackageGroupName: name, CreationTimeAfter, CreationTimeBefore } = input;
        const all = arnOf('model-package', `${name}/*`);
        await this.context.iam.authorize(caller, 'sagemaker:ListModelPackages', all);
        this.group(name);
        const chosen = this.packages.value.filter(
          ({ request, createdAt }) =>
            request.ModelPackageGroupName === name &&
            (input.ModelApprovalStatus ?? request.ModelApprovalStatus) ===
              request.ModelApprovalStatus &&
            createdAt / 1000 >= (CreationTimeAfter ?? 0) &&
            createdAt / 1000 <= (CreationTimeBefore ?? Infinity),
        );
        const ordered = chosen.toSorted(
          (a, b) => (input.SortOrder === 'Ascending' ? 1 : -1) * (a.version - b.version),
        );
        const { items, ...next } = page(ordered, input, 'ValidationException');
        return { ModelPackageSummaryList: items.map((one) => this.summary(one)), ...next };
      },
    ),
  };

  private summary(one: Package) {
    const { request, version, createdAt } = one;
    return {
      ModelPackageArn: packageArn(one),
      ModelPackageGroupName: request.ModelPackageGroupName,
      ModelPackageVersion: version,
      ModelPackageDescription: request.ModelPackageDescription,
      ModelApprovalStatus: request.ModelApprovalStatus,
      CreationTime: seconds(createdAt),
      ModelPackageStatus: 'Completed',
    };
  }

  /** A package by its ARN, for a caller who may. Throws ValidationException where there is none. */
  private async asked(
    caller: Parameters<Operation>[1],
    action: string,
    { ModelPackageName: given }: z.infer<typeof PackageByName>,
  ): Promise<Package> {
    await this.context.iam.authorize(caller, action, given);
    const found = this.packages.value.find((one) => packageArn(one) === given);
    if (!found) throw invalid(`ModelPackage ${given} does not exist.`);
    return found;
  }

  private find(name: string) {
    return this.groups.value.find(({ request }) => request.ModelPackageGroupName === name);
  }

  private group(name: string): z.infer<typeof Group> {
    const found = this.find(name);
    if (!found) throw invalid(`ModelPackageGroup ${groupArn(name)} does not exist.`);
    return found;
  }
}
