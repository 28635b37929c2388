/** The reason of the aborted signal when the person or the system ends this process. */
export class Interrupted extends Error {
  constructor(readonly exitCode: number) {
    super('interrupted');
  }
}

/** Waits until the signal is aborted. */
export const interrupted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });

const exitCodes: Partial<Record<NodeJS.Signals, number>> = {
  SIGHUP: 129,
  SIGINT: 130,
  SIGTERM: 143,
};
const parentCheckMillis = 500;
/** Time for an orderly end; after it the children's watchdogs end them. */
const patienceMillis = 12_000;

/**
 * Turns Ctrl-C, SIGTERM, SIGHUP and the death of npm (a killed npm does not end its children) into an aborted signal.
 * Repeated signals are expected: a terminal sends one and npm passes on another. The npm scripts `exec` this program, so
 * no shell runs between npm and this process.
 */
export function interruptSignal(env: NodeJS.ProcessEnv): AbortSignal {
  const controller = new AbortController();
  const interrupt = (exitCode: number) => {
    if (controller.signal.aborted) return;
    setTimeout(() => process.exit(exitCode), patienceMillis).unref();
    controller.abort(new Interrupted(exitCode));
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] satisfies NodeJS.Signals[]) {
    process.on(signal, () => interrupt(exitCodes[signal] ?? 1));
  }
  if (env.npm_execpath) {
    const parent = process.ppid;
    setInterval(() => {
      if (process.ppid !== parent) interrupt(143);
    }, parentCheckMillis).unref();
  }
  return controller.signal;
}
