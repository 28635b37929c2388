import {
  AttachUserPolicyCommand,
  CreateAccessKeyCommand,
  CreateUserCommand,
  IAMClient,
} from '@aws-sdk/client-iam';
import { account } from '../../session/workspace';
import { clientConfig, type Connection } from '../../session/clients';

/** A user with AdministratorAccess. The first deployer is usually such a person, hardly ever root. */
export const administratorName = 'administrator';
export const administratorArn = `arn:aws:iam::${account}:user/${administratorName}`;

export interface AccessKey {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/** Creates the user, as root, and returns an access key. */
export async function createAdministrator(root: Connection): Promise<AccessKey> {
  const iam = new IAMClient(clientConfig(root));
  const UserName = administratorName;
  await iam.send(new CreateUserCommand({ UserName }));
  await iam.send(
    new AttachUserPolicyCommand({
      UserName,
      PolicyArn: 'arn:aws:iam::aws:policy/AdministratorAccess',
    }),
  );
  const { AccessKey: key } = await iam.send(new CreateAccessKeyCommand({ UserName }));
  if (!key?.AccessKeyId || !key.SecretAccessKey) throw new Error('IAM returned no access key');
  return { accessKeyId: key.AccessKeyId, secretAccessKey: key.SecretAccessKey };
}
