import type { FunctionSettings } from '../settings/settings';
import type { Capacity } from '../../workflows/payloads';

type Training = Pick<FunctionSettings['training'], 'instanceType' | 'spot'>;

/** The quota of SageMaker that a training counts towards, as Service Quotas calls it. */
export const trainingQuota = (
  { instanceType }: Pick<Training, 'instanceType'>,
  capacity: Capacity,
): string => `${instanceType} for ${capacity === 'spot' ? 'spot ' : ''}training job usage`;

/** The quota that a transform job counts towards. */
export const transformQuota = ({
  instanceType,
}: Pick<FunctionSettings['scoring'], 'instanceType'>): string =>
  `${instanceType} for transform job usage`;

/**
 * Starts a training on spot capacity where the settings want that, and on demand where the account's quota of spot
 * capacity is used up: a new account's is 0. Answers what it runs on, or, where no quota has room, a sentence that says what to do.
 */
export async function startWithinQuotas<Settings extends Training>(
  training: Settings,
  create: (settings: Settings) => Promise<unknown>,
): Promise<{ capacity: Capacity } | { refusal: string }> {
  const tried: Capacity[] = training.spot ? ['spot', 'on-demand'] : ['on-demand'];
  const refusals: string[] = [];
  for (const capacity of tried) {
    const refusal = await refusalByQuota(() => create({ ...training, spot: capacity === 'spot' }));
    if (refusal === null) return { capacity };
    refusals.push(refusal);
  }
  const quotas = tried.map((capacity) => `"${trainingQuota(training, capacity)}"`).join(' or ');
  return {
    refusal:
      `SageMaker may start no training: ${refusals.join(' / ')} ` +
      `Ask for 1 or more of the quota ${quotas} (Service Quotas, Amazon SageMaker; it takes hours to days), or wait until other trainings have ended.`,
  };
}

/** What SageMaker says of a quota that is used up; null where it took the job. */
async function refusalByQuota(create: () => Promise<unknown>): Promise<string | null> {
  try {
    await create();
    return null;
  } catch (error) {
    if (error instanceof Error && error.name === 'ResourceLimitExceeded') return error.message;
    throw error;
  }
}
