import type { Statement } from '../synthesis';
import type { Address, Stacks } from './stacks';

/** What a role, or a service by a resource's own policy, has to be allowed. */
export interface Need {
  readonly actions: readonly string[];
  /** As `Stacks.text` writes it; null where any resource will do. */
  readonly on: string | null;
  /** For a key: the service that calls KMS. */
  readonly via?: string;
}

const matches = (pattern: string, text: string): boolean =>
  new RegExp(
    `^${pattern
      .replace(/[.+^${}()|[\]\\]/g, '\\$&')
      .replaceAll('*', '.*')
      .replaceAll('?', '.')}$`,
    'i',
  ).test(text);

/** Whether a statement of a role allows one action of a need. A condition that nobody here understands is no permission. */
export function grants(
  stacks: Stacks,
  stack: string,
  statement: Statement,
  action: string,
  { on, via }: Need,
): boolean {
  const { Effect, Action, Resource, Condition } = statement;
  if (Effect !== 'Allow' || !Action.some((pattern) => matches(pattern, action))) return false;
  const resources = (Resource ?? []).map((node) => stacks.text(stack, node));
  if (on !== null && !resources.some((pattern) => matches(pattern, on))) return false;
  return Object.entries(Condition).every(([operator, keys]) =>
    Object.entries(keys).every(
      ([key, values]) =>
        // HeadBucket has no prefix, so that the condition does not count for it.
        (operator === 'StringLikeIfExists' && key === 's3:prefix') ||
        (operator === 'StringEquals' &&
          key === 'kms:ViaService' &&
          via !== undefined &&
          [values].flat().some((value) => stacks.text(stack, value).startsWith(`${via}.`))),
    ),
  );
}

/** The actions of a need that a role does not have by policies among `there`, each with a policy that would give it. */
export function lacking(
  stacks: Stacks,
  role: Address,
  need: Need,
  there: ReadonlySet<Address>,
): { action: string; later: Address | null }[] {
  return need.actions.flatMap((action) => {
    const giving = stacks.rolePolicies.filter(
      (policy) =>
        policy.role === role &&
        policy.statements.some((statement) =>
          grants(stacks, policy.address.split('/')[0] ?? '', statement, action, need),
        ),
    );
    return giving.some(({ address }) => there.has(address))
      ? []
      : [{ action, later: giving[0]?.address ?? null }];
  });
}
