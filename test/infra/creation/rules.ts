import { z } from 'zod';
import type { Need } from './grants';
import type { Address, Resource, Stacks } from './stacks';

/** What has to be there before a resource is made, and where that is known from. */
export interface Demand extends Need {
  readonly role: Address;
  readonly source: string;
}

/** What another policy than a role's has to say, before or after: the service looks when it delivers. */
export interface Delivery {
  /** The resource whose policy has to let the service in. */
  readonly to: Address;
  readonly principal: string;
  readonly action: string;
  /** Whether the policy has to be there first. */
  readonly first: boolean;
  readonly source: string;
}

export interface Asked {
  readonly stacks: Stacks;
  readonly address: Address;
  readonly stack: string;
  readonly properties: Resource['Properties'];
}

/** One kind of resource that takes a role, or is let in by another's policy. Its functions throw for a form of it that nobody has thought of. */
export interface Rule {
  /** The service that has to be able to assume the role; null where the type takes none. */
  readonly principal: string | null;
  /** Where the role stands among the properties. */
  readonly roles?: (asked: Asked) => unknown[];
  readonly demands?: (asked: Asked) => Demand[];
  readonly deliveries?: (asked: Asked) => Delivery[];
}

const loose = z.looseObject;
const memory = 'from memory';
const lambdaRole = 'AWS Lambda Developer Guide, lambda-intro-execution-role';

/** The one role that a value refers to. */
function roleIn({ stacks, stack, address }: Asked, node: unknown): Address {
  const [role] = stacks
    .references(stack, node)
    .filter((found) => stacks.at(found.address).Type === 'AWS::IAM::Role');
  if (!role)
    throw new Error(
      `${address} takes a role that is in none of the templates: ${JSON.stringify(node)}. ` +
        'test/infra/creation/rules.ts can only look at roles that the app makes.',
    );
  return role.address;
}

/** The one resource of the templates that a value refers to. */
const targetOf = ({ stacks, stack, address }: Asked, node: unknown): Address => {
  const [target] = stacks.references(stack, node);
  if (!target) throw new Error(`${address} names something that is in none of the templates`);
  return target.address;
};

/** The key that a queue, topic, stream or bucket is encrypted with, as text; null without one of ours. */
function keyOf(stacks: Stacks, address: Address): string | null {
  const [stack = ''] = address.split('/');
  const { KmsMasterKeyId, StreamEncryption } = stacks.at(address).Properties;
  const key =
    KmsMasterKeyId ?? loose({ KeyId: z.unknown() }).safeParse(StreamEncryption).data?.KeyId;
  return key === undefined ? null : stacks.text(stack, key);
}

/** What a role needs to send to a queue, topic, bus, function or bucket as Lambda does it. */
function sending(asked: Asked, role: Address, destination: unknown, source: string): Demand[] {
  const { stacks } = asked;
  const target = targetOf(asked, destination);
  const ways: Record<string, { actions: string[]; via: string }> = {
    'AWS::SQS::Queue': { actions: ['sqs:SendMessage'], via: 'sqs' },
    'AWS::SNS::Topic': { actions: ['sns:Publish'], via: 'sns' },
    'AWS::Lambda::Function': { actions: ['lambda:InvokeFunction'], via: 'lambda' },
    'AWS::Events::EventBus': { actions: ['events:PutEvents'], via: 'events' },
    'AWS::S3::Bucket': { actions: ['s3:PutObject', 's3:ListBucket'], via: 's3' },
  };
  const { Type } = stacks.at(target);
  const way = ways[Type];
  if (!way)
    throw new Error(
      `${asked.address} has a destination of type ${Type}: say in \`sending\` of test/infra/creation/rules.ts what its role needs for it.`,
    );
  const key = keyOf(stacks, target);
  return [
    {
      role,
      actions: way.actions,
      on: Type === 'AWS::S3::Bucket' ? null : `<${target}.Arn>`,
      source,
    },
    ...(key === null
      ? []
      : [
          {
            role,
            actions: ['kms:Decrypt', 'kms:GenerateDataKey'],
            on: key,
            via: way.via,
            source:
              'Amazon SQS Developer Guide, sqs-key-management; Amazon SNS, sns-key-management',
          },
        ]),
  ];
}

const OnFailure = loose({
  OnFailure: loose({ Destination: z.unknown() }).optional(),
  OnSuccess: loose({ Destination: z.unknown() }).optional(),
});
const destinationsIn = (config: unknown): unknown[] => {
  const { OnFailure: failure, OnSuccess: success } = OnFailure.parse(config ?? {});
  return [failure, success].flatMap((one) => (one === undefined ? [] : [one.Destination]));
};

