import { UserError } from '../session/user-error';

/** The services' names of a denied call; a HEAD response has no body, so S3's SDK knows only its status. */
const REFUSALS =
  /^(?:AccessDenied(?:Exception)?|AuthorizationError|UnauthorizedOperation|Forbidden|403)$/;

/** A sentence for a call that AWS denied, with the page on permissions; null for any other error. */
export function describeRefused(error: unknown): string | null {
  if (!(error instanceof Error) || error instanceof UserError) return null;
  if (!REFUSALS.test(error.name)) return null;
  return (
    `AWS refused it: ${error.name}: ${error.message}\n` +
    'Who may call which command, and a policy document for each person: docs/permissions.md, "People and commands".'
  );
}
