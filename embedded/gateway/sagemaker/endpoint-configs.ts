import { z } from 'zod';
import { lenient } from '../../../workflows/durable';
import type { Context } from '../context';
import { seconds } from '../protocol';
import type { Operation } from '../protocol';
import type { StateFile } from '../state';
import { configConditions } from './conditions';
import { listed, ListInput } from './lists';
import type { Models } from './models';
import { arnOf, invalid, Name, sageMakerOperation, Tags } from './names';
import { withoutTags } from './tags';
import type { TagStore } from './tags';

const Variant = z
  .looseObject({
    VariantName: Name,
    ModelName: Name,
    InitialVariantWeight: z.number().nonnegative().optional(),
    InitialInstanceCount: z.number().int().min(1).optional(),
    InstanceType: z.string().optional(),
    ServerlessConfig: z
      .looseObject({
        MemorySizeInMB: z.number().int().min(1024).max(6144).multipleOf(1024),
        MaxConcurrency: z.number().int().min(1).max(200),
      })
      .optional(),
  })
  .refine(
    (variant) =>
      Boolean(variant.ServerlessConfig) !==
      Boolean(variant.InstanceType && variant.InitialInstanceCount),
    {
      message: 'Member must have either ServerlessConfig, or InstanceType and InitialInstanceCount',
    },
  );
export type Variant = z.infer<typeof Variant>;

const CreateEndpointConfig = z.looseObject({
  EndpointConfigName: Name,
  KmsKeyId: z.string().optional(),
  // A second variant would need a second process. On one machine, splitting the traffic has no use.
  ProductionVariants: z.tuple([Variant], {
    error: 'The embedded cloud serves exactly one production variant',
  }),
  Tags: Tags.optional(),
});
const EndpointConfig = lenient(z.object({ request: CreateEndpointConfig, createdAt: z.number() }));
type EndpointConfig = z.infer<typeof EndpointConfig>;

const ByName = z.looseObject({ EndpointConfigName: Name });

export class EndpointConfigs {
  private readonly state: StateFile<z.ZodArray<typeof EndpointConfig>>;

  constructor(
    private readonly context: Context,
    private readonly tags: TagStore,
    private readonly models: Models,
  ) {
    this.state = context.state('endpoint-configs', z.array(EndpointConfig), []);
  }

  readonly operations: Record<string, Operation> = {
    CreateEndpointConfig: sageMakerOperation(CreateEndpointConfig, async (request, caller) => {
      const arn = arnOf('endpoint-config', request.EndpointConfigName);
      const [variant] = request.ProductionVariants;
      const conditions = configConditions(request);
      await this.context.iam.authorize(caller, 'sagemaker:CreateEndpointConfig', arn, conditions);
      const model = this.models.get(variant.ModelName);
      if (variant.ServerlessConfig && model.request.EnableNetworkIsolation) {
        throw invalid(
          `Network isolation is not supported for serverless endpoints: model "${variant.ModelName}" has it enabled.`,
        );
      }
      await this.tags.add(caller, arn, request.Tags);
      if (this.find(request.EndpointConfigName))
        throw invalid(`Cannot create already existing endpoint configuration "${arn}".`);
      this.state.value.unshift({ request, createdAt: Date.now() });
      this.state.save();
      return { EndpointConfigArn: arn };
    }),
    DescribeEndpointConfig: sageMakerOperation(ByName, async ({ EndpointConfigName }, caller) => {
      const arn = arnOf('endpoint-config', EndpointConfigName);
      await this.context.iam.authorize(caller, 'sagemaker:DescribeEndpointConfig', arn);
      const { request, createdAt } = this.get(EndpointConfigName);
      return { ...withoutTags(request), EndpointConfigArn: arn, CreationTime: seconds(createdAt) };
    }),
    DeleteEndpointConfig: sageMakerOperation(ByName, async ({ EndpointConfigName }, caller) => {
      const arn = arnOf('endpoint-config', EndpointConfigName);
      await this.context.iam.authorize(caller, 'sagemaker:DeleteEndpointConfig', arn);
      this.state.value.splice(this.state.value.indexOf(this.get(EndpointConfigName)), 1);
      this.state.save();
      this.tags.forget(arn);
      return {};
    }),
    ListEndpointConfigs: sageMakerOperation(ListInput, async (input, caller) => {
      await this.context.iam.authorize(caller, 'sagemaker:ListEndpointConfigs', '*');
      const entries = this.state.value.map(({ request, createdAt }) => ({
        name: request.EndpointConfigName,
        createdAt,
      }));
      const { items, ...next } = listed(entries, input);
      return {
        EndpointConfigs: items.map(({ name, createdAt }) => ({
          EndpointConfigName: name,
          EndpointConfigArn: arnOf('endpoint-config', name),
          CreationTime: seconds(createdAt),
        })),
        ...next,
      };
    }),
  };

  /** The only variant of a config. Throws ValidationException when the config does not exist. */
  variant(name: string): Variant {
    return this.get(name).request.ProductionVariants[0];
  }

  /** The KMS key of the instances' volumes, if there is one. Throws like `variant`. */
  volumeKey(name: string): string | undefined {
    return this.get(name).request.KmsKeyId;
  }

  private find(name: string): EndpointConfig | undefined {
    return this.state.value.find(({ request }) => request.EndpointConfigName === name);
  }

  private get(name: string): EndpointConfig {
    const config = this.find(name);
    if (!config)
      throw invalid(`Could not find endpoint configuration "${arnOf('endpoint-config', name)}".`);
    return config;
  }
}
