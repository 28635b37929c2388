import { z } from 'zod';
import type { KeyGrant } from '../identity';
import { ACCOUNT, REGION } from '../options';
import { AwsError, operation } from '../protocol';
import type { Operation } from '../protocol';
import type { Caller } from '../protocol';

/** A SageMaker name: at most 63 letters, digits and hyphens, without a hyphen at either end. */
export const Name = z
  .string()
  .max(63)
  .regex(
    /^[a-zA-Z0-9](-*[a-zA-Z0-9])*$/,
    'Member must satisfy regular expression pattern: [a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}',
  );

export const RoleArn = z
  .string()
  .regex(
    /^arn:aws[a-z-]*:iam::\d{12}:role\/?[a-zA-Z_0-9+=,.@\-_/]+$/,
    'Member must be the ARN of a role',
  );
export const S3Uri = z
  .string()
  .max(1024)
  .regex(/^s3:\/\/[^/]+\/?.*$/, 'Member must be an S3 address, s3://bucket/prefix');
export const Tags = z
  .array(z.strictObject({ Key: z.string().min(1).max(128), Value: z.string().max(256) }))
  .max(50);
export type Tags = z.infer<typeof Tags>;

export const arnOf = (kind: string, name: string) =>
  `arn:aws:sagemaker:${REGION}:${ACCOUNT}:${kind}/${name}`;

export const invalid = (message: string) => new AwsError('ValidationException', message);

export function sageMakerOperation<S extends z.ZodType>(
  schema: S,
  act: (input: z.infer<S>, caller: Caller) => Promise<object> | object,
): Operation {
  return operation('ValidationException', schema, act);
}

/** Condition key of iam:PassRole. */
export const PASSED_TO = { 'iam:PassedToService': 'sagemaker.amazonaws.com' };

/**
 * The grant with which SageMaker encrypts a volume. The Amazon SageMaker Developer Guide, api-permissions-reference,
 * lists kms:CreateGrant for CreateTrainingJob and CreateEndpoint. The grant's operations are from memory.
 */
export const volumeGrant = (key: string): KeyGrant => ({
  service: 'sagemaker',
  key,
  operations: ['CreateGrant', 'Decrypt', 'GenerateDataKeyWithoutPlaintext'],
});
