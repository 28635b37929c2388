import { isServerError, isThrottlingError, isTransientError } from '@smithy/core/retry';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import { StepError } from '../../workflows/errors';
import { currentDeadline } from './deadline';

// The SDK tries three times: 3 x 15 s and its pauses stay below the 60 s of the shortest Lambda.
const REQUEST_TIMEOUT_MS = 15_000;
const CONNECTION_TIMEOUT_MS = 5000;

type Sent = Parameters<NodeHttpHandler['handle']>;

/** Ends a request that gets no answer, and every request when the call's time is over. */
class BoundedRequests extends NodeHttpHandler {
  override handle(...[request, options = {}]: Sent): ReturnType<NodeHttpHandler['handle']> {
    const signals = [currentDeadline()?.signal, options.abortSignal].filter(
      (signal) => signal instanceof AbortSignal,
    );
    return super.handle(request, {
      ...options,
      ...(signals.length > 0 && { abortSignal: AbortSignal.any(signals) }),
    });
  }
}

interface Service {
  middlewareStack: {
    add(
      middleware: <Args, Result>(
        next: (args: Args) => Promise<Result>,
        context: { clientName?: string; commandName?: string },
      ) => (args: Args) => Promise<Result>,
      options: { step: 'initialize'; name: string },
    ): void;
  };
}

/** Which request each error of a service came from. */
const requests = new WeakMap<Error, string>();

/**
 * A client of an AWS service for a Lambda: its requests end in time, and their errors know where they came from.
 * HTTP/1.1 for all: Kinesis' own default is HTTP/2, which fails against a plain-http endpoint.
 */
export function aws<Client extends Service>(
  Client: new (config: { requestHandler: NodeHttpHandler }) => Client,
  { requestTimeoutMs = REQUEST_TIMEOUT_MS } = {},
): Client {
  const client = new Client({
    requestHandler: new BoundedRequests({
      connectionTimeout: CONNECTION_TIMEOUT_MS,
      requestTimeout: requestTimeoutMs,
      throwOnRequestTimeout: true,
      socketTimeout: requestTimeoutMs,
    }),
  });
  client.middlewareStack.add(
    (next, { clientName = '', commandName = '' }) =>
      async (args) => {
        const request = `${clientName.replace(/Client$/, '')} ${commandName.replace(/Command$/, '')}`;
        return during(request, () => next(args));
      },
    { step: 'initialize', name: 'namesItsRequests' },
  );
  return client;
}

/** Does something that is part of a request to a service, such as reading the body of its answer. */
export async function during<Answer>(request: string, act: () => Promise<Answer>): Promise<Answer> {
  const deadline = currentDeadline();
  try {
    return await (deadline === undefined ? act() : deadline.during(request, act));
  } catch (error) {
    if (error instanceof Error) requests.set(error, request);
    throw error;
  }
}

/** Transient errors that the SDK's classifiers do not know: KMS throttling and Glue's timeout. */
const ALSO_PASSING = ['KMSThrottlingException', 'OperationTimeoutException'];

type SdkError = Error & Parameters<typeof isTransientError>[0];

const mayBeOfTheSdk = (error: unknown): error is SdkError =>
  error instanceof Error && (error.cause === undefined || error.cause instanceof Error);

/** Whether an AWS client's error is transient: throttling, a server error, or the network. */
export const isPassing = (error: unknown): error is SdkError =>
  mayBeOfTheSdk(error) &&
  (isThrottlingError(error) ||
    isTransientError(error) ||
    isServerError(error) ||
    ALSO_PASSING.includes(error.name));

/**
 * `ServiceBusy` for a transient error that remains after the AWS client's own retries; null for any other error.
 */
export function serviceBusy(error: unknown): StepError | null {
  if (error instanceof StepError || !isPassing(error)) {
    return null;
  }
  // Only errors of the SDK carry the number of attempts.
  const metadata = error.$metadata;
  const request = requests.get(error);
  if (metadata === undefined && request === undefined) {
    return null;
  }
  const details = [
    metadata?.httpStatusCode && `HTTP ${metadata.httpStatusCode}`,
    metadata?.requestId && `request id ${metadata.requestId}`,
    metadata?.attempts && `${metadata.attempts} tries`,
  ].filter(Boolean);
  return new StepError(
    'ServiceBusy',
    `${request ?? 'A request to AWS'} failed with ${error.name}: ${error.message || 'no message'}` +
      (details.length > 0 ? ` (${details.join(', ')})` : ''),
    { cause: error },
  );
}
