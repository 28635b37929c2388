import { z } from 'zod';
import type { Settings } from '../../infra/config';
import { callAws } from './aws-json';
import type { Account } from './session';

const Page = z.object({
  Quotas: z.array(z.object({ QuotaName: z.string(), Value: z.number() })),
  NextToken: z.string().nullish(),
});

/** What an environment needs of a quota of SageMaker. */
export interface Need {
  /** As Service Quotas calls it. */
  quota: string;
  matches: (name: string) => boolean;
  least: number;
}

const named = (quota: string, least: number): Need => ({
  quota,
  matches: (name) => name.toLowerCase() === quota.toLowerCase(),
  least,
});

/** The quotas of a new account can be 0; without these the night ends at its training or its endpoint. */
export function neededQuotas({
  training,
  endpoint,
}: Pick<Settings, 'training' | 'endpoint'>): Need[] {
  const usage = training.spot ? 'spot training job usage' : 'training job usage';
  return [
    named(`${training.instanceType} for ${usage}`, 1),
    endpoint.kind === 'realtime'
      ? // Blue/green: the new instances start beside the old.
        named(`${endpoint.instanceType} for endpoint usage`, 2 * endpoint.instances)
      : // By its whole name: other quotas of serverless endpoints speak of concurrency, too.
        named(
          'Maximum total concurrency that can be allocated across all serverless endpoints',
          endpoint.maxConcurrency,
        ),
  ];
}

/** The account's SageMaker quotas, as they apply in the region. */
export async function sageMakerQuotas(account: Account): Promise<Map<string, number>> {
  const quotas = new Map<string, number>();
  let NextToken: string | null | undefined;
  do {
    const page: z.infer<typeof Page> = await callAws(
      account,
      'servicequotas',
      'ListServiceQuotas',
      { ServiceCode: 'sagemaker', MaxResults: 100, ...(NextToken ? { NextToken } : {}) },
      Page,
    );
    for (const { QuotaName, Value } of page.Quotas) quotas.set(QuotaName, Value);
    NextToken = page.NextToken;
  } while (NextToken);
  return quotas;
}
