import { ListObjectsV2Command, type S3Client } from '@aws-sdk/client-s3';
import type { TrainingRequest } from '../../functions/model/training-inputs';
import { readForgottenMark } from '../../functions/model/forgotten-mark';
import type { Session } from '../../session/session';

/** Training data that are gone or have changed. */
export interface Lost {
  /** A training job cannot start without these: they were erased, or `keepDays` has expired. */
  forgotten: string[];
  expired: string[];
  /** Objects that exist with another content. */
  changed: string[];
}

/** Looks for every object that the training read. */
export async function lookForLost(
  session: Pick<Session, 'people' | 'outputs'>,
  version: string,
  request: TrainingRequest,
): Promise<Lost> {
  const { labeller, analyst } = session.people;
  const lost: Lost = { forgotten: [], expired: [], changed: [] };
  const bucket = { s3: analyst.s3, bucket: session.outputs.BucketName };
  const mark = await readForgottenMark(bucket, version);
  const marked = new Set([
    ...(mark?.labels ?? []),
    ...(mark?.cleaned ?? []).map((day) => `${day.date} ${day.version}`),
  ]);
  for (const { uri, etag } of request.labels) {
    const found = (await etagsBelow(labeller.s3, uri)).get(uri);
    if (found === undefined) lost[marked.has(uri) ? 'forgotten' : 'expired'].push(`labels ${uri}`);
    else if (found !== etag) lost.changed.push(`labels ${uri}`);
  }
  for (const { date, version: snapshot, location } of request.cleaned_data) {
    if ((await etagsBelow(analyst.s3, location)).size > 0) continue;
    const why = marked.has(`${date} ${snapshot}`) ? 'forgotten' : 'expired';
    lost[why].push(`snapshot ${snapshot} of ${date}`);
  }
  return lost;
}

/** ETags of the first thousand objects below an S3 address, by their address. */
async function etagsBelow(s3: S3Client, uri: string): Promise<Map<string, string>> {
  const [, bucket = '', key = ''] = /^s3:\/\/([^/]+)\/(.*)$/s.exec(uri) ?? [];
  const { Contents = [] } = await s3.send(
    new ListObjectsV2Command({ Bucket: bucket, Prefix: key }),
  );
  return new Map(Contents.map(({ Key = '', ETag = '' }) => [`s3://${bucket}/${Key}`, ETag]));
}
