import * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import type { PollingKey } from './steps';

export interface JobLoopProps {
  /** The stage's step: it starts the job, or looks at it. */
  readonly step: sfn.TaskStateBase;
  /** Name of the choice, a question: `Tweets cleaned?` */
  readonly question: string;
  /** Name of the wait: `Wait for the cleaning job` */
  readonly wait: string;
  /** The key the step writes, and the name of its interval in the plan. */
  readonly key: PollingKey;
}

/**
 * A job and the loop that watches it: the step answers `RUNNING` until the job has ended, and each time the
 * loop waits as long as the plan says. What other answers lead to is added with `when`; an answer that
 * nothing leads on from ends the execution (`States.NoChoiceMatched`), so the set of answers is closed.
 */
export class JobLoop extends Construct {
  /** Where the loop is entered. */
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

  /** Where the execution goes when the step answers with this status. */
  when(status: 'DONE' | 'NOTHING_NEW' | 'SKIPPED', next: sfn.IChainable): this {
    this.choice.when(sfn.Condition.stringEquals(this.status, status), next);
    return this;
  }
}
