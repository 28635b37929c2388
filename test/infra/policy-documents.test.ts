import { App, Stack } from 'aws-cdk-lib';
import { policyDocument, renderPolicy } from '../../infra/policy-documents';
import { TEMPLATES_ALONE } from './synthesis';

const policy = (resource: unknown) =>
  JSON.stringify({
    Version: '2012-10-17',
    Statement: [{ Effect: 'Deny', Principal: '*', Action: 's3:*', Resource: resource }],
  });

const rendered = (text: string, values: Parameters<typeof renderPolicy>[2]): unknown => {
  const stack = new Stack(new App(TEMPLATES_ALONE), 'Rendering');
  return stack.resolve(renderPolicy('policies/some.json', text, values));
};

test('placeholders are replaced inside of texts', () => {
  expect(rendered(policy('${BucketArn}/*'), { BucketArn: 'arn:aws:s3:::b' })).toMatchObject({
    Statement: [{ Resource: 'arn:aws:s3:::b/*' }],
  });
});

test('a list takes the place of an element of an array', () => {
  expect(rendered(policy(['a', '${More}', 'd']), { More: ['b', 'c'] })).toMatchObject({
    Statement: [{ Resource: ['a', 'b', 'c', 'd'] }],
  });
});

test.each<[string, string, Parameters<typeof renderPolicy>[2], RegExp]>([
  [
    'a placeholder without a value',
    policy('${Buket}'),
    { Bucket: 'b' },
    /policies\/some\.json: \$\{Buket\} has no value\. Known: Bucket/,
  ],
  ['a name that every object has', policy('${constructor}'), {}, /\$\{constructor\} has no value/],
  [
    'a value without a placeholder',
    policy('*'),
    { KeyArn: 'k' },
    /policies\/some\.json: no place for \$\{KeyArn\}/,
  ],
  ['a list inside of a text', policy('${Arns}/*'), { Arns: ['a'] }, /\$\{Arns\} is a list/],
  ['a list that is not in an array', policy('${Arns}'), { Arns: ['a'] }, /\$\{Arns\} is a list/],
  ['a text that is not JSON', '{', {}, /policies\/some\.json is not JSON/],
  [
    'a statement without a principal',
    JSON.stringify({
      Version: '2012-10-17',
      Statement: [{ Effect: 'Allow', Action: 's3:*', Resource: '*' }],
    }),
    {},
    /policies\/some\.json: .*principal/,
  ],
])('%s is an error that names the file', (_, text, values, message) => {
  expect(() => renderPolicy('policies/some.json', text, values)).toThrow(message);
});

test('the policies of the lake are refused when a value is missing', () => {
  expect(() => policyDocument('S3_bucket_policy.json', { BucketArn: 'b' })).toThrow(
    /policies\/S3_bucket_policy\.json: \$\{\w+\} has no value/,
  );
});
