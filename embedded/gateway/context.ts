import { join } from 'node:path';
import type { Iam, ServiceSession } from './identity';
import type { LauncherAddress, Limits } from './options';
import type { Processes } from './processes';
import { AssumedRole } from './roles';

/** What every service of the gateway works with. */
export class Context {
  constructor(
    readonly iam: Iam,
    readonly processes: Processes,
    /** Address of the gateway: what child processes call. */
    readonly url: string,
    readonly launcher: LauncherAddress,
    readonly home: string,
    readonly projectRoot: string,
    readonly python: string,
    readonly limits: Limits,
    readonly log: (line: string) => void,
  ) {}

  role(session: ServiceSession): AssumedRole {
    return new AssumedRole(this.iam, this.launcher, session);
  }

  /** A path below LAKE_HOME. */
  path(...parts: string[]): string {
    return join(this.home, ...parts);
  }
}

/** Why a run that had not ended is over after a restart. */
export const INTERRUPTED = 'the embedded cloud stopped while it ran';
