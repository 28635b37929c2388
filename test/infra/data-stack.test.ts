import { Match, Template } from 'aws-cdk-lib/assertions';
import { settingsFor, type Settings } from '../../infra/config';
import {
  candidates,
  datasets,
  failedBatches,
  prefixes,
  streamPositions,
} from '../../workflows/datasets';
import { roleNames, workerRoleNames } from '../../infra/naming';
import { resolved } from './resolved';
import { dataStack, policies } from './synthesis';
import type { Statement } from './synthesis';

const template = Template.fromStack(dataStack('dev'));

const statement = (type: string, sid: string): Statement => {
  const found = policies(template)
    .filter((policy) => policy.type === type)
    .flatMap(({ statements }) => statements)
    .find(({ Sid }) => Sid === sid);
  if (!found) throw new Error(`no statement ${sid} in ${type}`);
  return found;
};

describe('the bucket', () => {
  test('is encrypted with the key of the lake, closed to the public, versioned, and outlives its stack', () => {
    template.hasResource('AWS::S3::Bucket', {
      DeletionPolicy: 'RetainExceptOnCreate',
      Properties: {
        BucketEncryption: {
          ServerSideEncryptionConfiguration: [
            {
              BucketKeyEnabled: true,
              ServerSideEncryptionByDefault: {
                SSEAlgorithm: 'aws:kms',
                KMSMasterKeyID: { 'Fn::GetAtt': [Match.stringLikeRegexp('^Key'), 'Arn'] },
              },
            },
          ],
        },
        PublicAccessBlockConfiguration: {
          BlockPublicAcls: true,
          BlockPublicPolicy: true,
          IgnorePublicAcls: true,
          RestrictPublicBuckets: true,
        },
        VersioningConfiguration: { Status: 'Enabled' },
      },
    });
  });

  test('has one policy, and every statement of it denies', () => {
    const ofTheLake = policies(template).filter(
      ({ type, logicalId }) =>
        type === 'AWS::S3::BucketPolicy' && !logicalId.includes('AccessLogs'),
    );

    expect(ofTheLake).toHaveLength(1);
    const [policy] = ofTheLake;

    expect(policy?.statements.map(({ Effect }) => Effect)).toEqual(
      policy?.statements.map(() => 'Deny'),
    );
  });

  test('refuses anything but TLS', () => {
    expect(statement('AWS::S3::BucketPolicy', 'DenyAnythingButTls')).toMatchObject({
      Action: ['s3:*'],
      Condition: { Bool: { 'aws:SecureTransport': 'false' } },
    });
  });

  test.each([
    'DenyOtherAlgorithms',
    'DenyAlgorithmWithoutKey',
    'DenyOtherKeys',
    'DenyCustomerProvidedKeys',
  ])(
    '%s lets a write without headers pass: Spark, Glue and Athena count on the default encryption',
    (sid) => {
      const { Condition } = statement('AWS::S3::BucketPolicy', sid);

      expect(Object.values(Condition.Null ?? {})).toContain('false');
      expect(Object.keys(Condition).filter((operator) => operator.endsWith('IfExists'))).toEqual(
        [],
      );
    },
  );

  test('denies objects to anyone but the roles of the lake and root', () => {
    const { Condition } = statement('AWS::S3::BucketPolicy', 'DenyObjectsToOthers');
    const spared = JSON.stringify(Condition.ArnNotLike?.['aws:PrincipalArn']);

    // Roles stand there by reference.
    for (const name of roleNames) expect(spared).toContain(`Roles${name}`);
    expect(spared).toContain(':root');
    expect(spared).not.toContain('cdk-');
  });

  test('names the deployment in full, whatever the qualifier of cdk bootstrap, and root beside it', () => {
    const { Condition } = statement('AWS::S3::BucketPolicy', 'DenyAllButDataAndLookingAtSettings');
    const ofOwnQualifier = Template.fromStack(
      dataStack('dev', {}, { '@aws-cdk/core:bootstrapQualifier': 'mine1' }),
    );

    // Whoever repairs the policy must not be locked out of it.
    expect([Condition.ArnNotLike?.['aws:PrincipalArn']].flat().map(resolved)).toEqual([
      'arn:aws:iam::111122223333:role/cdk-hnb659fds-cfn-exec-role-111122223333-us-east-1',
      'arn:aws:iam::111122223333:root',
    ]);
    expect(JSON.stringify(ofOwnQualifier.toJSON())).toContain('role/cdk-mine1-cfn-exec-role-');
    expect(JSON.stringify(template.toJSON())).not.toMatch(/role\/cdk-\*/);
  });
});

