import type { DeploymentConfig } from '@aws-sdk/client-sagemaker';
import type { FunctionSettings } from '../settings/settings';

/** Seconds the new instances serve under watch before the old ones go; the alarm looks at whole minutes. */
const WATCH_SECONDS = 300;
/** Seconds that requests under way at the old instances have to end. */
const DRAIN_SECONDS = 60;
/** Seconds an update may take, starting instances included. */
const LIMIT_SECONDS = 3600;

/**
 * How SageMaker exchanges an endpoint's instances, and by which alarms it takes the update back by itself.
 * A canary takes half the capacity at most, so it needs two instances; one instance is exchanged at once, under
 * the same alarms. Undefined for a serverless endpoint, which takes no such plan.
 */
export function updatePlan(
  { kind, instances }: Pick<FunctionSettings['endpoint'], 'kind' | 'instances'>,
  alarms: readonly string[],
): DeploymentConfig | undefined {
  if (kind === 'serverless') return undefined;
  return {
    BlueGreenUpdatePolicy: {
      TrafficRoutingConfiguration: {
        WaitIntervalInSeconds: WATCH_SECONDS,
        ...(instances >= 2
          ? { Type: 'CANARY', CanarySize: { Type: 'INSTANCE_COUNT', Value: 1 } }
          : { Type: 'ALL_AT_ONCE' }),
      },
      TerminationWaitInSeconds: DRAIN_SECONDS,
      MaximumExecutionTimeoutInSeconds: LIMIT_SECONDS,
    },
    AutoRollbackConfiguration: { Alarms: alarms.map((AlarmName) => ({ AlarmName })) },
  };
}
