import { cbor } from '@smithy/core/cbor';
import { AwsError, parseJson } from '../protocol';
import { violations } from './constraints';
import type { Form, Violation } from './constraints';
import type { Models, ModelOperation, ServiceModel, Shape } from './models';
import { aroundBody, Routes, xmlPayload, xmlPayloadOf } from './rest';
import type { Found, Request } from './rest';
import { PROTOCOLS, SERVICES } from './services';
import type { Protocol, ServiceNames } from './services';
import { fromForm, Unreadable } from './texts';

/** A request with a valid signature. */
export interface Call extends Request {
  /** Signing name of the called service. */
  readonly service: string;
  /** The complete body; undefined for S3 until the operation is known. */
  readonly body?: Buffer;
}

/** Checks calls against their services' models. */
export class Calls {
  private readonly routes = new Map<ServiceModel, Routes>();

  constructor(private readonly models: Models) {}

  /**
   * Throws AwsError, with AWS's error name and message, for a call that does not conform to its service's model.
   * Calls of services that are not in services.ts are not checked here.
   */
  check(call: Call): void {
    const asked = this.asked(call);
    const input = asked && this.inputOf(asked, call);
    if (asked && input) this.refuse(asked, input);
  }

  /** Whether the body of a call to S3 is an XML document that `check` needs. */
  hasDocument(call: Call): boolean {
    const asked = this.asked(call);
    const shape = asked && shapeOf(asked);
    return asked?.protocol === 'rest-xml' && shape !== undefined
      ? xmlPayloadOf(asked.model, shape) !== undefined
      : false;
  }

  /** Checks the input of an SDK command. `serviceId` is the SDK's id of the service, such as `SageMaker Runtime`. */
  checkInput(serviceId: string, operation: string, input: unknown): void {
    const names = Object.values(SERVICES)
      .flat()
      .find(({ id }) => id === serviceId);
    if (!names) throw new Error(`embedded/gateway/calls/services.ts has no service ${serviceId}`);
    const asked = this.named([names], protocolOf(this.models.get(names.model)), operation);
    this.refuse(asked, { form: 'sdk', input });
  }

  private refuse({ names, model, protocol, operation }: Asked, { form, input }: Input): void {
    if (!operation.input) return;
    const found = violations(model, operation.input.shape, input, form);
    if (found.length === 0) return;
    const isUnreadable = found.some((violation) => violation.isUnreadable);
    const code = isUnreadable
      ? (names.unreadable ?? PROTOCOLS[protocol].unreadable)
      : names.invalid;
    throw new AwsError(
      protocol === 'rest-xml' ? s3Code(model, operation, found, code) : code,
      names.wording === 'ecr' ? ecrSentence(found) : sentence(found),
    );
  }

  /** The called operation; undefined for a service without a model here, and for requests that S3 answers itself. */
  private asked(call: Call): Asked | undefined {
    const services = SERVICES[call.service];
    if (!services) return undefined;
    const target = headerOf(call, 'x-amz-target');
    if (target !== undefined) return this.byTarget(services, target);
    const rpc = /^\/service\/(\w+)\/operation\/(\w+)$/.exec(call.url.split('?')[0] ?? '');
    if (rpc) return this.named(services, 'cbor', rpc[2] ?? '', rpc[1] ?? '');
    const [first] = services;
    const protocol = first && protocolOf(this.models.get(first.model));
    const type = headerOf(call, 'content-type') ?? '';
    if (type.startsWith('application/x-www-form-urlencoded') || protocol === 'query') {
      const action = formOf(call).get('Action');
      return action === null ? undefined : this.named(services, 'query', action);
    }
    return this.byRoute(services, call);
  }

  private byTarget(services: readonly ServiceNames[], target: string): Asked {
    const [, prefix = '', name = ''] = /^(.*)\.([^.]*)$/.exec(target) ?? [];
    for (const names of services) {
      const { targetPrefix } = this.models.get(names.model).metadata;
      // CloudTrail's has a Java package, which the SDK for JavaScript leaves out.
      if (targetPrefix === prefix || targetPrefix?.endsWith(`.${prefix}`))
        return this.named([names], 'json', name, target);
    }
    throw unknownOperation('json', `There is no operation ${target}`);
  }

