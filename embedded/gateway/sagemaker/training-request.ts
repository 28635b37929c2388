import { z } from 'zod';
import { lenient } from '../../../workflows/durable';
import { Environment } from './environment';
import { Name, RoleArn, S3Uri, Tags } from './names';
import { Channel } from './opt-ml';

/** SageMaker's default: one day. */
export const DEFAULT_MAX_SECONDS = 86_400;

/** Input of CreateTrainingJob. Members that have no effect on one machine are stored, and Describe returns them. */
export const CreateTrainingJob = z
  .looseObject({
    TrainingJobName: Name,
    HyperParameters: z.record(z.string().max(256), z.string().max(2500)).default({}),
    AlgorithmSpecification: z.looseObject({
      TrainingImage: z.string().min(1).max(255),
      TrainingInputMode: z.literal('File'),
      MetricDefinitions: z
        .array(z.looseObject({ Name: z.string().min(1), Regex: RegularExpression() }))
        .max(40)
        .optional(),
    }),
    RoleArn,
    InputDataConfig: z.array(Channel).min(1).max(20).optional(),
    OutputDataConfig: z.looseObject({ S3OutputPath: S3Uri, KmsKeyId: z.string().optional() }),
    ResourceConfig: z.looseObject({
      InstanceType: z.string(),
      InstanceCount: z.literal(1),
      VolumeSizeInGB: z.number().int().min(1),
      VolumeKmsKeyId: z.string().optional(),
    }),
    StoppingCondition: z.looseObject({
      MaxRuntimeInSeconds: z.number().int().min(1).optional(),
      MaxWaitTimeInSeconds: z.number().int().min(1).optional(),
    }),
    EnableManagedSpotTraining: z.boolean().optional(),
    EnableNetworkIsolation: z.boolean().optional(),
    Environment: Environment.optional(),
    Tags: Tags.optional(),
  })
  .refine(
    ({
      EnableManagedSpotTraining: spot = false,
      StoppingCondition: {
        MaxRuntimeInSeconds: run = DEFAULT_MAX_SECONDS,
        MaxWaitTimeInSeconds: wait,
      },
    }) => (spot ? wait !== undefined && wait >= run : wait === undefined),
    'MaxWaitTimeInSeconds is required with EnableManagedSpotTraining, must not be less than MaxRuntimeInSeconds, and is not allowed without EnableManagedSpotTraining',
  );
export type CreateTrainingJob = z.infer<typeof CreateTrainingJob>;

function RegularExpression() {
  return z.string().refine((pattern) => {
    try {
      return new RegExp(pattern) instanceof RegExp;
    } catch {
      return false;
    }
  }, 'Member must be a regular expression');
}

/** Times are in milliseconds since 1970. */
export const TrainingJob = lenient(
  z.object({
    request: CreateTrainingJob,
    status: z.enum(['InProgress', 'Completed', 'Failed', 'Stopping', 'Stopped']),
    /** Oldest first. */
    transitions: z.array(
      lenient(
        z.object({
          Status: z.string(),
          StatusMessage: z.string(),
          startedAt: z.number(),
          endedAt: z.number().optional(),
        }),
      ),
    ),
    createdAt: z.number(),
    changedAt: z.number(),
    trainingStartedAt: z.number().optional(),
    endedAt: z.number().optional(),
    failureReason: z.string().optional(),
    metrics: z.array(
      lenient(z.object({ MetricName: z.string(), Value: z.number(), at: z.number() })),
    ),
  }),
);
export type TrainingJob = z.infer<typeof TrainingJob>;
