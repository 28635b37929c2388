import { z } from 'zod';

/** Stands for an ARN or a name that only a deployment knows. */
const references = (node: Record<string, unknown>): string | undefined => {
  if ('Ref' in node) return pseudo(String(node.Ref));
  const key = ['Fn::GetAtt', 'Fn::ImportValue', 'Fn::GetStackOutput'].find((name) => name in node);
  return key === undefined ? undefined : `arn:aws:lambda:us-east-1:111122223333:function:unknown`;
};

const pseudo = (name: string): string => {
  const known: Record<string, string> = {
    'AWS::Partition': 'aws',
    'AWS::Region': 'us-east-1',
    'AWS::AccountId': '111122223333',
    'AWS::URLSuffix': 'amazonaws.com',
  };
  return known[name] ?? `arn:aws:lambda:us-east-1:111122223333:function:${name}`;
};

const Sub = z.object({ 'Fn::Sub': z.string() });
const Join = z.object({ 'Fn::Join': z.tuple([z.string(), z.array(z.unknown())]) });

const Select = z.object({
  'Fn::Select': z.tuple([
    z.coerce.number(),
    z.object({ 'Fn::Split': z.tuple([z.string(), z.unknown()]) }),
  ]),
});

/** A string of a template with its intrinsic functions carried out, as far as a template alone allows. */
export function resolved(node: unknown): string {
  if (typeof node === 'string') return node;
  const join = Join.safeParse(node);
  if (join.success) {
    const [delimiter, parts] = join.data['Fn::Join'];
    return parts.map(resolved).join(delimiter);
  }
  const template = Sub.safeParse(node);
  if (template.success)
    return template.data['Fn::Sub'].replace(/\$\{([^}]*)\}/g, (_, name: string) => pseudo(name));
  const select = Select.safeParse(node);
  if (select.success) {
    const [index, { 'Fn::Split': split }] = select.data['Fn::Select'];
    const whole = resolved(split[1]);
    return whole.split(split[0])[index] ?? whole;
  }
  const reference = references(z.record(z.string(), z.unknown()).parse(node));
  if (reference === undefined)
    throw new Error(`Unknown intrinsic function: ${JSON.stringify(node)}`);
  return reference;
}
