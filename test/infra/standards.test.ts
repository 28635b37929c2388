import { App, CfnResource, Stack, Validations } from 'aws-cdk-lib';
import aslValidator from 'asl-validator';
import { CfnBucket } from 'aws-cdk-lib/aws-s3';
import { AwsSolutionsChecks } from 'cdk-nag';
import type { IConstruct } from 'constructs';
import { z } from 'zod';
import { EnvironmentName } from '../../infra/config';
import { resolved } from './resolved';
import { lakeApp, synthesize } from './synthesis';

const environments = EnvironmentName.options;
const apps = new Map<EnvironmentName, App>();
beforeAll(() => {
  for (const environment of environments) {
    const { app } = lakeApp({ env: environment });
    app.synth();
    apps.set(environment, app);
  }
}, 180_000);

const appOf = (environment: EnvironmentName): App => {
  const found = apps.get(environment);
  if (!found) throw new Error(`${environment} was not synthesised`);
  return found;
};

interface Finding {
  readonly rule: string;
  readonly path: string;
}

/** What cdk-nag's AwsSolutions finds: all of it, or what nobody has acknowledged. */
function findings(app: App, which: 'all' | 'open'): Finding[] {
  const key = Validations.ACKNOWLEDGED_RULES_METADATA_KEY;
  // The pack looks for acknowledgements under this name; under another it sees none.
  if (which === 'all') Reflect.set(Validations, 'ACKNOWLEDGED_RULES_METADATA_KEY', 'none');
  try {
    return new AwsSolutionsChecks(app, { verbose: true })
      .validateScope(app)
      .violations.flatMap(({ ruleName, violatingResources }) =>
        violatingResources.map(({ constructPath = '' }) => ({
          rule: ruleName,
          path: constructPath,
        })),
      );
  } finally {
    Reflect.set(Validations, 'ACKNOWLEDGED_RULES_METADATA_KEY', key);
  }
}

interface Acknowledgement extends Finding {
  readonly node: IConstruct;
  readonly reason: string;
}

const acknowledgements = (app: App): Acknowledgement[] =>
  app.node.findAll().flatMap((node) =>
    node.node.metadata
      .filter(({ type }) => type === Validations.ACKNOWLEDGED_RULES_METADATA_KEY)
      .flatMap(({ data }) => Object.entries(z.record(z.string(), z.string()).parse(data)))
      .filter(([id]) => id.includes('AwsSolutions-'))
      .map(([id, reason]) => ({
        node,
        path: node.node.path,
        rule: id.replace(/^annotation::/i, ''),
        reason,
      })),
  );

describe.each(environments)('cdk-nag on %s', (environment) => {
  test('finds nothing that is not acknowledged', () => {
    expect(findings(appOf(environment), 'open')).toEqual([]);
  });

  test('no acknowledgement has outlived its finding', () => {
    const found = findings(appOf(environment), 'all').map(({ rule, path }) => `${path} ${rule}`);

    const stale = acknowledgements(appOf(environment))
      .filter(
        ({ rule, path }) =>
          ![path, `${path}/Resource`].some((at) => found.includes(`${at} ${rule}`)),
      )
      .map(({ rule, path }) => `${path} ${rule}`);

    expect(found.length).toBeGreaterThan(20);
    expect(stale).toEqual([]);
  });

  test('each acknowledgement is set on one resource, and says why in a sentence', () => {
    const all = acknowledgements(appOf(environment));

    expect(all.length).toBeGreaterThan(20);
    for (const { node, reason } of all) {
      expect(App.isApp(node) || Stack.isStack(node)).toBe(false);
      expect(CfnResource.isCfnResource(node.node.defaultChild ?? node)).toBe(true);
      expect(reason.split(' ').length).toBeGreaterThanOrEqual(7);
    }
  });

  test('a wildcard is acknowledged by itself, never the rule as a whole', () => {
    const rules = acknowledgements(appOf(environment)).map(({ rule }) => rule);

    expect(rules.filter((rule) => /-IAM[45](?!\[(Resource|Action)::)/.test(rule))).toEqual([]);
  });
});

test('the rules do run: a bucket without access logs is a finding', () => {
  const app = new App();
  const bucket = new CfnBucket(new Stack(app, 'Test'), 'Bucket');

  expect(findings(app, 'open')).toContainEqual({
    rule: 'AwsSolutions-S1',
    path: bucket.node.path,
  });
});

const Machines = z.record(
  z.string(),
  z.object({ Properties: z.object({ DefinitionString: z.unknown() }) }),
);

describe.each(environments)('asl-validator on %s', (environment) => {
  test('finds nothing in any definition, as the template holds it', () => {
    const machines = Machines.parse(
      synthesize({ env: environment }).pipeline.findResources('AWS::StepFunctions::StateMachine'),
    );

    // Ours, and that of CDK which waits for the images.
    expect(Object.keys(machines)).toHaveLength(2);
    for (const { Properties } of Object.values(machines)) {
      const { isValid, errorsText } = aslValidator(
        JSON.parse(resolved(Properties.DefinitionString)),
      );
      expect(errorsText('\n')).toBe('');
      expect(isValid).toBe(true);
    }
  });
});
