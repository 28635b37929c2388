import {
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectVersionsCommand,
  type DeleteMarkerEntry,
  type ObjectVersion,
} from '@aws-sdk/client-s3';
import type { LakeBucket } from './objects';

export interface Version {
  id: string;
  etag: string;
  isCurrent: boolean;
  isMarker: boolean;
  /** Size; an empty version (a folder marker of a console) holds no personal data. */
  bytes: number;
  modified: Date;
}

/** All versions of an object, the newest first, markers of deletions included. */
export interface Versions {
  key: string;
  versions: Version[];
}

type Listed = (ObjectVersion | DeleteMarkerEntry) & { marker: boolean };

/** Every key below a prefix with all its versions, whether there is a current one or not. */
export async function* versionsBelow(
  { s3, bucket }: LakeBucket,
  prefix: string,
): AsyncGenerator<Versions> {
  // A key's versions may continue on the next page: hold the last key back.
  let held: Versions[] = [];
  let KeyMarker: string | undefined;
  let VersionIdMarker: string | undefined;
  do {
    const page = await s3.send(
      new ListObjectVersionsCommand({ Bucket: bucket, Prefix: prefix, KeyMarker, VersionIdMarker }),
    );
    const listed: Listed[] = [
      ...(page.Versions ?? []).map((version) => ({ ...version, marker: false })),
      ...(page.DeleteMarkers ?? []).map((marker) => ({ ...marker, marker: true })),
    ];
    for (const [key, versions] of byKey(listed)) {
      const [last] = held;
      if (last?.key === key) last.versions.push(...versions);
      else {
        if (last) yield sorted(last);
        held = [{ key, versions }];
      }
    }
    KeyMarker = page.IsTruncated ? page.NextKeyMarker : undefined;
    VersionIdMarker = page.IsTruncated ? page.NextVersionIdMarker : undefined;
  } while (KeyMarker !== undefined);
  yield* held.map(sorted);
}

/** All versions of one key; an empty list if it never existed. */
export async function versionsOf(lake: LakeBucket, key: string): Promise<Versions> {
  for await (const found of versionsBelow(lake, key)) {
    // Keys are sorted: this key comes before every longer key with the same prefix.
    return found.key === key ? found : { key, versions: [] };
  }
  return { key, versions: [] };
}

function byKey(listed: readonly Listed[]): [string, Version[]][] {
  const keys = new Map<string, Version[]>();
  for (const {
    Key = '',
    VersionId = 'null',
    IsLatest = false,
    LastModified = new Date(0),
    marker,
    ...rest
  } of listed) {
    const etag = 'ETag' in rest ? (rest.ETag ?? '') : '';
    const version = {
      id: VersionId,
      etag,
      isCurrent: IsLatest,
      isMarker: marker,
      bytes: 'Size' in rest ? (rest.Size ?? 0) : 0,
      modified: LastModified,
    };
    keys.set(Key, [...(keys.get(Key) ?? []), version]);
  }
  return [...keys].sort(([a], [b]) => (a < b ? -1 : 1));
}

const sorted = ({ key, versions }: Versions): Versions => ({
  key,
  versions: versions.toSorted(
    (a, b) =>
      Number(b.isCurrent) - Number(a.isCurrent) || b.modified.valueOf() - a.modified.valueOf(),
  ),
});

export async function readVersion(
  { s3, bucket }: LakeBucket,
  key: string,
  version: string,
): Promise<Uint8Array> {
  const object = await s3.send(
    new GetObjectCommand({ Bucket: bucket, Key: key, VersionId: version }),
  );
  return (await object.Body?.transformToByteArray()) ?? new Uint8Array();
}

/** Deletes one version permanently; without a version id, adds a delete marker and keeps the old versions. */
export async function deleteVersion(
  { s3, bucket }: LakeBucket,
  key: string,
  version?: string,
): Promise<void> {
  await s3.send(
    new DeleteObjectCommand({
      Bucket: bucket,
      Key: key,
      ...(version !== undefined && { VersionId: version }),
    }),
  );
}

/** Deletes all versions of an object; returns how many were not empty. */
export async function deleteAllVersions(
  lake: LakeBucket,
  { key, versions }: Versions,
): Promise<number> {
  // Delete the current version last; otherwise an older one would become current for a moment.
  for (const { id } of versions.toReversed()) await deleteVersion(lake, key, id);
  return versions.filter(({ isMarker }) => !isMarker).length;
}
