import { SignatureV4 } from '@smithy/signature-v4';
import type { z } from 'zod';
import type { Account } from './session';

interface Speaks {
  host: string;
  /** Prefix of the header that names the operation (AWS JSON 1.1). Without it, the path names the operation. */
  target?: string;
  /** One host for all regions of a partition. */
  global?: true;
}

/**
 * Services of which the command line needs one or two operations each. A signed call with a validated response needs
 * less code than an SDK package. Hosts, targets and paths are from the service models in botocore.
 */
const services = {
  kms: { target: 'TrentService', host: 'kms' },
  logs: { target: 'Logs_20140328', host: 'logs' },
  servicequotas: { target: 'ServiceQuotasV20190624', host: 'servicequotas' },
  ecr: { target: 'AmazonEC2ContainerRegistry_V20150921', host: 'api.ecr' },
  budgets: { target: 'AWSBudgetServiceGateway', host: 'budgets', global: true },
  lakeformation: { host: 'lakeformation' },
} as const satisfies Record<string, Speaks>;
export type Service = keyof typeof services;

/** The host of a service's API and the region that a call must be signed for. */
export function addressOf(service: Service, region: string): { host: string; signedFor: string } {
  const { host, global }: Speaks = services[service];
  const china = region.startsWith('cn-');
  const suffix = china ? 'amazonaws.com.cn' : 'amazonaws.com';
  return global
    ? { host: `${host}.${suffix}`, signedFor: china ? 'cn-northwest-1' : 'us-east-1' }
    : { host: `${host}.${region}.${suffix}`, signedFor: region };
}

/** An error response of a service; `name` is AWS's name of the error. */
export class AwsJsonError extends Error {
  constructor(
    override readonly name: string,
    message: string,
    readonly status: number,
  ) {
    super(message);
  }
}

const timeoutMillis = 30_000;

/** `com.amazonaws.kms#NotFoundException` or `NotFoundException:http://…` → `NotFoundException` */
const errorName = (type: unknown): string =>
  String(type).replace(/^.*#/, '').replace(/:.*$/, '') || 'UnknownError';

/** Calls a service. Throws AwsJsonError for an error response, ZodError for a response of another shape. */
export async function callAws<Schema extends z.ZodType>(
  { clients, region, endpoint }: Pick<Account, 'clients' | 'region' | 'endpoint'>,
  service: Service,
  action: string,
  input: object,
  answer: Schema,
): Promise<z.output<Schema>> {
  const { target }: Speaks = services[service];
  const { host, signedFor } = addressOf(service, region);
  const url = new URL(target === undefined ? `/${action}` : '/', endpoint ?? `https://${host}`);
  const signer = new SignatureV4({
    service,
    region: signedFor,
    credentials: clients.sts.config.credentials,
    sha256: clients.sts.config.sha256,
  });
  const body = JSON.stringify(input);
  const { headers } = await signer.sign({
    method: 'POST',
    protocol: url.protocol,
    hostname: url.hostname,
    ...(url.port !== '' && { port: Number(url.port) }),
    path: url.pathname,
    query: {},
    headers: {
      host: url.host,
      ...(target === undefined
        ? { 'content-type': 'application/json' }
        : {
            'content-type': 'application/x-amz-json-1.1',
            'x-amz-target': `${target}.${action}`,
          }),
    },
    body,
  });
  const response = await fetch(url, {
    method: 'POST',
    headers,
    body,
    signal: AbortSignal.timeout(timeoutMillis),
  });
  const text = await response.text();
  const content: unknown = text === '' ? {} : parsed(text, response.status);
  if (!response.ok) {
    const fields = new Map(Object.entries(content ?? {}));
    throw new AwsJsonError(
      errorName(fields.get('__type') ?? response.headers.get('x-amzn-errortype') ?? ''),
      String(
        fields.get('message') ?? fields.get('Message') ?? `${service} answered ${response.status}`,
      ),
      response.status,
    );
  }
  return answer.parse(content);
}

function parsed(text: string, status: number): unknown {
  try {
    const value: unknown = JSON.parse(text);
    return value;
  } catch {
    throw new AwsJsonError('UnknownError', `not JSON: ${text.slice(0, 200)}`, status);
  }
}