describe('how long data stay', () => {
  interface Rule {
    Id: string;
    Prefix?: string;
    ExpirationInDays?: number;
    NoncurrentVersionExpiration?: { NoncurrentDays: number };
  }
  const { keepDays } = settingsFor('dev');
  const rulesIn = (stack: Template): Rule[] =>
    Object.values(
      stack.findResources('AWS::S3::Bucket', {
        Properties: { VersioningConfiguration: { Status: 'Enabled' } },
      }),
    ).flatMap(({ Properties }) => Properties.LifecycleConfiguration.Rules);
  const rulesOfDev = rulesIn(template);
  const rulesWith = (changes: Partial<Settings['keepDays']>) =>
    rulesIn(Template.fromStack(dataStack('dev', { keepDays: { ...keepDays, ...changes } })));
  const ages = (rules: Rule[]) =>
    Object.fromEntries(
      rules.flatMap(({ Prefix, ExpirationInDays }) =>
        Prefix !== undefined && ExpirationInDays !== undefined ? [[Prefix, ExpirationInDays]] : [],
      ),
    );

  test('every prefix that holds words or ids of people ends, and nothing else does', () => {
    expect(ages(rulesOfDev)).toEqual({
      'raw-data/tweets/': 365,
      'cleaned-data/': 395,
      'processed-data/scored/': 365,
      'raw-data/labels/': 730,
      'raw-data/quarantine/': 30,
      'raw-data/parked/': 30,
      'aws/lambda/': 30,
      'raw-data/imports/': 30,
      'raw-data/plans/pages/': 90,
      'processed-data/query-results/': 30,
      'processed-data/audit/': 730,
      'processed-data/executions/': 730,
    });
  });

  test('old versions of records stay as long as records do, those of all else for a month at most', () => {
    const old = (key: string, rules = rulesOfDev) =>
      Math.min(
        ...rules.flatMap(({ Prefix, NoncurrentVersionExpiration }) =>
          Prefix !== undefined && key.startsWith(Prefix) && NoncurrentVersionExpiration
            ? [NoncurrentVersionExpiration.NoncurrentDays]
            : [],
        ),
      );
    const written = [
      ...Object.values(prefixes),
      ...Object.values(datasets).map(({ prefix }) => prefix),
      failedBatches,
      streamPositions,
    ].filter((prefix) => prefix !== prefixes.audit);

    expect(old(`${prefixes.audit}executions/a.json`)).toBe(730);
    expect(old(`${prefixes.audit}executions/a.json`, rulesWith({ audit: null }))).toBe(Infinity);
    expect(written.filter((prefix) => old(`${prefix}a`) > 30)).toEqual([]);
    expect(old(`${prefixes.plans}queries/q.json`)).toBe(1);
  });

  test('the settings say how long, and null keeps labels and audit for ever', () => {
    const rules = ages(rulesWith({ tweets: 40, labels: null, audit: null, queryResults: 3 }));

    expect(rules).toMatchObject({
      'raw-data/tweets/': 40,
      'cleaned-data/': 70,
      'processed-data/query-results/': 3,
    });
    expect(Object.keys(rules)).not.toContain('raw-data/labels/');
    expect(Object.keys(rules)).not.toContain('processed-data/audit/');
    expect(Object.keys(rules)).not.toContain('processed-data/executions/');
  });

  test.each([
    [730, 'NOW-732DAYS,NOW+1DAYS'],
    [null, '2026-01-01,NOW+1DAYS'],
  ])('the table of executions covers %s days', (audit, range) => {
    Template.fromStack(
      dataStack('dev', { keepDays: { ...keepDays, audit } }),
    ).hasResourceProperties('AWS::Glue::Table', {
      TableInput: {
        Name: 'executions',
        Parameters: Match.objectLike({
          'projection.enabled': 'true',
          'projection.dt.range': range,
        }),
      },
    });
  });

  test('the run’s own objects have no end: plans, lock, the list of forgotten ids', () => {
    for (const prefix of Object.keys(ages(rulesOfDev)))
      for (const key of ['lock.json', 'ingest-lease.json', 'forgotten.json', 'queries/q.json'])
        expect(`raw-data/plans/${key}`.startsWith(prefix)).toBe(false);
  });
});

