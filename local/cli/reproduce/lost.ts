import { ListObjectsV2Command, type S3Client } from '@aws-sdk/client-s3';
import type { TrainingRequest } from '../../../functions/model/training-inputs';
import type { Session } from '../../cloud/session';

/** What a model was trained on and is no longer as it was. */
export interface Lost {
  /** Without these a training job cannot start. */
  gone: string[];
  /** These are there, and another text stands in them. */
  changed: string[];
}

/** Looks for every object that the training saw: tweets are forgotten on request, and old versions of a day expire. */
export async function lookForLost(session: Session, request: TrainingRequest): Promise<Lost> {
  const { labeller, analyst } = session.people;
  const lost: Lost = { gone: [], changed: [] };
  for (const { uri, etag } of request.labels) {
    const found = (await etagsBelow(labeller.s3, uri)).get(uri);
    if (found === undefined) lost.gone.push(`labels ${uri}`);
    else if (found !== etag) lost.changed.push(`labels ${uri}`);
  }
  for (const { date, version, location } of request.cleaned_data) {
    if ((await etagsBelow(analyst.s3, location)).size === 0)
      lost.gone.push(`the day ${date} in version ${version}`);
  }
  return lost;
}

/** ETags of the first thousand objects below an address, by their own. */
async function etagsBelow(s3: S3Client, uri: string): Promise<Map<string, string>> {
  const [, bucket = '', key = ''] = /^s3:\/\/([^/]+)\/(.*)$/s.exec(uri) ?? [];
  const { Contents = [] } = await s3.send(
    new ListObjectsV2Command({ Bucket: bucket, Prefix: key }),
  );
  return new Map(Contents.map(({ Key = '', ETag = '' }) => [`s3://${bucket}/${Key}`, ETag]));
}
