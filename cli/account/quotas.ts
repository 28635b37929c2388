import { z } from 'zod';
import { trainingQuota } from '../../functions/model/quotas';
import type { Settings } from '../../infra/config';
import { callAws } from './aws-json';
import type { Account } from './session';

const Page = z.object({
  Quotas: z.array(z.object({ QuotaName: z.string(), Value: z.number() })),
  NextToken: z.string().nullish(),
});

/** Services whose quotas are looked at, as Service Quotas calls them in calls and to people. */
export const quotaServices = { sagemaker: 'Amazon SageMaker', codebuild: 'AWS CodeBuild' } as const;
export type QuotaService = keyof typeof quotaServices;

/** What an environment needs of a quota. */
export interface Need {
  service: QuotaService;
  /** As Service Quotas calls it. */
  quota: string;
  matches: (name: string) => boolean;
  least: number;
  /** What happens without it, where the pipeline goes on; null where it cannot. */
  fallback: string | null;
  /** Whether the quota's name was seen in a public report; a name from memory that is not listed is no finding. */
  isNameSure: boolean;
}

const named = (quota: string, least: number, fallback: string | null = null): Need => ({
  quota,
  matches: (name) => name.toLowerCase() === quota.toLowerCase(),
  least,
  fallback,
  service: 'sagemaker',
  isNameSure: true,
});

/**
 * The quotas of a new account can be 0; without these the run ends at its training or its endpoint. The spot quota alone
 * has a fallback: an endpoint of the other kind would have another name, permissions and price, so that is for a person to choose.
 */
export function neededQuotas({
  training,
  endpoint,
}: Pick<Settings, 'training' | 'endpoint'>): Need[] {
  return [
    ...(training.spot
      ? [named(trainingQuota(training, 'spot'), 1, 'trainings run on demand, at the full price')]
      : []),
    named(trainingQuota(training, 'on-demand'), 1),
    endpoint.kind === 'realtime'
      ? // Blue/green: the new instances start beside the old.
        named(`${endpoint.instanceType} for endpoint usage`, 2 * endpoint.instances)
      : // By its whole name: other quotas of serverless endpoints speak of concurrency, too.
        named(
          'Maximum total concurrency that can be allocated across all serverless endpoints',
          endpoint.maxConcurrency,
        ),
    {
      ...named('Concurrently running builds for Linux/Medium environment', 1),
      service: 'codebuild',
      isNameSure: false,
    },
  ];
}

/** The account's quotas of a service, as they apply in the region. */
export async function quotasOf(
  account: Account,
  service: QuotaService,
): Promise<Map<string, number>> {
  const quotas = new Map<string, number>();
  let NextToken: string | null | undefined;
  do {
    const page: z.infer<typeof Page> = await callAws(
      account,
      'servicequotas',
      'ListServiceQuotas',
      { ServiceCode: service, MaxResults: 100, ...(NextToken ? { NextToken } : {}) },
      Page,
    );
    for (const { QuotaName, Value } of page.Quotas) quotas.set(QuotaName, Value);
    NextToken = page.NextToken;
  } while (NextToken);
  return quotas;
}
