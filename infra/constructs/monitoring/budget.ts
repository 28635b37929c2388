import * as budgets from 'aws-cdk-lib/aws-budgets';
import type * as sns from 'aws-cdk-lib/aws-sns';
import { Construct } from 'constructs';

export interface MonthlyBudgetProps {
  /** US dollars a month. */
  readonly usd: number;
  /** Value of the tag `application` that the costs are counted by. */
  readonly application: string;
  readonly topic: sns.ITopic;
  /** @default - the topic alone is told */
  readonly email?: string;
}

/** Percent of the budget: what was spent, and what the month will come to. */
const thresholds = [
  { notificationType: 'ACTUAL', threshold: 80 },
  { notificationType: 'FORECASTED', threshold: 100 },
] as const;

/**
 * What AWS may cost in a month. It sees costs only after the tag `application` was activated as a cost
 * allocation tag in the billing console, and from that day on.
 */
export class MonthlyBudget extends Construct {
  constructor(
    scope: Construct,
    id: string,
    { usd, application, topic, email }: MonthlyBudgetProps,
  ) {
    super(scope, id);
    const subscribers = [
      { subscriptionType: 'SNS', address: topic.topicArn },
      ...(email === undefined ? [] : [{ subscriptionType: 'EMAIL', address: email }]),
    ];
    // Without a name of ours: a change of the subscribers replaces the budget, and a second one of the same
    // name could not be made beside the first.
    new budgets.CfnBudget(this, 'Budget', {
      budget: {
        budgetType: 'COST',
        timeUnit: 'MONTHLY',
        budgetLimit: { amount: usd, unit: 'USD' },
        costFilters: { TagKeyValue: [`user:application$${application}`] },
      },
      notificationsWithSubscribers: thresholds.map((threshold) => ({
        notification: {
          ...threshold,
          comparisonOperator: 'GREATER_THAN',
          thresholdType: 'PERCENTAGE',
        },
        subscribers,
      })),
    });
  }
}
