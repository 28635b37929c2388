import { z } from 'zod';
import { ACCOUNT, REGION } from './template';

/** The condition keys that a call may carry: the simulator ignores a misspelled one without a word. */
export const ContextKey = z.enum([
  'aws:PrincipalArn',
  'aws:PrincipalIsAWSService',
  'aws:ResourceTag/application',
  'aws:SecureTransport',
  'aws:SourceAccount',
  'aws:SourceArn',
  'cloudwatch:namespace',
  'iam:AssociatedResourceArn',
  'iam:PassedToService',
  'kms:EncryptionContext:aws:logs:arn',
  'kms:GrantIsForAWSResource',
  'kms:GrantOperations',
  'kms:ViaService',
  's3:if-none-match',
  's3:prefix',
  's3:x-amz-server-side-encryption',
  's3:x-amz-server-side-encryption-aws-kms-key-id',
  's3:x-amz-server-side-encryption-customer-algorithm',
  'sagemaker:InstanceTypes',
  'sagemaker:MaxRuntimeInSeconds',
  'sagemaker:ModelArn',
  'sagemaker:NetworkIsolation',
  'sagemaker:OutputKmsKeyArn',
  'sagemaker:ServerlessMaxConcurrency',
  'sagemaker:ServerlessMemorySize',
  'sagemaker:VolumeKmsKeyArn',
]);
export type ContextKey = z.infer<typeof ContextKey>;
/** A list for a key that holds several values. */
const ContextValue = z.union([z.string(), z.array(z.string())]);
export type Context = Partial<Record<ContextKey, z.infer<typeof ContextValue>>>;

export const RecordedCall = z.strictObject({
  role: z.string(),
  action: z.string(),
  resource: z.string(),
  context: z.partialRecord(ContextKey, ContextValue).optional(),
  denied: z.literal(true).optional(),
});
export type RecordedCall = z.infer<typeof RecordedCall>;

export interface Call {
  readonly role: string;
  readonly action: string;
  readonly resource: string;
  readonly context?: Context;
}

export const describeCall = ({ role, action, resource, context }: Call): string =>
  `${role} ${action} ${resource}${context ? ` ${JSON.stringify(context)}` : ''}`;

/**
 * The calls that AWS would check for a recorded one, with names in place of its placeholders. Glue asks for
 * the catalog and the database of a table, too.
 */
export function concrete(call: RecordedCall, assets: readonly string[]): Call[] {
  const { role, action } = call;
  const resource = named(call.resource, assets);
  const context =
    call.context &&
    Object.fromEntries(
      Object.entries(call.context).map(([key, value]) => [
        key,
        typeof value === 'string' ? named(value, assets) : value.map((one) => named(one, assets)),
      ]),
    );
  const [, database] = /:table\/([^/]+)\//.exec(resource) ?? [];
  const above =
    database === undefined
      ? []
      : ['catalog', `database/${database}`].map(
          (name) => `arn:aws:glue:${REGION}:${ACCOUNT}:${name}`,
        );
  return [...above, resource].map((one) => ({ role, action, resource: one, context }));
}

function named(text: string, assets: readonly string[]): string {
  const asset = /<assets>\/<hash>(\.\w+)$/.exec(text)?.[1];
  const key = asset === undefined ? undefined : assets.find((name) => name.endsWith(asset));
  return text
    .replace('<account>', ACCOUNT)
    .replace('<assets>/<hash>', `<assets>/${key?.replace(/\.\w+$/, '') ?? 'unknown'}`)
    .replace('<assets>', `cdk-hnb659fds-assets-${ACCOUNT}-${REGION}`)
    .replace(/<(\w+)>/g, '$1');
}
