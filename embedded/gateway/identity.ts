import { z } from 'zod';
import { sameSecret } from './door/door';
import { launcherHeaders } from './launcher';
import { ACCOUNT } from './options';
import type { LauncherAddress } from './options';
import { AwsError, messageOf } from './protocol';
import type { Caller } from './protocol';

/** An access key and what its signatures are checked with. */
export interface AccessKey extends Caller {
  readonly secretAccessKey: string;
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

/** The grant that a service needs for its own use of a key (ARN, id or alias). */
export interface KeyGrant {
  readonly service: 'sagemaker';
  readonly key: string;
  readonly operations: readonly string[];
}

const Key = z.object({
  arn: z.string(),
  secretAccessKey: z.string().min(16),
  sessionToken: z.string(),
  /** Seconds since 1970; null for a key without an end. */
  expiration: z.number().nullable(),
});
type Key = z.infer<typeof Key>;
/** Condition keys of a call, as policies name them; a list for a key that holds several values. */
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

/** Asks the launcher, whose IAM decides, who somebody is and what they may. */
export class Iam {
  /** Keys of sessions: they never change, and end by themselves. Users' keys can be taken away, so they are not kept. */
  private readonly sessions = new Map<string, Key>();

  constructor(
    private readonly launcher: LauncherAddress,
    private readonly rootSecret: string,
  ) {}

  /** The key that a request says it is signed with. Throws AwsError when it is unknown, or has ended. */
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

  /** Throws AccessDeniedException unless the caller may do `action` on `resource`, under these condition keys. */
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
   * Throws AccessDeniedException unless a service may make a grant for a key in the name of the caller, or of another
   * one that is asked after a refusal.
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
