import type { HistoryEvent } from '@aws-sdk/client-sfn';
import { z } from 'zod';
import { prefixes } from '../../workflows/datasets';

/** Folder of the archived histories; an object for each end of an execution. */
export const archiveFolder = `${prefixes.audit}executions/`;

export const ExecutionStatus = z.enum(['RUNNING', 'SUCCEEDED', 'FAILED', 'ABORTED', 'TIMED_OUT']);

const Dated = z.object({ timestamp: z.coerce.date() });

/** An archived history. What Step Functions told, with times as texts. */
export const ArchivedExecution = z.object({
  execution: z.object({
    executionArn: z.string().default(''),
    name: z.string(),
    status: ExecutionStatus,
    startDate: z.coerce.date(),
    stopDate: z.coerce.date().optional(),
    redriveCount: z.number().default(0),
    input: z.string().default('{}'),
    output: z.string().optional(),
    error: z.string().optional(),
    cause: z.string().optional(),
  }),
  events: z.array(
    z
      .custom<HistoryEvent>((event) => Dated.safeParse(event).success)
      .transform((event) => ({ ...event, timestamp: Dated.parse(event).timestamp })),
  ),
});
export type ArchivedExecution = z.infer<typeof ArchivedExecution>;

/** Name and redrives of the execution whose history lies under a key of the archive; null for another key. */
export function archivedName(key: string): { name: string; redrives: number } | null {
  const [, name, redrives] =
    /^(.+)-(\d+)(?:-[0-9a-f]{12})?\.json$/.exec(key.slice(archiveFolder.length)) ?? [];
  return name === undefined ? null : { name, redrives: Number(redrives) };
}

/** Of the objects below `archiveFolder`, the one of each execution's last end, by its name. */
export async function lastEnds<Stored extends { key: string }>(
  objects: AsyncIterable<Stored>,
): Promise<Map<string, Stored>> {
  const ends = new Map<string, { stored: Stored; redrives: number }>();
  for await (const stored of objects) {
    const found = archivedName(stored.key);
    if (found === null) continue;
    const before = ends.get(found.name);
    if (before && before.redrives > found.redrives) continue;
    ends.set(found.name, { stored, redrives: found.redrives });
  }
  return new Map([...ends].map(([name, { stored }]) => [name, stored]));
}
