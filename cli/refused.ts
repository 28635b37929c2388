import { UserError } from '../session/user-error';

/** As services name a refusal; HEAD has no body, so S3's SDK knows but the status of it. */
const REFUSALS =
  /^(?:AccessDenied(?:Exception)?|AuthorizationError|UnauthorizedOperation|Forbidden|403)$/;

/** What AWS refused a person, and where it is said who may; null for any other error. */
export function describeRefused(error: unknown): string | null {
  if (!(error instanceof Error) || error instanceof UserError) return null;
  if (!REFUSALS.test(error.name)) return null;
  return (
    `AWS refused it: ${error.name}: ${error.message}\n` +
    'Who may call which command, and a policy document for each person: docs/permissions.md, "People and commands".'
  );
}
