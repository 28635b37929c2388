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
  /** Told at the thresholds, and by mail where there is an address. */
  readonly topic: sns.ITopic;
  readonly email: string | null;
}

/**
 * The budget, apart from everything else and deployed last. An account may close its billing data to roles, and a region's
 * CloudFormation may not know budgets: then this stack fails, and the pipeline before it stays.
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
