import * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import type { PollingKey } from './steps';

export interface JobLoopProps {
  /** The step, which starts the job or polls it. */
  readonly step: sfn.TaskStateBase;
  /** Name of the Choice state, a question: `Tweets cleaned?` */
  readonly question: string;
  /** Name of the Wait state: `Wait for the cleaning job` */
  readonly wait: string;
  /** The key the step writes, and the name of its interval in the plan. */
  readonly key: PollingKey;
}

/**
 * A job and the loop that polls it. While the step answers `RUNNING`, the loop waits the plan's interval and calls the
 * step again. `when` adds the next state for another answer. Any other answer fails the execution with
 * `States.NoChoiceMatched`.
 */
export class JobLoop extends Construct {
  /** First state of the loop. */
  readonly start: sfn.TaskStateBase;
  private readonly choice: sfn.Choice;
  private readonly status: string;

  constructor(scope: Construct, id: string, props: JobLoopProps) {
    super(scope, id);
    this.start = props.step;
    this.status = `$.${props.key}.status`;
    this.choice = new sfn.Choice(this, 'Choice', { stateName: props.question });
    const wait = new sfn.Wait(this, 'Wait', {
      stateName: props.wait,
      time: sfn.WaitTime.secondsPath(`$.plan.poll.${props.key}`),
    });
    this.start.next(
      this.choice.when(sfn.Condition.stringEquals(this.status, 'RUNNING'), wait.next(this.start)),
    );
  }

  /** Sets the next state for an answer with this status. */
  when(status: 'DONE' | 'NOTHING_NEW' | 'SKIPPED', next: sfn.IChainable): this {
    this.choice.when(sfn.Condition.stringEquals(this.status, status), next);
    return this;
  }
}