const functionDemands = (asked: Asked): Demand[] => {
  const { stacks, stack, properties } = asked;
  const role = roleIn(asked, properties.Role);
  const logs = loose({ LogGroup: z.unknown() }).safeParse(properties.LoggingConfig).data?.LogGroup;
  const tracing = loose({ Mode: z.string() }).safeParse(properties.TracingConfig).data?.Mode;
  const queue = loose({ TargetArn: z.unknown() }).safeParse(properties.DeadLetterConfig).data;
  return [
    ...(logs === undefined
      ? []
      : [
          {
            role,
            actions: ['logs:CreateLogStream', 'logs:PutLogEvents'],
            on: `<${targetOf(asked, logs)}.Arn>`,
            source: `${lambdaRole}: not checked, but the first calls would leave no log`,
          },
        ]),
    ...(tracing === 'Active'
      ? [
          {
            role,
            actions: ['xray:PutTraceSegments', 'xray:PutTelemetryRecords'],
            on: null,
            source:
              'CreateFunction: "does not have permissions to call PutTraceSegments on XRAY" (aws/serverless-application-model#225)',
          },
        ]
      : []),
    ...(queue === undefined
      ? []
      : sending(asked, role, queue.TargetArn, 'CreateFunction checks it (elastic/beats#13963)')),
    ...(properties.VpcConfig === undefined
      ? []
      : [
          {
            role,
            actions: [
              'ec2:CreateNetworkInterface',
              'ec2:DescribeNetworkInterfaces',
              'ec2:DeleteNetworkInterface',
            ],
            on: null,
            source: 'AWS Lambda Developer Guide, configuration-vpc: CreateFunction checks it',
          },
        ]),
    ...(properties.KmsKeyArn === undefined
      ? []
      : [
          {
            role,
            actions: ['kms:Decrypt'],
            on: stacks.text(stack, properties.KmsKeyArn),
            via: 'lambda',
            source: `AWS Lambda Developer Guide, configuration-envvars-encryption; that it is checked at creation: ${memory}`,
          },
        ]),
    ...(properties.FileSystemConfigs === undefined
      ? []
      : [
          {
            role,
            actions: ['elasticfilesystem:ClientMount', 'elasticfilesystem:ClientWrite'],
            on: null,
            source: 'AWS Lambda Developer Guide, configuration-filesystem',
          },
        ]),
  ];
};

/** What reading a source takes, by the type of the source. */
const reading: Record<string, { actions: string[]; via: string }> = {
  'AWS::Kinesis::Stream': {
    actions: [
      'kinesis:DescribeStream',
      'kinesis:DescribeStreamSummary',
      'kinesis:GetRecords',
      'kinesis:GetShardIterator',
      'kinesis:ListShards',
    ],
    via: 'kinesis',
  },
  'AWS::SQS::Queue': {
    actions: ['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:GetQueueAttributes'],
    via: 'sqs',
  },
};

const mappingDemands = (asked: Asked): Demand[] => {
  const { stacks, properties } = asked;
  const fn = targetOf(asked, properties.FunctionName);
  const role = roleIn({ ...asked, stack: fn.split('/')[0] ?? '' }, stacks.at(fn).Properties.Role);
  const origin = targetOf(asked, properties.EventSourceArn);
  const { Type } = stacks.at(origin);
  const way = reading[Type];
  if (!way)
    throw new Error(
      `${asked.address} reads a ${Type}: say in \`reading\` of test/infra/creation/rules.ts what its role needs for it.`,
    );
  const key = keyOf(stacks, origin);
  const source =
    'AWS Lambda Developer Guide, with-kinesis: CreateEventSourceMapping checks that the role can read';
  return [
    { role, actions: way.actions, on: `<${origin}.Arn>`, source },
    ...(key === null ? [] : [{ role, actions: ['kms:Decrypt'], on: key, via: way.via, source }]),
    ...destinationsIn(properties.DestinationConfig).flatMap((destination) =>
      sending(
        asked,
        role,
        destination,
        'AWS Lambda Developer Guide, kinesis-on-failure-destination',
      ),
    ),
  ];
};

/** The roles behind what a role may call: the functions, machines and builds that its policies name. */
function rolesBehind({ stacks }: Asked, start: Address): Set<Address> {
  const found = new Set<Address>([start]);
  for (const role of found) {
    const reached = stacks.rolePolicies
      .filter((policy) => policy.role === role)
      .flatMap(({ address, statements }) =>
        stacks.references(
          address.split('/')[0] ?? '',
          statements
            .filter(({ Action }) =>
              Action.some((action) =>
                /^(lambda:Invoke|states:Start|codebuild:StartBuild)/.test(action),
              ),
            )
            .map(({ Resource }) => Resource),
        ),
      );
    for (const { address } of reached) {
      const { Properties } = stacks.at(address);
      const taken = Properties.Role ?? Properties.RoleArn ?? Properties.ServiceRole;
      for (const other of stacks.references(address.split('/')[0] ?? '', taken))
        if (stacks.at(other.address).Type === 'AWS::IAM::Role') found.add(other.address);
    }
  }
  return found;
}

