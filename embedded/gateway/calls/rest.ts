import { fromXml, Unreadable } from './texts';
import type { Member, ModelOperation, ServiceModel, Shape } from './models';

/** A request whose operation is not known yet. */
export interface Request {
  readonly method: string;
  /** As in the request line, with its query. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

interface Route {
  readonly operation: ModelOperation;
  readonly path: readonly Step[];
  /** Whether its last label matches the complete rest of a path. */
  readonly isLong: boolean;
  /** Required query parameters: `list-type=2`, `uploads`. */
  readonly query: readonly (readonly [string, string])[];
  /** Required members in the query or the headers; a request without them is for another operation. */
  readonly needed: readonly Member[];
}

interface Step {
  readonly text: string;
  /** Name of the member that this part of the path holds; undefined for a literal part. */
  readonly label: string | undefined;
}

/** Finds the operation of a REST request by method, path and query. */
export class Routes {
  private readonly byMethod = new Map<string, Route[]>();

  constructor(private readonly model: ServiceModel) {
    for (const operation of Object.values(model.operations)) {
      const [path = '', query = ''] = operation.http.requestUri.split('?');
      const input = operation.input && model.shapes[operation.input.shape];
      const { method } = operation.http;
      const routes = this.byMethod.get(method) ?? [];
      this.byMethod.set(method, routes);
      routes.push({
        operation,
        path: stepsOf(path).map((text) => ({ text, label: /^\{(\w+)\+?\}$/.exec(text)?.[1] })),
        isLong: path.endsWith('+}'),
        query: [...new URLSearchParams(query)],
        needed: (input?.required ?? [])
          .map((name) => input?.members?.[name])
          .filter((member) => member !== undefined)
          .filter(({ location }) => location === 'querystring' || location === 'header'),
      });
    }
  }

  /** The called operation; if several match, the one with the most specific route. */
  find(request: Request): Found | undefined {
    const [path = '', search = ''] = request.url.split(/\?(.*)/s);
    const query = new URLSearchParams(search);
    const steps = { short: stepsOf(path), whole: path.replace(/^\//, '').split('/') };
    const has = ({ location, locationName = '' }: Member) =>
      query.has(locationName) ||
      (location === 'header' && request.headers[locationName.toLowerCase()] !== undefined);
    let best: { route: Route; rank: number } | undefined;
    for (const route of this.byMethod.get(request.method) ?? []) {
      if (!fits(route, steps)) continue;
      if (!route.query.every(([name, value]) => query.get(name) === value)) continue;
      const isComplete = route.needed.every(has);
      // S3 distinguishes operations by their required members. In other services a missing one is an error of the call.
      if (!isComplete && this.model.metadata.protocol === 'rest-xml') continue;
      const rank =
        route.query.length * 100 +
        route.needed.filter(has).length * 10 +
        (query.get('x-id') === route.operation.name ? 2 : 0) +
        (route.operation.deprecated ? 0 : 1);
      if (best === undefined || rank > best.rank) best = { route, rank };
    }
    return best && { operation: best.route.operation, labels: labelsOf(best.route, steps), query };
  }
}

export interface Found {
  readonly operation: ModelOperation;
  readonly labels: ReadonlyMap<string, string>;
  readonly query: URLSearchParams;
}

/** A path split at its slashes. A trailing slash is ignored, except in an object's key. */
interface Steps {
  readonly short: readonly string[];
  readonly whole: readonly string[];
}

const stepsOf = (path: string): string[] => path.replace(/^\//, '').replace(/\/$/, '').split('/');

function fits({ path, isLong }: Route, { short, whole }: Steps): boolean {
  const steps = isLong ? whole : short;
  if (isLong ? steps.length < path.length : steps.length !== path.length) return false;
  return path.every(({ text, label }, at) => {
    if (label === undefined) return text === steps[at];
    return steps[at] !== '' || (isLong && at === path.length - 1 && steps.length > path.length);
  });
}

function labelsOf({ path, isLong }: Route, { short, whole }: Steps): Map<string, string> {
  const found = new Map<string, string>();
  path.forEach(({ label }, at) => {
    if (label === undefined) return;
    const isRest = isLong && at === path.length - 1;
    found.set(label, decoded(isRest ? whole.slice(at).join('/') : (short[at] ?? '')));
  });
  return found;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new Unreadable('The path is not percent-encoded UTF-8');
  }
}

/** The members of a shape that are in a request's path, query and headers; all values are strings. */
export function aroundBody(
  model: ServiceModel,
  shape: Shape,
  { labels, query }: Found,
  { headers }: Request,
): Record<string, unknown> {
  const input: Record<string, unknown> = {};
  for (const [name, member] of Object.entries(shape.members ?? {})) {
    const value = valueOf(name, member);
    if (value !== undefined) input[name] = value;
  }
  return input;

  function valueOf(name: string, member: Member): unknown {
    const place = member.locationName ?? name;
    const type = model.shapes[member.shape]?.type;
    switch (member.location) {
      case 'uri':
        return labels.get(place);
      case 'querystring':
        if (type === 'list') return query.has(place) ? query.getAll(place) : undefined;
        return query.get(place) ?? undefined;
      case 'header': {
        const header = headers[place.toLowerCase()];
        // A presigned URL carries headers in its query.
        const text = header === undefined ? (query.get(place) ?? undefined) : String(header);
        return type === 'list' ? text?.split(',').map((item) => item.trim()) : text;
      }
      case 'headers': {
        const entries = Object.entries(headers)
          .filter(([header]) => header.startsWith(place.toLowerCase()))
          .map(([header, value]) => [header.slice(place.length), String(value)]);
        return entries.length > 0 ? Object.fromEntries(entries) : undefined;
      }
      default:
        return undefined;
    }
  }
}

/** The input's field that a body's XML holds; empty if the operation takes no XML. */
export function xmlPayload(
  model: ServiceModel,
  shape: Shape,
  body: Buffer,
): Record<string, unknown> {
  const name = xmlPayloadOf(model, shape);
  const member = name === undefined ? undefined : shape.members?.[name];
  if (name === undefined || !member || body.length === 0) return {};
  return { [name]: fromXml(model, member, body) };
}

/** The member that the body's XML holds; undefined if there is none. */
export function xmlPayloadOf(model: ServiceModel, shape: Shape): string | undefined {
  const name = shape.payload;
  const member = name === undefined ? undefined : shape.members?.[name];
  if (!member || model.shapes[member.shape]?.type !== 'structure') return undefined;
  return model.shapes[member.shape]?.eventstream ? undefined : name;
}
