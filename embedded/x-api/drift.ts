import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { UserError } from '../../session/user-error';
import { randomFrom } from './random';

/** A change of what people write, from an instant on. */
export const DriftScript = z.strictObject({
  /** Posts from then on are changed. */
  from: z.iso.datetime(),
  /** Share of these posts, 0 to 1. */
  share: z.number().gt(0).lte(1).default(1),
  /** Added to their texts: new words, a new topic. */
  text: z.string().min(1).max(200),
});
export type DriftScript = z.infer<typeof DriftScript>;

/** Reads a drift script. Throws UserError that says what is wrong with it. */
export function readDriftScript(path: string): DriftScript {
  const refuse = (why: string) =>
    new UserError(
      `The drift script ${path} (X_DRIFT) ${why}. docs/embedded-cloud.md describes it.`,
    );
  let content: unknown;
  try {
    content = JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    throw refuse(
      error instanceof SyntaxError
        ? `is not JSON: ${error.message}`
        : `cannot be read: ${String(error)}`,
    );
  }
  const script = DriftScript.safeParse(content);
  if (script.success) return script.data;
  const [issue] = script.error.issues;
  throw refuse(`is invalid at ${issue?.path.join('.') || 'the script'}: ${issue?.message}`);
}

/** A post's text under a script: the same for each request and each start. */
export const drifted = (
  { row, text, createdAt }: { row: number; text: string; createdAt: number },
  script: DriftScript | undefined,
): string =>
  script !== undefined &&
  createdAt >= Date.parse(script.from) &&
  randomFrom(`drift ${row}`)() < script.share
    ? `${text} ${script.text}`
    : text;
