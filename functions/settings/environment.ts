import { z } from 'zod';
import { stepNames } from '../../workflows/steps';
import type { StepName } from '../../workflows/steps';
import { explain } from '../shared/explain';
import { FunctionSettings, json } from './settings';
import type { SettingsSection } from './settings';

export type FunctionName = StepName | 'archive-execution' | 'score-stream';
export const functionNames: readonly FunctionName[] = [
  ...stepNames,
  'archive-execution',
  'score-stream',
];

const Text = z.string().min(1);
const Flag = z.enum(['true', 'false']).transform((flag) => flag === 'true');

/** Sections of the settings that each function reads. */
const settings = {
  'plan-run': FunctionSettings.pick({ x: true, poll: true, gate: true }),
  'ingest-tweets': FunctionSettings.pick({ x: true }),
  'check-data': FunctionSettings.pick({ checks: true }),
  'clean-tweets': FunctionSettings.pick({ keepDays: true }),
  'publish-data': FunctionSettings.pick({ keepDays: true }),
  'train-model': FunctionSettings.pick({ model: true, training: true, gate: true }),
  'judge-model': FunctionSettings.pick({ gate: true }),
  'update-endpoint': FunctionSettings.pick({ endpoint: true }),
  'refresh-analytics': FunctionSettings.pick({ model: true }),
  'score-stream': FunctionSettings.pick({ model: true }),
};

/** The variables that each function reads, and nothing else: the stack passes exactly these. */
export const environments = {
  'plan-run': z.object({
    BUCKET: Text,
    LAKE: Text,
    FORCE_GRANT_SECRET_ARN: Text,
    SETTINGS: json(settings['plan-run']),
  }),
  'ingest-tweets': z.object({
    BUCKET: Text,
    STREAM_NAME: Text,
    TOKEN_SECRET_ARN: Text,
    FORGOTTEN_SECRET_ARN: Text,
    SETTINGS: json(settings['ingest-tweets']),
  }),
  'crawl-raw-data': z.object({ DATABASE: Text, CRAWLER: Text }),
  'clean-tweets': z.object({
    BUCKET: Text,
    DATABASE: Text,
    GLUE_JOB: Text,
    SETTINGS: json(settings['clean-tweets']),
  }),
  'check-data': z.object({
    BUCKET: Text,
    DATABASE: Text,
    WORKGROUP: Text,
    SETTINGS: json(settings['check-data']),
  }),
  'publish-data': z.object({
    BUCKET: Text,
    DATABASE: Text,
    SETTINGS: json(settings['publish-data']),
  }),
  'train-model': z.object({
    BUCKET: Text,
    LAKE: Text,
    MODEL_PREFIX: Text,
    DATABASE: Text,
    TRAINING_ROLE_ARN: Text,
    TRAINING_IMAGE: Text,
    SERVING_IMAGE: Text,
    KEY_ARN: Text,
    GIT_COMMIT: Text,
    GIT_DIRTY: Flag,
    PACKAGE_LOCK_SHA256: Text,
    SETTINGS: json(settings['train-model']),
  }),
  'judge-model': z.object({ BUCKET: Text, SETTINGS: json(settings['judge-model']) }),
  'update-endpoint': z.object({
    LAKE: Text,
    SERVING_ROLE_ARN: Text,
    SERVING_IMAGE: Text,
    ENDPOINT_NAME: Text,
    KEY_ARN: Text,
    ROLLBACK_ALARMS: json(z.array(Text)),
    SETTINGS: json(settings['update-endpoint']),
  }),
  'smoke-test-endpoint': z.object({ BUCKET: Text, ENDPOINT_NAME: Text }),
  'promote-model': z.object({ BUCKET: Text }),
  'refresh-analytics': z.object({
    BUCKET: Text,
    LAKE: Text,
    DATABASE: Text,
    WORKGROUP: Text,
    ENDPOINT_NAME: Text,
    SETTINGS: json(settings['refresh-analytics']),
  }),
  'report-run': z.object({ BUCKET: Text, LAKE: Text, TOPIC_ARN: Text }),
  'archive-execution': z.object({ BUCKET: Text, LAKE: Text, TOPIC_ARN: Text }),
  'score-stream': z.object({
    BUCKET: Text,
    LAKE: Text,
    DATABASE: Text,
    ENDPOINT_NAME: Text,
    SETTINGS: json(settings['score-stream']),
  }),
} satisfies Record<FunctionName, z.ZodObject>;

const Table = z.record(z.enum(functionNames), z.array(z.string()));
const sectionsOf: Partial<Record<FunctionName, z.ZodObject>> = settings;

/** Names of the variables that each function needs. */
export const functionEnvironments = Table.parse(
  Object.fromEntries(functionNames.map((name) => [name, Object.keys(environments[name].shape)])),
);

/** The sections of `Settings` that make up each function's `SETTINGS`; none where it reads no settings. */
export const settingsOfFunctions: Record<FunctionName, SettingsSection[]> = z
  .record(z.enum(functionNames), z.array(FunctionSettings.keyof()))
  .parse(
    Object.fromEntries(
      functionNames.map((name) => [name, Object.keys(sectionsOf[name]?.shape ?? {})]),
    ),
  );

/** Parses a function's environment. Throws an Error that names the invalid variables. */
export function readEnvironment<Schema extends z.ZodType>(schema: Schema): z.output<Schema> {
  const result = schema.safeParse(process.env);
  if (!result.success) {
    throw new Error(
      `The function's environment is incomplete: ${explain(result.error)}. Deploy the stack again.`,
    );
  }
  return result.data;
}
