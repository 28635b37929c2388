import { fromXml, Unreadable } from './texts';
import type { Member, ModelOperation, ServiceModel, Shape } from './models';

/** What a request says, before it is known which operation it asks for. */
export interface Request {
  readonly method: string;
  /** As it is in the request line, with its query. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

interface Route {
  readonly operation: ModelOperation;
  readonly path: readonly Step[];
  /** Whether its last label takes all that is left of a path. */
  readonly isLong: boolean;
  /** What the query must have: `list-type=2`, `uploads`. */
  readonly query: readonly (readonly [string, string])[];
  /** Names in query or headers without which it is another operation. */
  readonly needed: readonly Member[];
}

interface Step {
  readonly text: string;
  /** The name of a member that this part of the path is; undefined for a part that is as it is. */
  readonly label: string | undefined;
}

/** Operations of a service whose requests say by method, path and query what they ask for. */
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

  /** The operation that a request asks for: of several, the one that names most of what the request has. */
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
      const isWhole = route.needed.every(has);
      // S3 tells its operations apart by what they need; elsewhere something that is needed may be missing.
      if (!isWhole && this.model.metadata.protocol === 'rest-xml') continue;
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

/** A path between its slashes: one at the end says nothing, but in the key of an object. */
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

/** What a request's path, query and headers say for the members of a shape; all texts. */
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
        const given = headers[place.toLowerCase()];
        // A presigned URL has headers in its query.
        const text = given === undefined ? (query.get(place) ?? undefined) : String(given);
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

/** The part of a body that is XML, as a field of the input; nothing where the operation takes none. */
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

/** The member of an input that its body's XML is, if there is one. */
export function xmlPayloadOf(model: ServiceModel, shape: Shape): string | undefined {
  const name = shape.payload;
  const member = name === undefined ? undefined : shape.members?.[name];
  if (!member || model.shapes[member.shape]?.type !== 'structure') return undefined;
  return model.shapes[member.shape]?.eventstream ? undefined : name;
}
