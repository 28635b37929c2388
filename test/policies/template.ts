import { z } from 'zod';

/** Where the templates are imagined to be deployed. */
export const ACCOUNT = '111122223333';
export const REGION = 'us-east-1';

const Resource = z.looseObject({ Type: z.string(), Properties: z.looseObject({}).default({}) });
const Document = z.looseObject({
  Resources: z.record(z.string(), Resource),
  Outputs: z.record(z.string(), z.looseObject({ Value: z.unknown() })).default({}),
});
type Resource = z.infer<typeof Resource>;

const arn = (service: string, resource: string) =>
  `arn:aws:${service}:${REGION}:${ACCOUNT}:${resource}`;

/** CDK's logical id without the hash of its path. */
const plain = (logicalId: string) => logicalId.replace(/[0-9A-F]{8}$/, '');
const named = (property: string, { Properties }: Resource, id: string, mark: string) =>
  z
    .string()
    .default(`${plain(id)}${mark}`)
    .parse(Properties[property]);

/**
 * What Ref and Fn::GetAtt Arn answer, type by type; a name that is not given is one of ours. `mark` ends those, where two
 * environments are looked at side by side: CloudFormation puts a stack's name into what it names.
 */
const identities: Record<
  string,
  (resource: Resource, id: string, mark: string) => { ref: string; arn: string }
> = {
  'AWS::KMS::Key': (_, __, mark) => ({ ref: `uuid${mark}`, arn: arn('kms', `key/uuid${mark}`) }),
  // The lake's is called plainly; a policy of another one must not be taken for the lake's.
  'AWS::S3::Bucket': (_, id, mark) => {
    const name = `${plain(id) === 'LakeBucket' ? 'bucket' : plain(id).toLowerCase()}${mark}`;
    return { ref: name, arn: `arn:aws:s3:::${name}` };
  },
  'AWS::IAM::Role': (resource, id, mark) => {
    const name = named('RoleName', resource, id, mark);
    return { ref: name, arn: `arn:aws:iam::${ACCOUNT}:role/${name}` };
  },
  'AWS::Glue::Database': ({ Properties }) => {
    const { Name } = z.looseObject({ Name: z.string() }).parse(Properties.DatabaseInput);
    return { ref: Name, arn: arn('glue', `database/${Name}`) };
  },
  'AWS::Kinesis::Stream': (_, __, mark) => ({
    ref: `stream${mark}`,
    arn: arn('kinesis', `stream/stream${mark}`),
  }),
  // X's token is called plainly.
  'AWS::SecretsManager::Secret': (_, id, mark) => {
    const name = plain(id) === 'XBearerToken' ? 'secret' : plain(id);
    return same(arn('secretsmanager', `secret:${name}${mark}`));
  },
  'AWS::SNS::Topic': (_, __, mark) => same(arn('sns', `name${mark}`)),
  'AWS::SQS::Queue': (_, id, mark) => ({
    ref: `https://sqs/${id}${mark}`,
    arn: arn('sqs', `${plain(id)}${mark}`),
  }),
  'AWS::Lambda::EventSourceMapping': (_, __, mark) => ({ ref: `uuid${mark}`, arn: `uuid${mark}` }),
  'AWS::StepFunctions::StateMachine': (resource, id, mark) =>
    same(arn('states', `stateMachine:${named('StateMachineName', resource, id, mark)}`)),
  'AWS::Glue::Crawler': byName('Name', 'glue', 'crawler/'),
  'AWS::Glue::Job': byName('Name', 'glue', 'job/'),
  'AWS::Athena::WorkGroup': byName('Name', 'athena', 'workgroup/'),
  'AWS::CodeBuild::Project': byName('Name', 'codebuild', 'project/'),
  'AWS::ECR::Repository': byName('RepositoryName', 'ecr', 'repository/'),
  'AWS::Lambda::Function': byName('FunctionName', 'lambda', 'function:'),
  'AWS::Events::Rule': byName('Name', 'events', 'rule/'),
  // CloudFormation's Arn of a log group ends in :*.
  'AWS::Logs::LogGroup': (resource, id, mark) => {
    const name = named('LogGroupName', resource, id, mark);
    return { ref: name, arn: arn('logs', `log-group:${name}:*`) };
  },
};

