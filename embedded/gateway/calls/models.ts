import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { gunzip } from '../../../functions/lake/unpack';

/** The part of a request that holds a member; a member without one is in the body. */
export type Location = 'uri' | 'querystring' | 'header' | 'headers' | 'statusCode';

/** A member of a shape: another shape and how it is used. */
export interface Member {
  readonly shape: string;
  readonly location?: Location;
  readonly locationName?: string;
  readonly flattened?: boolean;
  readonly streaming?: boolean;
  readonly xmlAttribute?: boolean;
  /** An SDK generates the value if the caller does not pass one. */
  readonly idempotencyToken?: boolean;
  readonly jsonvalue?: boolean;
  readonly timestampFormat?: string;
}

type WholeNumber = 'integer' | 'long' | 'short' | 'byte' | 'biginteger';
type Simple = 'string' | 'character' | 'boolean' | 'float' | 'double' | 'bigdecimal' | WholeNumber;
export type ShapeType = 'structure' | 'list' | 'map' | 'blob' | 'timestamp' | Simple;

/** A shape of botocore's `service-2.json`. */
export interface Shape {
  readonly type: ShapeType;
  readonly required?: readonly string[];
  readonly members?: Readonly<Record<string, Member>>;
  readonly member?: Member;
  readonly key?: Member;
  readonly value?: Member;
  /** Minimum length of a string, list, map or blob; minimum value of a number. */
  readonly min?: number;
  readonly max?: number;
  readonly pattern?: string;
  readonly enum?: readonly string[];
  readonly union?: boolean;
  /** Any JSON. */
  readonly document?: boolean;
  readonly eventstream?: boolean;
  readonly flattened?: boolean;
  readonly locationName?: string;
  /** The member that is the complete body. */
  readonly payload?: string;
  readonly sensitive?: boolean;
  readonly timestampFormat?: string;
}

export interface ModelOperation {
  readonly name: string;
  readonly http: { readonly method: string; readonly requestUri: string };
  readonly input?: { readonly shape: string };
  readonly deprecated?: boolean;
}

/** botocore's model of a service's API. */
export interface ServiceModel {
  readonly metadata: {
    readonly protocol: string;
    readonly serviceId: string;
    readonly targetPrefix?: string;
    readonly signingName?: string;
    readonly endpointPrefix: string;
    readonly apiVersion: string;
  };
  readonly operations: Readonly<Record<string, ModelOperation>>;
  readonly shapes: Readonly<Record<string, Shape>>;
}

/** Bytes; the largest model, SageMaker's, has 2.4 MB. */
const MAX_MODEL_BYTES = 32 * 2 ** 20;

/** botocore's models. Each is read at its first use and then cached; reading takes 5 to 100 ms a service. */
export class Models {
  private readonly loaded = new Map<string, ServiceModel>();

  /** `folder` is botocore's `data`. */
  constructor(private readonly folder: string) {}

  /** The models of the botocore in a virtual environment. Throws when botocore is not installed. */
  static of(python: string): Models {
    const lib = join(dirname(python), '..', 'lib');
    for (const version of foldersOf(lib)) {
      const folder = join(lib, version, 'site-packages', 'botocore', 'data');
      if (foldersOf(folder).length > 0) return new Models(folder);
    }
    throw new Error(
      `${lib} has no botocore, whose models calls are checked against: run \`npm start\` or \`npm test\` once, which ` +
        'installs embedded/requirements.txt.',
    );
  }

  /** The newest model of a service, by botocore's name for it, such as `stepfunctions`. */
  get(service: string): ServiceModel {
    const known = this.loaded.get(service);
    if (known) return known;
    const newest = foldersOf(join(this.folder, service)).at(-1);
    if (newest === undefined) throw new Error(`botocore has no model of ${service}`);
    const packed = readFileSync(join(this.folder, service, newest, 'service-2.json.gz'));
    // Not validated: the file's hash is locked, and it has 2 MB.
    const model: ServiceModel = JSON.parse(
      gunzip(packed, MAX_MODEL_BYTES).toString('utf8'),
      // Nine tenths of a model are documentation.
      (name, value: unknown) =>
        name === 'documentation' && typeof value === 'string' ? undefined : value,
    );
    this.loaded.set(service, model);
    return model;
  }
}

function foldersOf(folder: string): string[] {
  try {
    return readdirSync(folder).sort();
  } catch {
    return [];
  }
}
