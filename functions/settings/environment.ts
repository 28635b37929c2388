import { z } from 'zod';
import { perFunction } from '../../workflows/steps';
import type { FunctionName, FunctionNamed } from '../../workflows/steps';
import { explain } from '../shared/explain';
import { FunctionSettings, json } from './settings';
import type { SettingsSection } from './settings';

const Text = z.string().min(1);
const Flag = z.enum(['true', 'false']).transform((flag) => flag === 'true');

/** Every variable that a function of `workflows/steps.ts` may name, `SETTINGS` left out. The stack gives their values. */
const variables = {
  BUCKET: Text,
  CRAWLER: Text,
  DATABASE: Text,
  ENDPOINT_NAME: Text,
  FORCE_GRANT_SECRET_ARN: Text,
  FORGOTTEN_SECRET_ARN: Text,
  GIT_COMMIT: Text,
  GIT_DIRTY: Flag,
  GLUE_JOB: Text,
  KEY_ARN: Text,
  LAKE: Text,
  MODEL_PREFIX: Text,
  PACKAGE_LOCK_SHA256: Text,
  ROLLBACK_ALARMS: json(z.array(Text)),
  SERVING_IMAGE: Text,
  SERVING_ROLE_ARN: Text,
  STREAM_NAME: Text,
  TOKEN_SECRET_ARN: Text,
  TOPIC_ARN: Text,
  TRAINING_IMAGE: Text,
  TRAINING_ROLE_ARN: Text,
  WORKGROUP: Text,
};
export type Variable = keyof typeof variables;

/** What one function finds in its environment. */
export type Environment<Name extends FunctionName> = {
  [Each in FunctionNamed<Name>['variables'][number]]: z.output<(typeof variables)[Each]>;
} & (FunctionNamed<Name>['settings'] extends readonly []
  ? unknown
  : { SETTINGS: Pick<FunctionSettings, FunctionNamed<Name>['settings'][number]> });

/** The sections of `Settings` that make up each function's `SETTINGS`; none where it reads no settings. */
export const settingsOfFunctions = perFunction(
  ({ settings }): readonly SettingsSection[] => settings,
);

/** Names of the variables that each function needs, and nothing else: the stack passes exactly these. */
export const functionEnvironments = perFunction(
  ({ variables: names, settings }): readonly (Variable | 'SETTINGS')[] =>
    settings.length === 0 ? names : [...names, 'SETTINGS'],
);

/** Parses the environment of a function. Throws an Error that names the invalid variables. */
export function readEnvironment<Name extends FunctionName>(name: Name): Environment<Name>;
export function readEnvironment(name: FunctionName): unknown {
  const sections = settingsOfFunctions[name];
  const SETTINGS = json(
    z.strictObject(
      Object.fromEntries(sections.map((section) => [section, FunctionSettings.shape[section]])),
    ),
  );
  const schema = z.object(
    Object.fromEntries(
      functionEnvironments[name].map((variable) => [
        variable,
        variable === 'SETTINGS' ? SETTINGS : variables[variable],
      ]),
    ),
  );
  const result = schema.safeParse(process.env);
  if (!result.success) {
    throw new Error(
      `The function's environment is incomplete: ${explain(result.error)}. Deploy the stack again.`,
    );
  }
  return result.data;
}
