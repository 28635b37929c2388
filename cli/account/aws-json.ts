import { SignatureV4 } from '@smithy/signature-v4';
import type { z } from 'zod';
import type { Account } from './session';

interface Speaks {
  host: string;
  /** Of AWS JSON 1.1, which names the operation in a header; without it the path names the operation. */
  target?: string;
  /** One host for all regions of a partition. */
  global?: true;
}

/**
 * Services that the command line asks a question or two, each: a signed call with a checked answer is less than a
 * package. Hosts, targets and paths are those of the services' models that botocore ships.
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

/** Where a call goes, and for which region it is signed. */
export function addressOf(service: Service, region: string): { host: string; signedFor: string } {
  const { host, global }: Speaks = services[service];
  const china = region.startsWith('cn-');
  const suffix = china ? 'amazonaws.com.cn' : 'amazonaws.com';
  return global
    ? { host: `${host}.${suffix}`, signedFor: china ? 'cn-northwest-1' : 'us-east-1' }
    : { host: `${host}.${region}.${suffix}`, signedFor: region };
}

/** What the service answered instead; `name` is AWS's name of the error. */
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

/** One call of a service; throws AwsJsonError for a refusal, ZodError for an answer of another shape. */
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
  const said: unknown = text === '' ? {} : parsed(text, response.status);
  if (!response.ok) {
    const fields = new Map(Object.entries(said ?? {}));
    throw new AwsJsonError(
      errorName(fields.get('__type') ?? response.headers.get('x-amzn-errortype') ?? ''),
      String(
        fields.get('message') ?? fields.get('Message') ?? `${service} answered ${response.status}`,
      ),
      response.status,
    );
  }
  return answer.parse(said);
}

function parsed(text: string, status: number): unknown {
  try {
    const value: unknown = JSON.parse(text);
    return value;
  } catch {
    throw new AwsJsonError('UnknownError', `not JSON: ${text.slice(0, 200)}`, status);
  }
}
