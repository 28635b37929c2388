/** Something the person at the keyboard can put right: shown as its message alone, without a stack. */
export class UserError extends Error {
  readonly oneLine = true;

  constructor(
    message: string,
    readonly exitCode = 1,
  ) {
    super(message);
  }
}
