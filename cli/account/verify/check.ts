import type { Settings } from '../../../infra/config';
import type { Run } from '../../run/follow';
import type { Session } from '../../../session/session';

/** The input of the checks: a deployed environment after a small run. */
export interface Subject {
  session: Session;
  settings: Settings;
  /** The small nightly run. */
  run: Run;
  /** ARN of the lake's key. */
  keyArn: string;
  signal: AbortSignal;
}

/** A check's result; `problems` is empty when it passed. */
export interface Observation {
  /** One line that says what was observed. */
  saw: string;
  problems: string[];
  /** AWS's responses behind the result. */
  evidence: unknown;
}

/** A check does not apply here; the message says why. */
export class NotApplicable extends Error {}

export interface Check {
  name: string;
  /** Why the embedded cloud cannot run this check; absent when it can. */
  notLocally?: string;
  look: (subject: Subject) => Promise<Observation>;
}

export interface Outcome {
  name: string;
  status: 'passed' | 'failed' | 'skipped';
  /** What was observed, what is wrong, or why the check was skipped. */
  says: string;
  evidence: unknown;
}

const messageOf = (error: unknown): string =>
  error instanceof Error ? `${error.name}: ${error.message}` : String(error);

/** Runs a check. A check that throws has failed. */
export async function perform(
  { name, notLocally, look }: Check,
  subject: Subject,
): Promise<Outcome> {
  const isStandIn = subject.session.endpoint !== null;
  if (isStandIn && notLocally !== undefined) {
    return {
      name,
      status: 'skipped',
      says: `not in the embedded cloud: ${notLocally}`,
      evidence: null,
    };
  }
  try {
    const { saw, problems, evidence } = await look(subject);
    return problems.length === 0
      ? { name, status: 'passed', says: saw, evidence }
      : { name, status: 'failed', says: problems.join('; '), evidence };
  } catch (error) {
    if (error instanceof NotApplicable)
      return { name, status: 'skipped', says: error.message, evidence: null };
    return {
      name,
      status: 'failed',
      says: messageOf(error),
      evidence: { error: messageOf(error) },
    };
  }
}
