import { Stack, Validations } from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';
import { z } from 'zod';

/**
 * Gives the reason why a construct does not follow a rule of cdk-nag's AwsSolutions. `test/infra/standards.test.ts`
 * runs the rules. It fails for a finding without an acknowledgement and for an acknowledgement without a finding.
 *
 * @param rule without the pack's name: `SMG4`, `IAM5[Resource::*]`
 */
export function acknowledge(construct: IConstruct, rule: string, reason: string): void {
  Validations.of(construct).acknowledge({ id: `AwsSolutions-${rule}`, reason });
}

/** Acknowledges each wildcard in actions and resources separately, so a new wildcard is a new finding. */
export function acknowledgeWildcards(
  construct: IConstruct,
  { actions = [], resources }: { actions?: readonly string[]; resources: readonly string[] },
  reason: string,
): void {
  const stack = Stack.of(construct);
  const findings = [
    ...actions.map((action) => `Action::${action}`),
    ...resources.map((resource) => `Resource::${flat(stack.resolve(resource))}`),
  ];
  for (const finding of new Set(findings)) {
    if (finding.includes('*')) acknowledge(construct, `IAM5[${finding}]`, reason);
  }
}

const Reference = z.union([
  z.strictObject({ Ref: z.string() }).transform(({ Ref }) => `<${Ref}>`),
  z
    .strictObject({ 'Fn::GetAtt': z.tuple([z.string(), z.string()]) })
    .transform((reference) => `<${reference['Fn::GetAtt'].join('.')}>`),
]);
const Joined = z.strictObject({ 'Fn::Join': z.tuple([z.string(), z.array(z.unknown())]) });

/** Formats a resolved string like cdk-nag's findings. Throws Error for functions other than Ref, GetAtt and Join. */
function flat(node: unknown): string {
  if (typeof node === 'string') return node;
  const joined = Joined.safeParse(node);
  if (!joined.success) return Reference.parse(node);
  const [delimiter, parts] = joined.data['Fn::Join'];
  return parts.map(flat).join(delimiter);
}