/** A custom resource calls its handlers at once: all that their roles are ever allowed has to be there. */
const customDemands = (asked: Asked): Demand[] => {
  const { stacks, properties } = asked;
  const handler = targetOf(asked, properties.ServiceToken);
  const first = roleIn(
    { ...asked, stack: handler.split('/')[0] ?? '' },
    stacks.at(handler).Properties.Role,
  );
  return [...rolesBehind(asked, first)].flatMap((role) =>
    stacks.rolePolicies
      .filter((policy) => policy.role === role)
      .flatMap(({ address, statements }) =>
        statements.flatMap(({ Action, Resource }) =>
          (Resource ?? []).map((resource) => ({
            role,
            actions: Action,
            on: stacks.text(address.split('/')[0] ?? '', resource),
            source: 'CloudFormation calls the handler while it makes the resource',
          })),
        ),
      ),
  );
};

const machineDemands = (asked: Asked): Demand[] => {
  const { properties } = asked;
  const role = roleIn(asked, properties.RoleArn);
  const tracing = loose({ Enabled: z.boolean() }).safeParse(properties.TracingConfiguration).data;
  return [
    ...(properties.LoggingConfiguration === undefined
      ? []
      : [
          {
            role,
            actions: [
              'logs:CreateLogDelivery',
              'logs:GetLogDelivery',
              'logs:UpdateLogDelivery',
              'logs:DeleteLogDelivery',
              'logs:ListLogDeliveries',
              'logs:PutResourcePolicy',
              'logs:DescribeResourcePolicies',
              'logs:DescribeLogGroups',
            ],
            on: '*',
            source:
              'AWS Step Functions Developer Guide, cw-logs: the machine’s log is tried when it is made',
          },
        ]),
    ...(tracing?.Enabled
      ? [
          {
            role,
            actions: [
              'xray:PutTraceSegments',
              'xray:PutTelemetryRecords',
              'xray:GetSamplingRules',
              'xray:GetSamplingTargets',
            ],
            on: '*',
            source: `AWS Step Functions Developer Guide, concepts-xray-tracing; that it is checked at creation: ${memory}`,
          },
        ]
      : []),
  ];
};

const Targets = z.array(
  loose({
    Arn: z.unknown(),
    RoleArn: z.unknown().optional(),
    DeadLetterConfig: loose({ Arn: z.unknown() }).optional(),
  }),
);
const targetsIn = ({ properties }: Asked) => Targets.parse(properties.Targets ?? []);

