import { z } from 'zod';

/** Prefixes and suffixes that S3 reserves. */
const reserved = {
  beginnings: ['xn--', 'sthree-', 'amzn-s3-demo-'],
  endings: ['-s3alias', '--ol-s3', '--x-s3', '--table-s3', '-an'],
};

/**
 * Returns what is wrong with a name for the lake's bucket, or null. The rules are from "General purpose bucket naming
 * rules" in S3's user guide, except for dots: S3 allows them, but its certificate does not cover
 * <name>.s3.amazonaws.com then, and every client would refuse the connection.
 */
export function bucketNameProblem(name: string): string | null {
  if (name.length < 3 || name.length > 63) return `has ${name.length} characters; S3 takes 3 to 63`;
  // Checked before the rule on dots, which would hide these more exact messages.
  if (/^\d{1,3}(\.\d{1,3}){3}$/.test(name)) return 'looks like an IP address';
  if (name.includes('..')) return 'has two dots in a row';
  if (/[A-Z]/.test(name)) return 'has capital letters; S3 takes lower case only';
  const odd = /[^a-z0-9.-]/u.exec(name)?.[0];
  if (odd !== undefined)
    return `has the character "${odd}"; S3 takes lower-case letters, digits and hyphens`;
  if (!/^[a-z0-9].*[a-z0-9]$/.test(name)) return 'must begin and end with a letter or a digit';
  if (name.includes('.'))
    return "has a dot, which S3's TLS certificate does not cover: use hyphens";
  const beginning = reserved.beginnings.find((one) => name.startsWith(one));
  if (beginning !== undefined) return `begins with ${beginning}, which S3 keeps for itself`;
  const ending = reserved.endings.find((one) => name.endsWith(one));
  if (ending !== undefined) return `ends with ${ending}, which S3 keeps for itself`;
  return null;
}

/** A name for the lake's bucket. */
export const BucketName = z.string().superRefine((name, context) => {
  const problem = bucketNameProblem(name);
  if (problem !== null) context.addIssue({ code: 'custom', message: `"${name}" ${problem}` });
});