describe('the key', () => {
  test('rotates and outlives its stack', () => {
    template.hasResource('AWS::KMS::Key', {
      DeletionPolicy: 'RetainExceptOnCreate',
      Properties: { EnableKeyRotation: true },
    });
  });

  test('can be administered by the account, who cannot decrypt with it', () => {
    const { Action } = statement('AWS::KMS::Key', 'AccountAdministersTheKey');

    expect(Action).toContain('kms:PutKeyPolicy');
    expect(
      Action.filter((action) => /Decrypt|Encrypt|GenerateDataKey|CreateGrant|\*/.test(action)),
    ).toEqual([]);
  });

  test('is used by roles through services alone', () => {
    const statements = policies(template)
      .flatMap((policy) => policy.statements)
      .filter(
        ({ Effect, Action, Principal }) =>
          Effect === 'Allow' &&
          Action.includes('kms:Decrypt') &&
          !JSON.stringify(Principal ?? '').includes('Service'),
      );

    expect(statements.length).toBeGreaterThan(roleNames.length);
    for (const { Condition } of statements)
      expect(Condition.StringEquals).toHaveProperty(['kms:ViaService']);
  });

  test('serves services for this account only', () => {
    const [key] = policies(template).filter(({ type }) => type === 'AWS::KMS::Key');
    const forServices =
      key?.statements.filter(({ Principal }) => JSON.stringify(Principal).includes('Service')) ??
      [];

    expect(forServices).toHaveLength(5);
    for (const { Condition } of forServices)
      expect(JSON.stringify(Condition)).toContain('AWS::AccountId');
  });
});

test('the stream is encrypted and keeps a week', () => {
  template.hasResourceProperties('AWS::Kinesis::Stream', {
    RetentionPeriodHours: 168,
    StreamEncryption: { EncryptionType: 'KMS' },
  });
});

test("X's token is a secret under the key, and no template holds it", () => {
  template.hasResourceProperties('AWS::SecretsManager::Secret', {
    KmsKeyId: Match.anyValue(),
    SecretString: Match.absent(),
    GenerateSecretString: {},
  });
});

describe('the catalog', () => {
  test('has a table for each data set, and the candidates', () => {
    const names = Object.values(template.findResources('AWS::Glue::Table')).map(({ Properties }) =>
      String(Properties.TableInput.Name),
    );

    expect(names.sort()).toEqual([...Object.keys(datasets), candidates.table].sort());
  });

  test.each(Object.entries(datasets))(
    '%s is declared with the columns of the data set',
    (name, dataset) => {
      template.hasResourceProperties('AWS::Glue::Table', {
        TableInput: {
          Name: name,
          PartitionKeys: dataset.partitions.map((column) =>
            Match.objectLike({ Name: column.name, Type: column.type }),
          ),
          StorageDescriptor: {
            Columns: dataset.columns.map((column) =>
              Match.objectLike({ Name: column.name, Type: column.type }),
            ),
          },
        },
      });
    },
  );
});

describe('the roles of the lake', () => {
  test.each(roleNames)('%s can be recognised by its name', (name) => {
    template.hasResourceProperties('AWS::IAM::Role', { RoleName: `sentiment-lake-dev-${name}` });
  });

  test.each([
    ['DataProcessingRole', 'glue.amazonaws.com'],
    ['MachineLearningRole', 'sagemaker.amazonaws.com'],
    ['ServingRole', 'sagemaker.amazonaws.com'],
  ])('%s trusts %s for resources of this account alone', (name, service) => {
    template.hasResourceProperties('AWS::IAM::Role', {
      RoleName: `sentiment-lake-dev-${name}`,
      AssumeRolePolicyDocument: {
        Statement: Match.arrayWith([
          Match.objectLike({
            Principal: { Service: service },
            Condition: {
              StringEquals: { 'aws:SourceAccount': { Ref: 'AWS::AccountId' } },
              ArnLikeIfExists: { 'aws:SourceArn': Match.anyValue() },
            },
          }),
        ]),
      },
    });
  });
});

