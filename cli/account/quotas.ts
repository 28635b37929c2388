import { paginateListServiceQuotas, ServiceQuotasClient } from '@aws-sdk/client-service-quotas';
import { trainingQuota, transformQuota } from '../../functions/model/quotas';
import type { Settings } from '../../infra/config';
import { clientConfig } from '../../session/clients';
import type { Account } from './session';

/** Services whose quotas are checked: Service Quotas' code and display name. */
export const quotaServices = { sagemaker: 'Amazon SageMaker', codebuild: 'AWS CodeBuild' } as const;
export type QuotaService = keyof typeof quotaServices;

/** A quota that an environment needs. */
export interface Need {
  service: QuotaService;
  /** The quota's name in Service Quotas. */
  quota: string;
  matches: (name: string) => boolean;
  least: number;
  /** What happens without the quota if the pipeline still works; null if it does not. */
  fallback: string | null;
  /** Whether the quota's name was seen in a public source. A name from memory that is not listed is not reported. */
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
 * The quotas that the settings need. A new account's quotas can be 0; the run would then fail at its training or its
 * endpoint. Only the spot quota has a fallback. The other kind of endpoint would have another name, other permissions
 * and another price, so a person must choose it.
 */
export function neededQuotas({
  training,
  endpoint,
  scoring,
}: Pick<Settings, 'training' | 'endpoint' | 'scoring'>): Need[] {
  return [
    ...(training.spot
      ? [named(trainingQuota(training, 'spot'), 1, 'trainings run on demand, at the full price')]
      : []),
    named(trainingQuota(training, 'on-demand'), 1),
    // From memory.
    { ...named(transformQuota(scoring), scoring.instances), isNameSure: false },
    endpoint.kind === 'realtime'
      ? // A blue/green update runs the new instances beside the old ones.
        named(`${endpoint.instanceType} for endpoint usage`, 2 * endpoint.instances)
      : // The complete name, because other quotas of serverless endpoints mention concurrency, too.
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

/** The account's applied quotas of a service in the region. */
export async function quotasOf(
  { connection }: Pick<Account, 'connection'>,
  ServiceCode: QuotaService,
): Promise<Map<string, number>> {
  const client = new ServiceQuotasClient(clientConfig(connection));
  const quotas = new Map<string, number>();
  for await (const { Quotas = [] } of paginateListServiceQuotas(
    { client, pageSize: 100 },
    { ServiceCode },
  ))
    for (const { QuotaName = '', Value = 0 } of Quotas) quotas.set(QuotaName, Value);
  return quotas;
}
