import { z } from 'zod';
import { lenient } from '../../../workflows/durable';
import type { Context } from '../context';
import { seconds } from '../protocol';
import type { Operation } from '../protocol';
import type { StateFile } from '../state';
import { modelConditions } from './conditions';
import { Environment } from './environment';
import { listed, ListInput } from './lists';
import { arnOf, invalid, Name, PASSED_TO, RoleArn, S3Uri, sageMakerOperation, Tags } from './names';
import { withoutTags } from './tags';
import type { TagStore } from './tags';

const CreateModel = z.looseObject({
  ModelName: Name,
  PrimaryContainer: z.looseObject({
    Image: z.string().min(1).max(255),
    ModelDataUrl: S3Uri,
    Environment: Environment.optional(),
  }),
  ExecutionRoleArn: RoleArn,
  EnableNetworkIsolation: z.boolean().optional(),
  Tags: Tags.optional(),
});
const Model = lenient(z.object({ request: CreateModel, createdAt: z.number() }));
export type Model = z.infer<typeof Model>;

const ByName = z.looseObject({ ModelName: Name });

/** Models. Each has an archive, the image that serves it, and the role that may read it. */
export class Models {
  private readonly state: StateFile<z.ZodArray<typeof Model>>;

  constructor(
    private readonly context: Context,
    private readonly tags: TagStore,
  ) {
    this.state = context.state('models', z.array(Model), []);
  }

  readonly operations: Record<string, Operation> = {
    CreateModel: sageMakerOperation(CreateModel, async (request, caller) => {
      const arn = arnOf('model', request.ModelName);
      const conditions = modelConditions(request);
      await this.context.iam.authorize(caller, 'sagemaker:CreateModel', arn, conditions);
      await this.context.iam.authorize(caller, 'iam:PassRole', request.ExecutionRoleArn, PASSED_TO);
      await this.tags.add(caller, arn, request.Tags);
      if (this.find(request.ModelName))
        throw invalid(`Cannot create already existing model "${arn}".`);
      this.state.value.unshift({ request, createdAt: Date.now() });
      this.state.save();
      return { ModelArn: arn };
    }),
    DescribeModel: sageMakerOperation(ByName, async ({ ModelName }, caller) => {
      const arn = arnOf('model', ModelName);
      await this.context.iam.authorize(caller, 'sagemaker:DescribeModel', arn);
      const { request, createdAt } = this.get(ModelName);
      return { ...withoutTags(request), ModelArn: arn, CreationTime: seconds(createdAt) };
    }),
    DeleteModel: sageMakerOperation(ByName, async ({ ModelName }, caller) => {
      const arn = arnOf('model', ModelName);
      await this.context.iam.authorize(caller, 'sagemaker:DeleteModel', arn);
      this.state.value.splice(this.state.value.indexOf(this.get(ModelName)), 1);
      this.state.save();
      this.tags.forget(arn);
      return {};
    }),
    ListModels: sageMakerOperation(ListInput, async (input, caller) => {
      await this.context.iam.authorize(caller, 'sagemaker:ListModels', '*');
      const entries = this.state.value.map(({ request, createdAt }) => ({
        name: request.ModelName,
        createdAt,
      }));
      const { items, ...next } = listed(entries, input);
      return {
        Models: items.map(({ name, createdAt }) => ({
          ModelName: name,
          ModelArn: arnOf('model', name),
          CreationTime: seconds(createdAt),
        })),
        ...next,
      };
    }),
  };

  find(name: string): Model | undefined {
    return this.state.value.find(({ request }) => request.ModelName === name);
  }

  /** Returns a model. Throws ValidationException when it does not exist. */
  get(name: string): Model {
    const model = this.find(name);
    if (!model) throw invalid(`Could not find model "${arnOf('model', name)}".`);
    return model;
  }
}