  private named(
    services: readonly ServiceNames[],
    protocol: Protocol,
    name: string,
    called = name,
  ): Asked {
    for (const names of services) {
      const model = this.models.get(names.model);
      const operation = Object.hasOwn(model.operations, name) ? model.operations[name] : undefined;
      if (operation) return { names, model, protocol, operation };
    }
    throw unknownOperation(protocol, `There is no operation ${called}`);
  }

  private byRoute(services: readonly ServiceNames[], call: Call): Asked | undefined {
    for (const names of services) {
      const model = this.models.get(names.model);
      const protocol = protocolOf(model);
      if (protocol !== 'rest-json' && protocol !== 'rest-xml') continue;
      const route = this.routeOf(names, model, call);
      if (route) return { names, model, protocol, operation: route.operation, route };
      // S3 itself answers a method that it does not have.
      if (protocol === 'rest-xml') return undefined;
    }
    throw unknownOperation(
      'rest-json',
      `There is no operation for ${call.method} ${call.url.split('?')[0]}`,
    );
  }

  private routeOf(names: ServiceNames, model: ServiceModel, call: Call): Found | undefined {
    try {
      return this.routesOf(model).find(call);
    } catch (error) {
      if (!(error instanceof Unreadable)) throw error;
      throw new AwsError(names.invalid, `${error.message} (${model.metadata.serviceId}).`);
    }
  }

  private routesOf(model: ServiceModel): Routes {
    const known = this.routes.get(model);
    if (known) return known;
    const routes = new Routes(model);
    this.routes.set(model, routes);
    return routes;
  }

  private inputOf(asked: Asked, call: Call): Input | undefined {
    const { protocol, model, operation, names } = asked;
    try {
      return this.parsed(asked, call);
    } catch (error) {
      if (!(error instanceof Unreadable)) throw error;
      const code =
        protocol === 'rest-xml'
          ? PROTOCOLS[protocol].unreadable
          : (names.unreadable ?? PROTOCOLS[protocol].unreadable);
      throw new AwsError(code, `${error.message} (${model.metadata.serviceId} ${operation.name}).`);
    }
  }

  private parsed(asked: Asked, call: Call): Input | undefined {
    const { model, operation, protocol } = asked;
    const shape = shapeOf(asked);
    const { body = Buffer.alloc(0) } = call;
    if (!operation.input || !shape) return { form: 'json', input: {} };
    switch (protocol) {
      case 'json':
        return { form: 'json', input: fieldsOf(parseJson(body)) };
      case 'cbor':
        return { form: 'cbor', input: body.length === 0 ? {} : fromCbor(body) };
      case 'query':
        // SQS's model no longer has the names of the old query protocol.
        if (protocolOf(model) === 'json') return undefined;
        return { form: 'text', input: fromForm(model, operation.input.shape, formOf(call)) };
      default:
        return this.rest(asked, shape, call, body);
    }
  }

  private rest(asked: Asked, shape: Shape, call: Call, body: Buffer): Input {
    const { model, protocol, route } = asked;
    const around = route ? aroundBody(model, shape, route, call) : {};
    if (protocol === 'rest-xml') {
      // A body in signed chunks is not the document itself. No SDK sends a document in this way.
      const isChunked = /aws-chunked/.test(headerOf(call, 'content-encoding') ?? '');
      const document = isChunked ? {} : xmlPayload(model, shape, body);
      return { form: 'text', input: { ...around, ...document } };
    }
    const { payload } = shape;
    if (payload === undefined) {
      const members = Object.entries(shape.members ?? {}).filter(([, member]) => !member.location);
      const bodyFields = members.length > 0 ? fieldsOf(parseJson(body)) : {};
      return { form: 'json', input: { ...byMember(members, bodyFields), ...around } };
    }
    const type = model.shapes[shape.members?.[payload]?.shape ?? '']?.type;
    if (body.length === 0) return { form: 'json', input: around };
    const content =
      type === 'structure' ? parseJson(body) : type === 'string' ? body.toString('utf8') : body;
    return { form: 'json', input: { ...around, [payload]: content } };
  }
}

