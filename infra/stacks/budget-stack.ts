import { Stack } from 'aws-cdk-lib';
import type { StackProps } from 'aws-cdk-lib';
import type * as sns from 'aws-cdk-lib/aws-sns';
import type { Construct } from 'constructs';
import type { EnvironmentName } from '../config';
import { MonthlyBudget } from '../constructs/monitoring/budget';
import { lakeName } from '../naming';

export interface BudgetStackProps extends StackProps {
  readonly environment: EnvironmentName;
  /** US dollars a month. */
  readonly usd: number;
  /** The topic that is notified at the thresholds. */
  readonly topic: sns.ITopic;
  readonly email: string | null;
}

/**
 * The budget, in a separate stack that is deployed last. An account may deny roles its billing data, and a region's
 * CloudFormation may not support budgets: then only this stack fails, and the pipeline stays.
 */
export class BudgetStack extends Stack {
  constructor(scope: Construct, id: string, props: BudgetStackProps) {
    super(scope, id, props);
    const { environment, usd, topic, email } = props;
    new MonthlyBudget(this, 'MonthlyBudget', {
      usd,
      application: lakeName(environment),
      topic,
      email: email ?? undefined,
    });
  }
}
