import type { RecordedLine } from './recorded';

/** A KMS permission that a service checked for its caller, such as `kms:Decrypt` via `s3`. */
export interface KeyUse {
  readonly action: string;
  readonly via: string;
}

/** An operation that a role or person called, and the permissions that were checked for it. */
export interface CallRow {
  /** A role, `root`, or `user/<name>`. */
  readonly who: string;
  /** `service:Operation`; null for permissions that a service checked after it had answered the request. */
  readonly api: string | null;
  /** Empty when no permission was checked. */
  readonly permissions: readonly string[];
  /** KMS permissions that a service checked for its caller. */
  readonly keyUses: readonly KeyUse[];
  /** Whether one of them was denied. */
  readonly denied: boolean;
}

interface Asked {
  readonly who: string;
  readonly api: string | null;
  readonly permissions: Set<string>;
  readonly keyUses: Map<string, KeyUse>;
}

const described = ({ action, via }: KeyUse): string => `${action} ${via}`;

/** Groups the recorded lines by caller and operation. */
export function rowsOf(lines: readonly RecordedLine[]): CallRow[] {
  const asked = new Map<string, Asked>();
  const row = (who: string, api: string | null): Asked => {
    const key = `${who} ${api ?? 'null'}`;
    const known = asked.get(key) ?? { who, api, permissions: new Set(), keyUses: new Map() };
    asked.set(key, known);
    return known;
  };
  const add = (to: Asked, action: string, via: string | undefined): void => {
    if (via === undefined) to.permissions.add(action);
    else to.keyUses.set(described({ action, via }), { action, via });
  };
  const decided = new Map<string, { who: string; action: string; via?: string; denied: boolean }>();
  for (const line of lines) {
    if ('api' in line) {
      const called = row(line.by, line.api);
      if (line.permission !== null) add(called, line.permission, line.via);
      continue;
    }
    const who = 'role' in line ? line.role : line.person;
    const { action, via } = line;
    const key = `${who} ${action} ${via ?? ''}`;
    const denied = line.denied === true || decided.get(key)?.denied === true;
    decided.set(key, { who, action, via, denied });
  }
  for (const { who, action, via } of decided.values()) {
    const ofWho = [...asked.values()].filter((one) => one.who === who);
    const isKnown = ({ permissions, keyUses }: Asked) =>
      via === undefined ? permissions.has(action) : keyUses.has(described({ action, via }));
    if (!ofWho.some(isKnown)) add(row(who, null), action, via);
  }
  const refused = (who: string, action: string, via = '') =>
    decided.get(`${who} ${action} ${via}`)?.denied === true;
  return [...asked.values()]
    .map(({ who, api, permissions, keyUses }) => ({
      who,
      api,
      permissions: [...permissions].sort(),
      keyUses: [...keyUses.values()].sort((one, other) =>
        described(one).localeCompare(described(other)),
      ),
      denied:
        [...permissions].some((action) => refused(who, action)) ||
        [...keyUses.values()].some(({ action, via }) => refused(who, action, via)),
    }))
    .sort(
      (one, other) =>
        one.who.localeCompare(other.who) || (one.api ?? '~').localeCompare(other.api ?? '~'),
    );
}
