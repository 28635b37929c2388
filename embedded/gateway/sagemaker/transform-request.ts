import { z } from 'zod';
import { lenient } from '../../../workflows/durable';
import { Environment } from './environment';
import { Name, S3Uri, Tags } from './names';

/** What one filter may select of a record: all of it, or some of its fields. */
export interface Filter {
  /** Undefined for the complete record. */
  readonly fields: readonly string[] | undefined;
}

/** `$`, `$.field` or `$['field','field']`. SageMaker takes more of JSONPath. */
const FILTER = /^\$(?:\.(\w+)|\[('[\w-]+'(?:,'[\w-]+')*)\])?$/;

export function filterOf(path: string): Filter | undefined {
  const found = FILTER.exec(path);
  if (!found) return undefined;
  const [, field, list] = found;
  return {
    fields: field ? [field] : list?.split(',').map((quoted) => quoted.slice(1, -1)),
  };
}

/** Input of CreateTransformJob. Members that have no effect on one machine are stored, and Describe returns them. */
export const CreateTransformJob = z
  .looseObject({
    TransformJobName: Name,
    ModelName: Name,
    MaxConcurrentTransforms: z.number().int().min(0).max(100).default(1),
    // 0 has no limit. The product with MaxConcurrentTransforms is limited to 100.
    MaxPayloadInMB: z.number().int().min(0).max(100).default(6),
    BatchStrategy: z.enum(['MultiRecord', 'SingleRecord']).default('MultiRecord'),
    Environment: Environment.optional(),
    TransformInput: z.looseObject({
      DataSource: z.looseObject({
        S3DataSource: z.looseObject({ S3DataType: z.literal('S3Prefix'), S3Uri }),
      }),
      ContentType: z.string().max(256).optional(),
      CompressionType: z.literal('None').optional(),
      SplitType: z.literal('Line', 'The embedded cloud splits its input only by Line'),
    }),
    TransformOutput: z.looseObject({
      S3OutputPath: S3Uri,
      Accept: z.string().max(256).optional(),
      AssembleWith: z.literal('Line', 'The embedded cloud assembles its output only with Line'),
      KmsKeyId: z.string().optional(),
    }),
    TransformResources: z.looseObject({
      InstanceType: z.string(),
      InstanceCount: z.number().int().min(1),
      VolumeKmsKeyId: z.string().optional(),
    }),
    DataProcessing: z
      .looseObject({
        InputFilter: z.literal('$', 'The embedded cloud filters no input').optional(),
        JoinSource: z.enum(['None', 'Input']).default('None'),
        OutputFilter: z
          .string()
          .max(63)
          .refine((path) => filterOf(path) !== undefined, {
            message:
              "The embedded cloud takes $, $.field and $['field','field'] as an OutputFilter",
          })
          .optional(),
      })
      .optional(),
    // Its timeout and retries would change what a failure looks like.
    ModelClientConfig: z.undefined('The embedded cloud has no ModelClientConfig').optional(),
    Tags: Tags.optional(),
  })
  .refine(
    ({ MaxConcurrentTransforms: calls, MaxPayloadInMB: size }) => calls * size <= 100,
    'MaxConcurrentTransforms * MaxPayloadInMB must not exceed 100 MB',
  );
export type CreateTransformJob = z.infer<typeof CreateTransformJob>;

/** Times are in milliseconds since 1970. */
export const TransformJob = lenient(
  z.object({
    request: CreateTransformJob,
    status: z.enum(['InProgress', 'Completed', 'Failed', 'Stopping', 'Stopped']),
    createdAt: z.number(),
    startedAt: z.number().optional(),
    endedAt: z.number().optional(),
    failureReason: z.string().optional(),
  }),
);
export type TransformJob = z.infer<typeof TransformJob>;
