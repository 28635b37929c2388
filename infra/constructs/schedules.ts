import { Duration } from 'aws-cdk-lib';
import * as events from 'aws-cdk-lib/aws-events';
import * as targets from 'aws-cdk-lib/aws-events-targets';
import type * as sqs from 'aws-cdk-lib/aws-sqs';
import type * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import type { RunRequest } from '../../workflows/payloads';
import type { Settings } from '../config';

export interface SchedulesProps {
  readonly machine: sfn.IStateMachine;
  readonly settings: Pick<Settings, 'nightly' | 'ingestEveryMinutes'>;
  readonly deadLetterQueue: sqs.IQueue;
}

/** Minutes between ingests while the rule is switched off. */
const DISABLED_INGEST_MINUTES = 15;

/** When the machine starts by itself. */
export class Schedules extends Construct {
  constructor(
    scope: Construct,
    id: string,
    private readonly props: SchedulesProps,
  ) {
    super(scope, id);
    const { nightly, ingestEveryMinutes } = props.settings;
    this.rule('Nightly', {
      mode: 'nightly',
      schedule: events.Schedule.expression(nightly.cron),
      enabled: nightly.enabled,
    });
    this.rule('Ingest', {
      mode: 'ingest',
      schedule: events.Schedule.rate(
        Duration.minutes(ingestEveryMinutes ?? DISABLED_INGEST_MINUTES),
      ),
      enabled: ingestEveryMinutes !== null,
    });
  }

  private rule(
    id: string,
    { mode, ...rule }: Pick<events.RuleProps, 'schedule' | 'enabled'> & Pick<RunRequest, 'mode'>,
  ): void {
    const { machine, deadLetterQueue } = this.props;
    new events.Rule(this, id, {
      description: `Starts the pipeline in mode ${mode}`,
      ...rule,
      targets: [
        new targets.SfnStateMachine(machine, {
          // EventBridge delivers at least once: by the event's own time the second delivery is recognised.
          input: events.RuleTargetInput.fromObject({ mode, scheduledFor: events.EventField.time }),
          deadLetterQueue,
          // A start that is hours late would be another night.
          maxEventAge: Duration.hours(1),
        }),
      ],
    });
  }
}