/** The rules by type. A type that takes a role and is not here fails the test. */
export const rules: Readonly<Record<string, Rule>> = {
  'AWS::Lambda::Function': {
    principal: 'lambda.amazonaws.com',
    roles: ({ properties }) => [properties.Role],
    demands: functionDemands,
  },
  'AWS::Lambda::EventInvokeConfig': {
    principal: null,
    demands: (asked) => {
      const fn = targetOf(asked, asked.properties.FunctionName);
      const role = roleIn(asked, asked.stacks.at(fn).Properties.Role);
      return destinationsIn(asked.properties.DestinationConfig).flatMap((destination) =>
        sending(
          asked,
          role,
          destination,
          'PutFunctionEventInvokeConfig checks it (aws-amplify/amplify-js#9869)',
        ),
      );
    },
  },
  'AWS::Lambda::EventSourceMapping': { principal: null, demands: mappingDemands },
  'AWS::Glue::Crawler': {
    principal: 'glue.amazonaws.com',
    roles: ({ properties }) => [properties.Role],
    demands: (asked) => [
      {
        role: roleIn(asked, asked.properties.Role),
        actions: ['s3:GetObject', 'glue:GetTable', 'glue:BatchCreatePartition'],
        on: null,
        source:
          'CreateCrawler assumes the role (ansible-collections/community.aws#546); what else it tries is not documented, so the data have to be open to it',
      },
    ],
  },
  'AWS::Glue::Job': {
    principal: 'glue.amazonaws.com',
    roles: ({ properties }) => [properties.Role],
    demands: (asked) => [
      {
        role: roleIn(asked, asked.properties.Role),
        actions: ['s3:GetObject', 's3:PutObject'],
        on: null,
        source: `AWS Glue Developer Guide, create-an-iam-role; that CreateJob checks more than the trust: ${memory}`,
      },
    ],
  },
  'AWS::StepFunctions::StateMachine': {
    principal: 'states.amazonaws.com',
    roles: ({ properties }) => [properties.RoleArn],
    demands: machineDemands,
  },
  'AWS::CodeBuild::Project': {
    principal: 'codebuild.amazonaws.com',
    roles: ({ properties }) => [properties.ServiceRole],
    demands: (asked) => [
      {
        role: roleIn(asked, asked.properties.ServiceRole),
        actions: ['logs:CreateLogStream', 'logs:PutLogEvents', 's3:GetObject'],
        on: null,
        source:
          'AWS CodeBuild User Guide, setting-up-service-role: CreateProject tries to assume the role, and a build may start as soon as the project is there',
      },
    ],
  },
  'AWS::Events::Rule': {
    principal: 'events.amazonaws.com',
    roles: (asked) => targetsIn(asked).flatMap(({ RoleArn }) => RoleArn ?? []),
    demands: (asked) =>
      targetsIn(asked).flatMap(({ Arn, RoleArn }) => {
        if (RoleArn === undefined) return [];
        const target = targetOf(asked, Arn);
        const { Type } = asked.stacks.at(target);
        const action = {
          'AWS::StepFunctions::StateMachine': 'states:StartExecution',
          'AWS::Kinesis::Stream': 'kinesis:PutRecord',
        }[Type];
        if (action === undefined)
          throw new Error(
            `${asked.address} acts on a ${Type} under a role: say in test/infra/creation/rules.ts what the role needs for it.`,
          );
        return [
          {
            role: roleIn(asked, RoleArn),
            actions: [action],
            on: `<${target}.Arn>`,
            source:
              'Amazon EventBridge User Guide, eb-use-identity-based: not checked, but a rule fires as soon as it is there',
          },
        ];
      }),
    deliveries: (asked) =>
      targetsIn(asked).flatMap(({ Arn, RoleArn, DeadLetterConfig }) => [
        ...(DeadLetterConfig === undefined
          ? []
          : [
              {
                to: targetOf(asked, DeadLetterConfig.Arn),
                principal: 'events.amazonaws.com',
                action: 'sqs:SendMessage',
                // Its condition names the rule.
                first: false,
                source: 'Amazon EventBridge User Guide, eb-rule-dlq',
              },
            ]),
        ...(RoleArn === undefined
          ? [
              {
                to: targetOf(asked, Arn),
                principal: 'events.amazonaws.com',
                action: 'lambda:InvokeFunction',
                first: false,
                source: 'Amazon EventBridge User Guide, eb-use-resource-based',
              },
            ]
          : []),
      ]),
  },
  'AWS::CloudWatch::Alarm': {
    principal: null,
    deliveries: (asked) =>
      z
        .array(z.unknown())
        .parse(asked.properties.AlarmActions ?? [])
        .map((action) => ({
          to: targetOf(asked, action),
          principal: 'cloudwatch.amazonaws.com',
          action: 'sns:Publish',
          first: false,
          source: 'Amazon CloudWatch User Guide, US_SetupSNS: an encrypted topic needs a policy',
        })),
  },
  'AWS::Budgets::Budget': {
    principal: null,
    deliveries: (asked) =>
      z
        .array(
          loose({
            Subscribers: z.array(loose({ SubscriptionType: z.string(), Address: z.unknown() })),
          }),
        )
        .parse(asked.properties.NotificationsWithSubscribers ?? [])
        .flatMap(({ Subscribers }) => Subscribers)
        .filter(({ SubscriptionType }) => SubscriptionType === 'SNS')
        .map(({ Address: topic }) => ({
          to: targetOf(asked, topic),
          principal: 'budgets.amazonaws.com',
          action: 'sns:Publish',
          first: true,
          source: `AWS Cost Management User Guide, budgets-sns-policy; that CreateBudget checks it: ${memory}`,
        })),
  },
  'AWS::S3::Bucket': {
    principal: null,
    deliveries: (asked) => {
      const { DestinationBucketName } = loose({
        DestinationBucketName: z.unknown().optional(),
      }).parse(asked.properties.LoggingConfiguration ?? {});
      return DestinationBucketName === undefined
        ? []
        : [
            {
              to: targetOf(asked, DestinationBucketName),
              principal: 'logging.s3.amazonaws.com',
              action: 's3:PutObject',
              // Its condition names the bucket that is logged.
              first: false,
              source: 'Amazon S3 User Guide, enable-server-access-logging',
            },
          ];
    },
  },
  'AWS::Logs::LogGroup': {
    principal: null,
    deliveries: (asked) =>
      asked.properties.KmsKeyId === undefined
        ? []
        : [
            {
              to: targetOf(asked, asked.properties.KmsKeyId),
              principal: 'logs.<AWS::Region>.amazonaws.com',
              action: 'kms:Encrypt',
              first: true,
              source:
                'Amazon CloudWatch Logs User Guide, encrypt-log-data-kms: CreateLogGroup checks the key’s policy',
            },
          ],
  },
};

/** The rule of every custom resource, whatever its type is called. */
export const customResource: Rule = { principal: null, demands: customDemands };

export { roleIn };
