import { GetBucketEncryptionCommand, type S3Client } from '@aws-sdk/client-s3';
import { z } from 'zod';
import { account, region } from '../../session/workspace';
import { send, signed } from './signed';

const Policy = z.looseObject({ Statement: z.array(z.unknown()) });

/**
 * Lets root read and write the bucket's objects. The key's policy leaves that to the lake's roles, on AWS as here; what
 * root may do is change the policy. A test does so to look at every object, whoever wrote it.
 */
export async function openKeyToRoot(
  url: string,
  rootSecret: string,
  { s3, bucket }: { s3: S3Client; bucket: string },
): Promise<void> {
  const { ServerSideEncryptionConfiguration } = await s3.send(
    new GetBucketEncryptionCommand({ Bucket: bucket }),
  );
  const [rule] = ServerSideEncryptionConfiguration?.Rules ?? [];
  const KeyId = rule?.ApplyServerSideEncryptionByDefault?.KMSMasterKeyID;
  const kms = async (operation: string, input: object): Promise<string> => {
    const raw = {
      method: 'POST',
      headers: {
        'content-type': 'application/x-amz-json-1.1',
        'x-amz-target': `TrentService.${operation}`,
      },
      body: JSON.stringify(input),
    };
    const credentials = { accessKeyId: account, secretAccessKey: rootSecret };
    const answer = await send(url, await signed(url, raw, { credentials, service: 'kms' }));
    if (answer.status !== 200) throw new Error(`${operation} of ${KeyId}: ${answer.body}`);
    return answer.body;
  };
  const { Policy: text } = z
    .object({ Policy: z.string() })
    .parse(JSON.parse(await kms('GetKeyPolicy', { KeyId, PolicyName: 'default' })));
  const policy = Policy.parse(JSON.parse(text));
  const root = `arn:aws:iam::${account}:root`;
  const statement = {
    Sid: 'ATestLooksAtEveryObject',
    Effect: 'Allow',
    Principal: { AWS: root },
    Action: ['kms:Decrypt', 'kms:GenerateDataKey'],
    Resource: '*',
    Condition: {
      ArnEquals: { 'aws:PrincipalArn': root },
      StringEquals: { 'kms:ViaService': `s3.${region}.amazonaws.com` },
    },
  };
  await kms('PutKeyPolicy', {
    KeyId,
    PolicyName: 'default',
    Policy: JSON.stringify({ ...policy, Statement: [...policy.Statement, statement] }),
  });
}
