import type { RecordedLine } from './recorded';

/** One operation that somebody called, and the permissions that were asked for it. */
export interface CallRow {
  /** A role, `root`, or `user/<name>`. */
  readonly who: string;
  /** `service:Operation`; null for what a service asked on the way, after the request was answered. */
  readonly api: string | null;
  /** Empty where nothing was asked. */
  readonly permissions: readonly string[];
  /** Whether one of them was refused. */
  readonly denied: boolean;
}

/** All that was recorded, by who and operation. */
export function rowsOf(lines: readonly RecordedLine[]): CallRow[] {
  const asked = new Map<string, { who: string; api: string | null; permissions: Set<string> }>();
  const decided = new Map<string, { who: string; action: string; denied: boolean }>();
  for (const line of lines) {
    if ('api' in line) {
      const key = `${line.by} ${line.api}`;
      const row = asked.get(key) ?? { who: line.by, api: line.api, permissions: new Set() };
      if (line.permission !== null) row.permissions.add(line.permission);
      asked.set(key, row);
      continue;
    }
    const who = 'role' in line ? line.role : line.person;
    const key = `${who} ${line.action}`;
    const denied = line.denied === true || decided.get(key)?.denied === true;
    decided.set(key, { who, action: line.action, denied });
  }
  for (const { who, action } of decided.values()) {
    const rows = [...asked.values()].filter((row) => row.who === who);
    if (rows.some(({ permissions }) => permissions.has(action))) continue;
    const key = `${who} null`;
    const row = asked.get(key) ?? { who, api: null, permissions: new Set<string>() };
    row.permissions.add(action);
    asked.set(key, row);
  }
  return [...asked.values()]
    .map(({ who, api, permissions }) => ({
      who,
      api,
      permissions: [...permissions].sort(),
      denied: [...permissions].some((action) => decided.get(`${who} ${action}`)?.denied === true),
    }))
    .sort(
      (one, other) =>
        one.who.localeCompare(other.who) || (one.api ?? '~').localeCompare(other.api ?? '~'),
    );
}
