import { z } from 'zod';
import { sameSecret } from './door/door';
import { launcherHeaders } from './launcher';
import { ACCOUNT } from './options';
import type { LauncherAddress } from './options';
import { AwsError, messageOf } from './protocol';
import type { Caller } from './protocol';

/** An access key and the secret that its signatures are checked with. */
export interface AccessKey extends Caller {
  readonly secretAccessKey: string;
}

/** Temporary credentials of a role; the names are those that the SDK's clients take. */
export interface RoleCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string;
  readonly expiration: Date;
}

/** A service's session with a role it has assumed for one task. */
export interface ServiceSession {
  readonly roleArn: string;
  readonly service: 'glue.amazonaws.com' | 'sagemaker.amazonaws.com';
  /** Appears in the messages of denied calls. */
  readonly sessionName: string;
  /** The job, crawler or model that the service acts for. Trust policies may test it (aws:SourceArn). */
  readonly sourceArn: string;
}

/** The grant that a service needs to use a KMS key (ARN, id or alias) itself. */
export interface KeyGrant {
  readonly service: 'sagemaker';
  readonly key: string;
  readonly operations: readonly string[];
}

const Key = z.object({
  arn: z.string(),
  secretAccessKey: z.string().min(16),
  sessionToken: z.string(),
  /** Seconds since 1970; null for a key that does not expire. */
  expiration: z.number().nullable(),
});
type Key = z.infer<typeof Key>;
/** Condition keys of a call, named as in policies. A multi-valued key has a list. */
export type ConditionKeys = Readonly<Record<string, string | readonly string[]>>;

const Decision = z.object({ allowed: z.boolean(), message: z.string().nullish() });
const Credentials = z.object({
  AccessKeyId: z.string(),
  SecretAccessKey: z.string(),
  SessionToken: z.string(),
  Expiration: z.union([z.string(), z.number()]),
});
const Refusal = z.object({ message: z.string() });

const MAX_CACHED_KEYS = 1000;

/** Authenticates and authorizes callers through the launcher, whose IAM decides. */
export class Iam {
  /** Cached session keys: they never change, and expire. Users' keys can be revoked, so they are not cached. */
  private readonly sessions = new Map<string, Key>();

  constructor(
    private readonly launcher: LauncherAddress,
    private readonly rootSecret: string,
  ) {}

  /** Looks up the key that a request names. Throws AwsError when it is unknown or has expired. */
  async accessKey(accessKeyId: string, sessionToken: string): Promise<AccessKey> {
    const key = accessKeyId === ACCOUNT ? this.root() : await this.key(accessKeyId);
    if (key.expiration !== null && key.expiration * 1000 <= Date.now()) {
      this.sessions.delete(accessKeyId);
      throw new AwsError(
        'ExpiredToken',
        'The security token included in the request is expired.',
        403,
      );
    }
    if (!sameSecret(sessionToken, key.sessionToken)) throw unknownKey();
    return { accessKeyId, arn: key.arn, secretAccessKey: key.secretAccessKey };
  }

  private root(): Key {
    return {
      arn: `arn:aws:iam::${ACCOUNT}:root`,
      secretAccessKey: this.rootSecret,
      sessionToken: '',
      expiration: null,
    };
  }

  private async key(accessKeyId: string): Promise<Key> {
    const known = this.sessions.get(accessKeyId);
    if (known) return known;
    const answer = await this.ask('key', { accessKeyId });
    if (answer.status === 403) throw unknownKey();
    const key = Key.parse(accepted(answer));
    if (key.sessionToken !== '') {
      const [oldest] = this.sessions.keys();
      if (this.sessions.size >= MAX_CACHED_KEYS && oldest) this.sessions.delete(oldest);
      this.sessions.set(accessKeyId, key);
    }
    return key;
  }

  /** Throws AccessDeniedException unless the caller may do `action` on `resource` with these condition keys. */
  async authorize(
    caller: Caller,
    action: string,
    resource: string,
    context: ConditionKeys = {},
  ): Promise<void> {
    const answer = await this.ask('authorize', {
      accessKeyId: caller.accessKeyId,
      action,
      resource,
      context,
      ...(caller.api !== undefined && { api: caller.api }),
    });
    const { allowed, message } = Decision.parse(accepted(answer));
    if (allowed) return;
    const refusal =
      message ||
      `User: ${caller.arn} is not authorized to perform: ${action} on resource: ${resource} because no identity-based policy allows the ${action} action`;
    throw new AwsError('AccessDeniedException', refusal);
  }

  /**
   * Throws AccessDeniedException unless a service may create a grant for a key on behalf of `caller`. If `caller` may
   * not, `second` is tried.
   */
  async grant(use: KeyGrant, caller: Caller, second?: () => Promise<Caller>): Promise<void> {
    const ask = async ({ accessKeyId, api }: Caller) =>
      Decision.parse(
        accepted(
          await this.ask('grant', { ...use, accessKeyId, ...(api !== undefined && { api }) }),
        ),
      );
    const first = await ask(caller);
    if (first.allowed || (second && (await ask(await second())).allowed)) return;
    throw new AwsError('AccessDeniedException', first.message ?? `KMS refused ${use.key}`);
  }

  /**
   * Assumes a role for a service that acts for `sourceArn`.
   * Throws with the launcher's reason when the role's trust policy does not allow that.
   */
  async credentials(session: ServiceSession): Promise<RoleCredentials> {
    const answer = await this.ask('credentials', session);
    const issued = Credentials.parse(accepted(answer));
    const expiration =
      typeof issued.Expiration === 'number'
        ? new Date(issued.Expiration * 1000)
        : new Date(issued.Expiration);
    return {
      accessKeyId: issued.AccessKeyId,
      secretAccessKey: issued.SecretAccessKey,
      sessionToken: issued.SessionToken,
      expiration,
    };
  }

  private async ask(route: string, body: object): Promise<Answer> {
    try {
      const response = await fetch(`${this.launcher.url}/_lake/${route}`, {
        method: 'POST',
        headers: { ...launcherHeaders(this.launcher.token), 'content-type': 'application/json' },
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

const unknownKey = (): AwsError =>
  new AwsError(
    'InvalidClientTokenId',
    'The security token included in the request is invalid.',
    403,
  );

function accepted(answer: Answer): unknown {
  if (answer.status === 200) return answer.body;
  const refusal = Refusal.safeParse(answer.body);
  throw new Error(
    refusal.success
      ? refusal.data.message
      : `/_lake/${answer.route} answered ${answer.status}: ${JSON.stringify(answer.body)}`,
  );
}
