import { z } from 'zod';
import type { Context } from '../context';
import type { Caller } from '../protocol';
import type { Operation } from '../protocol';
import type { StateFile } from '../state';
import { sageMakerOperation, Tags } from './names';

/** A request without its tags. Describe does not return tags; ListTags does. */
export function withoutTags(request: object): object {
  return Object.fromEntries(Object.entries(request).filter(([member]) => member !== 'Tags'));
}

/** Tags of jobs, models and endpoints, by ARN. */
export class TagStore {
  private readonly state: StateFile<z.ZodRecord<z.ZodString, typeof Tags>>;

  constructor(private readonly context: Context) {
    this.state = context.state('tags', z.record(z.string(), Tags), {});
  }

  readonly operations: Record<string, Operation> = {
    AddTags: sageMakerOperation(
      z.looseObject({ ResourceArn: z.string(), Tags }),
      async (input, caller) => {
        await this.add(caller, input.ResourceArn, input.Tags);
        return { Tags: this.of(input.ResourceArn) };
      },
    ),
    ListTags: sageMakerOperation(
      z.looseObject({ ResourceArn: z.string() }),
      async ({ ResourceArn }, caller) => {
        await this.context.iam.authorize(caller, 'sagemaker:ListTags', ResourceArn);
        return { Tags: this.of(ResourceArn) };
      },
    ),
    DeleteTags: sageMakerOperation(
      z.looseObject({ ResourceArn: z.string(), TagKeys: z.array(z.string()) }),
      async (input, caller) => {
        await this.context.iam.authorize(caller, 'sagemaker:DeleteTags', input.ResourceArn);
        this.set(
          input.ResourceArn,
          this.of(input.ResourceArn).filter(({ Key }) => !input.TagKeys.includes(Key)),
        );
        return {};
      },
    ),
  };

  /** Adds tags. Creating a resource with tags also needs the permission to add tags. */
  async add(caller: Caller, arn: string, tags: Tags | undefined): Promise<void> {
    if (!tags || tags.length === 0) return;
    await this.context.iam.authorize(caller, 'sagemaker:AddTags', arn);
    const replaced = new Set(tags.map(({ Key }) => Key));
    this.set(arn, [...this.of(arn).filter(({ Key }) => !replaced.has(Key)), ...tags]);
  }

  forget(arn: string): void {
    if (arn in this.state.value) this.set(arn, []);
  }

  private of(arn: string): Tags {
    return this.state.value[arn] ?? [];
  }

  private set(arn: string, tags: Tags): void {
    if (tags.length > 0) this.state.value[arn] = tags;
    else delete this.state.value[arn];
    this.state.save();
  }
}
