/**
 * Creates something whose name follows from its content or attempt: an existing one was created by a call whose answer
 * was lost. SageMaker says so by `ResourceInUse` for jobs, and by a message for models and endpoint configs.
 */
export async function unlessItExists(create: () => Promise<unknown>): Promise<void> {
  try {
    await create();
  } catch (error) {
    const exists =
      error instanceof Error &&
      (error.name === 'ResourceInUse' || /already exist/i.test(error.message));
    if (!exists) throw error;
  }
}

/** SageMaker tells what is not there by a message only. */
export const isMissing = (error: unknown): boolean =>
  error instanceof Error && /does not exist|not found|could not find/i.test(error.message);

/** Deletes something that a call whose answer was lost may have deleted already. */
export async function unlessItIsGone(remove: () => Promise<unknown>): Promise<void> {
  try {
    await remove();
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
}
