import type { EnvironmentName } from '../infra/config';
import type { Clients } from './clients';
import type { People } from './people';
import type { Outputs } from './stack';

/** A deployed lake that answers, whether this process keeps it running or another one does. */
export interface Session {
  environment: EnvironmentName;
  region: string;
  /** Address that stands in for AWS; null in an account. */
  endpoint: string | null;
  /** Under the person's own name; in the embedded cloud, its root. */
  clients: Clients;
  /** Under the roles of the lake. */
  people: People;
  outputs: Outputs;
  /** Whether tweets come from the stand-in. */
  standIn: boolean;
  /** Last sign of life of the command before, if it was killed: what failed after it failed because of it. */
  killedAfter?: Date;
  close: () => Promise<void>;
}
