import { readdirSync, readFileSync } from 'node:fs';

/** What a process of the lake is, by its command line; the first that fits. */
const kinds: readonly (readonly [RegExp, string])[] = [
  [/java/, 'Spark: Java'],
  [/pyspark|clean_tweets/, 'Spark: Python'],
  [/athena\.worker/, 'Athena'],
  [/embedded\.launcher/, 'launcher'],
  [/ml[./]training|train\.py/, 'training'],
  [/serving/, 'serving'],
  [/main\.mjs/, 'command and gateway'],
  [/node/, 'Lambdas and deployment'],
];

interface Process {
  parent: number;
  kind: string;
  bytes: number;
}

const pageBytes = 4096;

function processes(): Map<number, Process> {
  const found = new Map<number, Process>();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const stat = readFileSync(`/proc/${name}/stat`, 'utf8');
      // `pid (name) state parent ...`. A name may contain any character, also `)`.
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      const line = readFileSync(`/proc/${name}/cmdline`, 'utf8').replaceAll('\0', ' ');
      const kind = kinds.find(([pattern]) => pattern.test(line))?.[1] ?? 'others';
      found.set(Number(name), {
        parent: Number(fields[1]),
        kind,
        bytes: Number(fields[21]) * pageBytes,
      });
    } catch {
      // The process has ended.
    }
  }
  return found;
}

/**
 * Looks at the resident memory of a process and its descendants twice a second. Linux only. Pages that processes share
 * count for each of them.
 */
export class Memory {
  private peaks = new Map<string, number>();
  private total = 0;
  private readonly timer: NodeJS.Timeout;

  constructor(private readonly pid: number) {
    this.timer = setInterval(() => this.look(), 500);
    this.timer.unref();
  }

  /** The peaks since the last call in bytes: all processes together, and by kind. */
  take(): { total: number; kinds: ReadonlyMap<string, number> } {
    const taken = { total: this.total, kinds: this.peaks };
    this.peaks = new Map();
    this.total = 0;
    return taken;
  }

  end(): void {
    clearInterval(this.timer);
  }

  private look(): void {
    const all = processes();
    const isOurs = (pid: number): boolean => {
      for (let at = pid; at > 1; at = all.get(at)?.parent ?? 0) if (at === this.pid) return true;
      return false;
    };
    const sums = new Map<string, number>();
    for (const [pid, { kind, bytes }] of all)
      if (isOurs(pid)) sums.set(kind, (sums.get(kind) ?? 0) + bytes);
    for (const [kind, bytes] of sums)
      this.peaks.set(kind, Math.max(this.peaks.get(kind) ?? 0, bytes));
    this.total = Math.max(
      this.total,
      [...sums.values()].reduce((sum, bytes) => sum + bytes, 0),
    );
  }
}
