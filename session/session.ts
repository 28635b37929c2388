import type { EnvironmentName } from '../infra/config';
import type { Clients, Connection } from './clients';
import type { People } from './people';
import type { Outputs } from './stack';

/** A deployed lake that is reachable. This process or another one keeps it running. */
export interface Session {
  environment: EnvironmentName;
  region: string;
  /** Address of the embedded cloud; null for an AWS account. */
  endpoint: string | null;
  connection: Connection;
  /** Clients with the user's own credentials; in the embedded cloud, those of its root. */
  clients: Clients;
  /** Clients with the lake's roles. */
  people: People;
  outputs: Outputs;
  /** Whether tweets come from the X API stub. */
  usesXStub: boolean;
  /** When the previous command was last alive, if it was killed. Later failures are a result of that. */
  killedAfter?: Date;
  close: () => Promise<void>;
}