describe('people', () => {
  const stacks = new Map<string, Template>();
  /** The stack of prod in which these people are named. */
  const prodWith = (people: Partial<Settings['people']>): Template => {
    const key = JSON.stringify(people);
    const nobody = { analysts: [], labellers: [], forgetters: [], forceGranters: [] };
    const stack =
      stacks.get(key) ??
      Template.fromStack(dataStack('prod', { people: { ...nobody, ...people } }));
    stacks.set(key, stack);
    return stack;
  };
  const trusted = (people: Partial<Settings['people']>, role: string) =>
    Object.values(
      prodWith(people).findResources('AWS::IAM::Role', {
        Properties: { RoleName: `sentiment-lake-prod-${role}` },
      }),
    ).flatMap(({ Properties }) =>
      Properties.AssumeRolePolicyDocument.Statement.map(({ Principal }: Statement) => Principal),
    );
  const root = { AWS: { 'Fn::Join': ['', expect.arrayContaining([':root'])] } };
  const analyst = 'arn:aws:iam::111122223333:role/analyst';

  test.each(['AnalyticsRole', 'LabellerRole'])(
    'who is not named in prod may not assume %s, and no function may',
    (role) => {
      expect(trusted({}, role)).toEqual([root]);
    },
  );

  test.each([
    ['analysts', 'AnalyticsRole'],
    ['labellers', 'LabellerRole'],
  ])('one of the %s who is named may assume %s, and no other role', (kind, theirs) => {
    const others = roleNames.filter((name) => name !== theirs);

    expect(trusted({ [kind]: [analyst] }, theirs)).toEqual([{ AWS: analyst }]);
    for (const name of others)
      expect(JSON.stringify(trusted({ [kind]: [analyst] }, name))).not.toContain(analyst);
  });

  test('whoever in the account may assume roles in dev, no one may those of functions and jobs', () => {
    for (const name of workerRoleNames) {
      const [role] = Object.values(
        template.findResources('AWS::IAM::Role', {
          Properties: { RoleName: `sentiment-lake-dev-${name}` },
        }),
      );

      expect(JSON.stringify(role?.Properties.AssumeRolePolicyDocument)).not.toContain('"AWS":');
    }
  });

  test('who is not named in prod may not assume ForceGranterRole, but the root user', () => {
    const granter = 'arn:aws:iam::111122223333:role/lead';

    const [nobody] = trusted({}, 'ForceGranterRole');

    expect(JSON.stringify(nobody)).toContain(':root');
    expect(trusted({ forceGranters: [granter] }, 'ForceGranterRole')).toEqual([{ AWS: granter }]);
    prodWith({}).hasResourceProperties('AWS::IAM::Role', {
      RoleName: 'sentiment-lake-prod-ForceGranterRole',
      AssumeRolePolicyDocument: {
        Statement: [
          Match.objectLike({ Condition: { ArnEquals: { 'aws:PrincipalArn': Match.anyValue() } } }),
        ],
      },
    });
  });

  test('the role that forgets is not made until somebody is named who may assume it', () => {
    const person = 'arn:aws:iam::111122223333:user/ana';

    expect(trusted({}, 'ForgetterRole')).toEqual([]);
    expect(trusted({ forgetters: [person] }, 'ForgetterRole')).toEqual([{ AWS: person }]);
  });

  test('in dev the IAM of the account decides', () => {
    for (const name of ['AnalyticsRole', 'LabellerRole', 'ForgetterRole', 'ForceGranterRole']) {
      template.hasResourceProperties('AWS::IAM::Role', {
        RoleName: `sentiment-lake-dev-${name}`,
        AssumeRolePolicyDocument: {
          Statement: Match.arrayWith([
            Match.objectLike({
              Principal: { AWS: { 'Fn::Join': ['', Match.arrayWith([':root'])] } },
            }),
          ]),
        },
      });
    }
  });
});

test.each([
  ['dev', false],
  ['prod', true],
])('the stack of %s is protected against deletion: %s', (environment, isProtected) => {
  expect(dataStack(environment).terminationProtection).toBe(isProtected);
});
