import { readCause } from '../../functions/report/execution-history';
import type { EnvironmentName } from '../../infra/config';
import { commandFor } from '../hints';
import type { Run } from './follow';

export const redriveCommand = (name: string, environment: EnvironmentName): string =>
  commandFor(environment, `npm run lake -- redrive ${name}`);

/** What happened, why, and the one command that goes on from there. */
export function describeFailure(
  { name, status, timeline }: Run,
  environment: EnvironmentName,
): string[] {
  const { failure } = timeline;
  const state = failure?.state ?? 'before its first state';
  return [
    `${name} ${status} in state "${state}": ${failure?.error ?? 'no error was given'}`,
    ...readCause(failure?.cause ?? '')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => `  ${line}`),
    `Go on from there: ${redriveCommand(name, environment)}`,
  ];
}
