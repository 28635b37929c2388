import { join } from 'node:path';
import type { z } from 'zod';
import type { Iam, ServiceSession } from './identity';
import type { LauncherAddress, Limits } from './options';
import type { Processes } from './processes';
import { AssumedRole } from './roles';
import { StateFile } from './state';

/** The dependencies that all services of the gateway share. */
export class Context {
  constructor(
    readonly iam: Iam,
    readonly processes: Processes,
    /** Address of the gateway, which child processes call. */
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

  /** The state file `gateway/<name>.json`; `empty` is its first value. */
  state<S extends z.ZodType>(name: string, schema: S, empty: z.infer<S>): StateFile<S> {
    return new StateFile(this.path('gateway', `${name}.json`), schema, empty, this.log);
  }

  /** Returns a path below LAKE_HOME. */
  path(...parts: string[]): string {
    return join(this.home, ...parts);
  }
}

/** Failure reason, after a restart, of a run that had not ended. */
export const INTERRUPTED = 'the embedded cloud stopped while it ran';
