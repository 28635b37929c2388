import { bucketNameProblem } from '../../infra/bucket-name';
import { settingsFor } from '../../infra/config';
import { dataStack } from './synthesis';
import { Template } from 'aws-cdk-lib/assertions';

test.each([
  ['ab', '2 characters'],
  ['a'.repeat(64), '64 characters'],
  ['Manan-Lake', 'capital letters'],
  ['manan_lake', 'character "_"'],
  ['manan lake', 'character " "'],
  ['mänan', 'character "ä"'],
  ['-manan', 'begin and end'],
  ['manan-', 'begin and end'],
  ['manan.', 'begin and end'],
  ['manan..lake', 'two dots'],
  ['192.168.5.4', 'IP address'],
  ['manan.lake', 'TLS'],
  ['xn--manan', 'xn--'],
  ['sthree-manan', 'sthree-'],
  ['sthree-configurator', 'sthree-'],
  ['amzn-s3-demo-manan', 'amzn-s3-demo-'],
  ['manan-s3alias', '-s3alias'],
  ['manan--ol-s3', '--ol-s3'],
  ['manan--x-s3', '--x-s3'],
  ['manan--table-s3', '--table-s3'],
  ['manan.mrap', 'TLS'],
  ['manan-111122223333-us-east-1-an', '-an'],
])('%j is no name for the bucket: %s', (name, why) => {
  expect(bucketNameProblem(name)).toContain(why);
  expect(() => settingsFor('dev', { bucketName: name })).toThrow(/bucketName/);
});

test.each(['abc', 'manan-data-lake-bucket', '1-2', 'a'.repeat(63), 'plan-an-lake'])(
  '%j is a name for the bucket',
  (name) => {
    expect(bucketNameProblem(name)).toBeNull();
    expect(settingsFor('prod', { bucketName: name }).bucketName).toBe(name);
  },
);

test('the bucket has the name that is set, and else one of CloudFormation', () => {
  const namesIn = (stack: ReturnType<typeof dataStack>) =>
    Object.values(Template.fromStack(stack).findResources('AWS::S3::Bucket'))
      .map(({ Properties }) => Properties.BucketName)
      .filter((name) => name !== undefined);

  expect(namesIn(dataStack('dev', { bucketName: 'manan-data-lake-bucket' }))).toEqual([
    'manan-data-lake-bucket',
  ]);
  expect(namesIn(dataStack('dev'))).toEqual([]);
});
