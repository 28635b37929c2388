import { existsSync } from 'node:fs';
import { join } from 'node:path';
import {
  functionEnvironments,
  settingsOfFunctions,
  readEnvironment,
} from '../../functions/settings/environment';
import { settingsFor } from '../../infra/config';
import { functionNames } from '../../workflows/steps';

const original = process.env;

afterEach(() => {
  process.env = original;
});

test.each(functionNames)('%s has a module that exports its handler', async (name) => {
  expect(existsSync(join(__dirname, '../../functions', `${name}.ts`))).toBe(true);

  const module: unknown = await import(`../../functions/${name}`);

  expect(module).toHaveProperty('handler', expect.any(Function));
});

test.each(['local', 'dev', 'prod'])('the settings of %s are what each function reads', (env) => {
  const settings = settingsFor(env);
  for (const name of functionNames) {
    const sections = Object.fromEntries(
      settingsOfFunctions[name].map((section) => [section, settings[section]]),
    );
    process.env = Object.fromEntries(
      functionEnvironments[name].map((variable) => [variable, 'something']),
    );
    process.env['GIT_DIRTY'] = 'false';
    process.env['ROLLBACK_ALARMS'] = '[]';
    process.env['SETTINGS'] = JSON.stringify(sections);

    const found = readEnvironment(name);

    expect('SETTINGS' in found ? found.SETTINGS : {}).toEqual(sections);
  }
});

test('SETTINGS is passed exactly to the functions that read a section of it', () => {
  for (const name of functionNames) {
    expect(functionEnvironments[name].includes('SETTINGS')).toBe(
      settingsOfFunctions[name].length > 0,
    );
  }
});

test('says which variables are missing or wrong', () => {
  process.env = { SETTINGS: '{"evaluation":' };

  expect(() => readEnvironment('evaluate-candidate')).toThrow(
    /BUCKET: is missing; LAKE: is missing; SERVING_IMAGE: is missing; SETTINGS: is not JSON/,
  );
});

test('no function is given the bearer token, only where it lies', () => {
  expect(
    Object.values(functionEnvironments)
      .flat()
      .filter((name) => /TOKEN|SECRET/.test(name)),
    // The others are no credentials: a grant to promote in spite of the gate, and what forgotten ids are kept under.
  ).toEqual(['FORCE_GRANT_SECRET_ARN', 'TOKEN_SECRET_ARN', 'FORGOTTEN_SECRET_ARN']);
});
