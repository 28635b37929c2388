import type { IncomingHttpHeaders } from 'node:http';
import { z } from 'zod';
import { ACCOUNT } from './options';
import { AwsError, messageOf } from './protocol';
import type { Caller } from './protocol';

/** The credential scope of a SigV4 signature. */
export interface Scope {
  readonly accessKeyId: string;
  readonly service: string;
}

/** Temporary credentials of a role, named as the SDK's clients take them. */
export interface RoleCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string;
  readonly expiration: Date;
}

/** A service that takes on a role to do one thing. */
export interface ServiceSession {
  readonly roleArn: string;
  readonly service: 'glue.amazonaws.com' | 'sagemaker.amazonaws.com';
  /** Shows in the messages of refusals. */
  readonly sessionName: string;
  /** The job, crawler or model it acts for: trust policies may ask. */
  readonly sourceArn: string;
}

/** Condition keys of a call, as policies name them; a list for a key that holds several values. */
export type ConditionKeys = Readonly<Record<string, string | readonly string[]>>;

const Identity = z.object({ arn: z.string(), account: z.string() });
const Decision = z.object({ allowed: z.boolean(), message: z.string().nullish() });
const Credentials = z.object({
  AccessKeyId: z.string(),
  SecretAccessKey: z.string(),
  SessionToken: z.string(),
  Expiration: z.union([z.string(), z.number()]),
});
const Refusal = z.object({ message: z.string() });

/** Reads who signed from `Authorization: AWS4-HMAC-SHA256 Credential=KEY/20261101/us-east-1/glue/aws4_request, …`. */
export function scopeOf(headers: IncomingHttpHeaders): Scope | undefined {
  const match =
    /^AWS4-[A-Z0-9-]+ .*?Credential=([^/,\s]+)\/\d{8}\/[^/]*\/([^/]+)\/aws4_request/.exec(
      headers.authorization ?? '',
    );
  const [, accessKeyId, service] = match ?? [];
  return accessKeyId && service ? { accessKeyId, service } : undefined;
}

/** Asks the launcher, whose IAM decides, who somebody is and what they may. */
export class Iam {
  constructor(private readonly launcherUrl: string) {}

  /** Throws AwsError when the request is not signed or its key is unknown. */
  async caller(headers: IncomingHttpHeaders): Promise<Caller> {
    const scope = scopeOf(headers);
    if (!scope) {
      throw new AwsError(
        'MissingAuthenticationTokenException',
        'Missing Authentication Token: sign the request (Signature Version 4).',
        403,
      );
    }
    const { accessKeyId } = scope;
    if (accessKeyId === ACCOUNT) return { accessKeyId, arn: `arn:aws:iam::${ACCOUNT}:root` };
    const sessionToken = headers['x-amz-security-token'];
    const answer = await this.ask('identify', {
      accessKeyId,
      ...(typeof sessionToken === 'string' ? { sessionToken } : {}),
    });
    if (answer.status === 403) {
      throw new AwsError(
        'UnrecognizedClientException',
        'The security token included in the request is invalid.',
        403,
      );
    }
    return { accessKeyId, arn: Identity.parse(accepted(answer)).arn };
  }

  /** Throws AccessDeniedException unless the caller may do `action` on `resource`, under these condition keys. */
  async authorize(
    caller: Caller,
    action: string,
    resource: string,
    context: ConditionKeys = {},
  ): Promise<void> {
    if (caller.accessKeyId === ACCOUNT) return;
    const answer = await this.ask('authorize', {
      accessKeyId: caller.accessKeyId,
      action,
      resource,
      context,
    });
    const { allowed, message } = Decision.parse(accepted(answer));
    if (allowed) return;
    const refusal =
      message ||
      `User: ${caller.arn} is not authorized to perform: ${action} on resource: ${resource} because no identity-based policy allows the ${action} action`;
    throw new AwsError('AccessDeniedException', refusal);
  }

  /**
   * Credentials a service gets for a role, to act for `sourceArn`.
   * Throws with the launcher's reason when the role's trust policy does not allow it.
   */
  async credentials(session: ServiceSession): Promise<RoleCredentials> {
    const answer = await this.ask('credentials', session);
    const given = Credentials.parse(accepted(answer));
    const expiration =
      typeof given.Expiration === 'number'
        ? new Date(given.Expiration * 1000)
        : new Date(given.Expiration);
    return {
      accessKeyId: given.AccessKeyId,
      secretAccessKey: given.SecretAccessKey,
      sessionToken: given.SessionToken,
      expiration,
    };
  }

  private async ask(route: string, body: object): Promise<Answer> {
    try {
      const response = await fetch(`${this.launcherUrl}/_lake/${route}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
      return { route, status: response.status, body: await response.json() };
    } catch (error) {
      throw new AwsError(
        'ServiceUnavailableException',
        `The launcher did not answer /_lake/${route}: ${messageOf(error)}`,
        503,
      );
    }
  }
}

interface Answer {
  readonly route: string;
  readonly status: number;
  readonly body: unknown;
}

function accepted(answer: Answer): unknown {
  if (answer.status === 200) return answer.body;
  const refusal = Refusal.safeParse(answer.body);
  throw new Error(
    refusal.success
      ? refusal.data.message
      : `/_lake/${answer.route} answered ${answer.status}: ${JSON.stringify(answer.body)}`,
  );
}
