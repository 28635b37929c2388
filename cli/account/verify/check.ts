import type { Settings } from '../../../infra/config';
import type { Run } from '../../run/follow';
import type { Session } from '../../../session/session';

/** What the checks look at: a deployed environment after a run of its own. */
export interface Subject {
  session: Session;
  settings: Settings;
  /** The tiny nightly. */
  run: Run;
  /** ARN of the lake's key. */
  keyArn: string;
  signal: AbortSignal;
}

/** What a check saw; `problems` are empty when all is as it should be. */
export interface Observation {
  /** One line for people. */
  saw: string;
  problems: string[];
  /** The answers of AWS it is based on. */
  evidence: unknown;
}

/** What cannot be looked at here, and why. */
export class NotApplicable extends Error {}

export interface Check {
  name: string;
  /** Why the embedded cloud cannot show it; left out where it can. */
  notLocally?: string;
  look: (subject: Subject) => Promise<Observation>;
}

export interface Outcome {
  name: string;
  status: 'passed' | 'failed' | 'skipped';
  /** What was seen, what is wrong, or why it was not looked at. */
  says: string;
  evidence: unknown;
}

const messageOf = (error: unknown): string =>
  error instanceof Error ? `${error.name}: ${error.message}` : String(error);

/** Performs a check. One that cannot be carried out has failed: nothing was shown. */
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