interface Asked {
  readonly names: ServiceNames;
  readonly model: ServiceModel;
  readonly protocol: Protocol;
  readonly operation: ModelOperation;
  readonly route?: Found;
}

interface Input {
  readonly form: Form;
  readonly input: unknown;
}

const shapeOf = ({ model, operation }: Asked): Shape | undefined =>
  operation.input && model.shapes[operation.input.shape];

function protocolOf({ metadata: { protocol } }: ServiceModel): Protocol {
  if (protocol === 'smithy-rpc-v2-cbor') return 'cbor';
  if (protocol === 'json' || protocol === 'query' || protocol === 'rest-json') return protocol;
  if (protocol === 'rest-xml') return protocol;
  throw new Error(
    `botocore's model uses the protocol ${protocol}, which embedded/gateway/calls cannot read`,
  );
}

/** The value of a header that occurs once. */
function headerOf({ headers }: Request, name: string): string | undefined {
  const value = headers[name];
  return typeof value === 'string' ? value : undefined;
}

/** Parameters of a call in the query protocol, from its body or its URL. */
function formOf({ method, url, body }: Call): URLSearchParams {
  return new URLSearchParams(
    method === 'GET' ? (url.split(/\?(.*)/s)[1] ?? '') : (body ?? '').toString('utf8'),
  );
}

function fromCbor(body: Buffer): unknown {
  try {
    return cbor.deserialize(body);
  } catch (error) {
    throw new Unreadable('The body is not CBOR', { cause: error });
  }
}

/** The fields of a JSON body. Throws Unreadable when the body is not a structure. */
function fieldsOf(value: unknown): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value };
  throw new Unreadable('The body is not a JSON structure');
}

/** Renames fields from their names on the wire to their members' names; unknown fields stay. */
function byMember(
  members: readonly (readonly [string, { readonly locationName?: string }])[],
  fields: Record<string, unknown>,
): Record<string, unknown> {
  const names = new Map(members.map(([name, { locationName = name }]) => [locationName, name]));
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [names.get(name) ?? name, value]),
  );
}

const unknownOperation = (protocol: Protocol, message: string): AwsError =>
  new AwsError(
    PROTOCOLS[protocol].unknown,
    `${message} in the model of this service.`,
    protocol === 'query' ? 400 : 404,
  );

/** S3 uses another error name for a document that violates its schema than for a parameter. */
function s3Code(
  model: ServiceModel,
  { input }: ModelOperation,
  found: readonly Violation[],
  otherwise: string,
): string {
  const payload = input && model.shapes[input.shape]?.payload;
  const isOfDocument = ({ path }: Violation) =>
    payload !== undefined && path.split('.')[0]?.toLowerCase() === payload.toLowerCase();
  return found.some(isOfDocument) ? PROTOCOLS['rest-xml'].unreadable : otherwise;
}

function sentence(found: readonly Violation[]): string {
  const all = found.map(
    ({ path, constraint, found: value }) =>
      `Value at '${path}' failed to satisfy constraint: ${constraint}${value === undefined ? '' : ` (${value})`}`,
  );
  return `${found.length} validation error${found.length === 1 ? '' : 's'} detected: ${all.join('; ')}`;
}

/** The message in ECR's wording: Invalid parameter at 'repositoryName' failed to satisfy constraint: 'must have length …'. */
const ecrSentence = (found: readonly Violation[]): string =>
  found
    .map(
      ({ path, constraint, found: value }) =>
        `Invalid parameter at '${path}' failed to satisfy constraint: '${constraint.replace(/^Member /, '')}'` +
        (value === undefined ? '' : ` (${value})`),
    )
    .join('; ');
