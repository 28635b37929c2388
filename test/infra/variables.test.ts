import type { Template } from 'aws-cdk-lib/assertions';
import { z } from 'zod';
import {
  EnvironmentName,
  MAX_SETTINGS_BYTES,
  settingsBytes,
  settingsFor,
} from '../../infra/config';
import { settingsOfFunctions } from '../../functions/settings/environment';
import { resolved } from './resolved';
import { synthesize } from './synthesis';

// "Lambda quotas"; what is measured is the JSON of all variables together.
const MAX_BYTES = 4096;
// On top of the some 50 characters that resolved.ts puts in place of a reference: no ARN of ours is longer.
const LONGEST_REFERENCE = 80;

const Functions = z.record(
  z.string(),
  z.looseObject({
    Properties: z.looseObject({
      Environment: z.object({ Variables: z.record(z.string(), z.unknown()) }).optional(),
    }),
  }),
);

/** A variable as long as it can become: each reference is counted as the longest that may take its place. */
function longest(node: unknown): string {
  const known =
    /"Ref":"(?!AWS::)|"Fn::GetAtt"|"Fn::ImportValue"|"Fn::GetStackOutput"|\$\{(?!AWS::)/g;
  const references =
    typeof node === 'string' ? 0 : (JSON.stringify(node).match(known) ?? []).length;
  return resolved(node) + '.'.repeat(references * LONGEST_REFERENCE);
}

/** Bytes of each function's variables, as Lambda measures them. */
function measured(template: Template): Record<string, number> {
  const functions = Functions.parse(template.findResources('AWS::Lambda::Function'));
  return Object.fromEntries(
    Object.entries(functions).map(([name, { Properties }]) => {
      const variables = Object.entries(Properties.Environment?.Variables ?? {});
      const values = Object.fromEntries(variables.map(([key, value]) => [key, longest(value)]));
      return [name, Buffer.byteLength(JSON.stringify(values))];
    }),
  );
}

const tooLarge = (sizes: Record<string, number>) =>
  Object.entries(sizes)
    .filter(([, bytes]) => bytes > MAX_BYTES)
    .map(([name, bytes]) => `${name}: ${bytes} bytes of variables, and Lambda takes ${MAX_BYTES}`);

const settingsWith = (characters: number): string =>
  JSON.stringify({ x: { queries: [{ name: 'long', query: 'x'.repeat(characters) }] } });

/** The longest query that the settings of an environment may hold. */
function longestQuery(env: string): string {
  const empty = settingsFor(env, { settings: settingsWith(0) });
  const largest = Math.max(
    ...Object.values(settingsOfFunctions)
      .filter((sections) => sections.some((section) => section === 'x'))
      .map((sections) => settingsBytes(empty, sections)),
  );
  return settingsWith(MAX_SETTINGS_BYTES - largest);
}

test.each(EnvironmentName.options)('the variables of every function of %s fit', (env) => {
  const { data, pipeline } = synthesize({ env });

  const sizes = { ...measured(data), ...measured(pipeline) };

  expect(Object.keys(sizes).length).toBeGreaterThan(10);
  expect(tooLarge(sizes)).toEqual([]);
});

test('the largest settings that are taken fit, too', () => {
  const { pipeline } = synthesize({ env: 'prod', settings: longestQuery('prod') });

  const sizes = measured(pipeline);

  expect(tooLarge(sizes)).toEqual([]);
  // No room is left unused that a longer query could have.
  expect(Math.max(...Object.values(sizes))).toBeGreaterThan(MAX_SETTINGS_BYTES);
});

test('settings that are too large for the variables are refused, with what to shorten', () => {
  const query = { name: 'long', query: 'x'.repeat(512) };
  const queries = Array.from({ length: 8 }, (_, at) => ({ ...query, name: `long-${at}` }));

  expect(() => settingsFor('prod', { settings: JSON.stringify({ x: { queries } }) })).toThrow(
    /The settings that plan-run reads .* are \d+ bytes, .* shorten x\.queries in infra\/config\.ts/,
  );
});