function byName(property: string, service: string, kind: string) {
  return (resource: Resource, id: string, mark: string) => {
    const name = named(property, resource, id, mark);
    return { ref: name, arn: arn(service, `${kind}${name}`) };
  };
}

function same(value: string) {
  return { ref: value, arn: value };
}

const pseudo: Record<string, string> = {
  'AWS::AccountId': ACCOUNT,
  'AWS::Region': REGION,
  'AWS::Partition': 'aws',
  'AWS::URLSuffix': 'amazonaws.com',
};

/** Templates of one app, their intrinsic functions replaced by what a deployment would answer. */
export class Deployed {
  private readonly stacks: Record<string, z.infer<typeof Document>>;

  /** `templates` by stack name; `mark` ends the names that CloudFormation gives. */
  constructor(
    templates: Readonly<Record<string, unknown>>,
    private readonly mark = '',
  ) {
    this.stacks = Object.fromEntries(
      Object.entries(templates).map(([name, template]) => [name, Document.parse(template)]),
    );
  }

  /** Every resource, resolved where `wanted` says so. */
  resources(wanted: (type: string) => boolean) {
    return Object.entries(this.stacks).flatMap(([stack, { Resources }]) =>
      Object.entries(Resources)
        .filter(([, { Type }]) => wanted(Type))
        .map(([id, { Type, Properties }]) => ({
          id: plain(id),
          type: Type,
          properties: z.looseObject({}).parse(this.resolve(stack, Properties)),
        })),
    );
  }

  /** Throws on an intrinsic or a resource type that nobody has told it about. */
  private resolve(stack: string, node: unknown): unknown {
    if (Array.isArray(node)) return node.map((element) => this.resolve(stack, element));
    if (typeof node !== 'object' || node === null) return node;
    const entries = Object.entries(node);
    const [only, ...more] = entries;
    if (only && more.length === 0 && (only[0] === 'Ref' || only[0].startsWith('Fn::')))
      return this.call(stack, only[0], only[1]);
    return Object.fromEntries(entries.map(([key, value]) => [key, this.resolve(stack, value)]));
  }

  private call(stack: string, intrinsic: string, argument: unknown): unknown {
    switch (intrinsic) {
      case 'Ref':
        return this.identity(stack, z.string().parse(argument)).ref;
      case 'Fn::GetAtt': {
        const [id, attribute] = z.tuple([z.string(), z.string()]).parse(argument);
        return attribute === 'Arn'
          ? this.identity(stack, id).arn
          : `${id}${this.mark}.${attribute}`;
      }
      case 'Fn::Join': {
        const [separator, parts] = z.tuple([z.string(), z.array(z.unknown())]).parse(argument);
        return z.array(z.string()).parse(this.resolve(stack, parts)).join(separator);
      }
      case 'Fn::Sub':
        return z
          .string()
          .parse(argument)
          .replace(/\$\{([^}]+)\}/g, (_, name: string) => this.identity(stack, name).ref);
      case 'Fn::GetStackOutput': {
        const output = z.looseObject({ StackName: z.string(), OutputName: z.string() });
        const { StackName, OutputName } = output.parse(argument);
        return this.resolve(StackName, this.stacks[StackName]?.Outputs[OutputName]?.Value);
      }
      case 'Fn::Select': {
        const [index, list] = z.tuple([z.coerce.number(), z.unknown()]).parse(argument);
        return z.array(z.unknown()).parse(this.resolve(stack, list))[index];
      }
      case 'Fn::Split': {
        const [separator, text] = z.tuple([z.string(), z.unknown()]).parse(argument);
        return z.string().parse(this.resolve(stack, text)).split(separator);
      }
      default:
        throw new Error(`test/policies/template.ts does not know ${intrinsic}`);
    }
  }

  private identity(stack: string, id: string): { ref: string; arn: string } {
    const constant = pseudo[id];
    if (constant !== undefined) return same(constant);
    const resource = this.stacks[stack]?.Resources[id];
    if (!resource) throw new Error(`${stack} has no ${id}`);
    // What no policy names needs no true name.
    return (
      identities[resource.Type]?.(resource, id, this.mark) ??
      same(`unknown:${resource.Type}:${id}${this.mark}`)
    );
  }
}
