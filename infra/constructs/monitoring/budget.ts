import * as budgets from 'aws-cdk-lib/aws-budgets';
import type * as sns from 'aws-cdk-lib/aws-sns';
import { Construct } from 'constructs';

export interface MonthlyBudgetProps {
  /** US dollars a month. */
  readonly usd: number;
  /** Value of the tag `application` that selects the costs. */
  readonly application: string;
  readonly topic: sns.ITopic;
  /** @default - only the topic is notified */
  readonly email?: string;
}

/** Percent of the budget, for actual and for forecast costs. */
const thresholds = [
  { notificationType: 'ACTUAL', threshold: 80 },
  { notificationType: 'FORECASTED', threshold: 100 },
] as const;

/**
 * The monthly budget for AWS. It only includes costs from the day on which the tag `application` was activated as a
 * cost allocation tag in the billing console.
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
    // No name of ours: a change of the subscribers replaces the budget, and CloudFormation cannot create a second
    // budget with the same name.
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
