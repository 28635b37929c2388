/** An error that the user can fix. The terminal shows only its message, without a stack. */
export class UserError extends Error {
  readonly oneLine = true;

  constructor(
    message: string,
    readonly exitCode = 1,
  ) {
    super(message);
  }
}
