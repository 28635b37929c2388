import { Duration } from 'aws-cdk-lib';
import * as events from 'aws-cdk-lib/aws-events';
import * as targets from 'aws-cdk-lib/aws-events-targets';
import * as iam from 'aws-cdk-lib/aws-iam';
import type * as sqs from 'aws-cdk-lib/aws-sqs';
import type * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import type { RunRequest } from '../../../workflows/payloads';
import type { EnvironmentName, Settings } from '../../config';
import { lakeName } from '../../naming';
import { allow } from '../security/grants';
import { actingFor } from '../security/service-trust';

export interface SchedulesProps {
  readonly environment: EnvironmentName;
  readonly machine: sfn.IStateMachine;
  readonly settings: Pick<Settings, 'nightly' | 'ingestEveryMinutes'>;
  readonly deadLetterQueue: sqs.IQueue;
}

type Mode = Extract<RunRequest['mode'], 'nightly' | 'ingest'>;

/** Minutes between ingests in the disabled rule. */
const DISABLED_INGEST_MINUTES = 15;

/** The schedules that start the state machine. */
export class Schedules extends Construct {
  private readonly role: iam.IRole;
  private readonly mayStart: iam.Policy;

  constructor(
    scope: Construct,
    id: string,
    private readonly props: SchedulesProps,
  ) {
    super(scope, id);
    const { nightly, ingestEveryMinutes } = props.settings;
    const role = this.starter();
    this.role = role.withoutPolicyUpdates();
    this.mayStart = allow(this, 'Start', role, [
      { actions: ['states:StartExecution'], resources: [props.machine.stateMachineArn] },
    ]);
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
    { mode, ...rule }: Pick<events.RuleProps, 'schedule' | 'enabled'> & { mode: Mode },
  ): void {
    const { machine, deadLetterQueue } = this.props;
    const made = new events.Rule(this, id, {
      ruleName: this.nameOf(mode),
      description: `Starts the pipeline in mode ${mode}`,
      ...rule,
      targets: [
        new targets.SfnStateMachine(machine, {
          // EventBridge delivers at least once: the event's time identifies a second delivery.
          input: events.RuleTargetInput.fromObject({ mode, scheduledFor: events.EventField.time }),
          role: this.role,
          deadLetterQueue,
          // A start that is hours late would belong to another day.
          maxEventAge: Duration.hours(1),
        }),
      ],
    });
    // A schedule can fire as soon as it exists.
    made.node.addDependency(this.mayStart);
  }

  /** A role for this account's rules only: another account's rules must not start our state machine. */
  private starter(): iam.Role {
    return new iam.Role(this, 'Starter', {
      assumedBy: actingFor('events'),
    });
  }

  private nameOf(mode: Mode): string {
    return lakeName(this.props.environment, mode);
  }
}
