import { S3Client } from '@aws-sdk/client-s3';
import type { LakeBucket } from '../../../functions/lake/objects';

/** This machine's clock shows another time from now on; timers go on as before. */
export function clockOffBy(milliseconds: number): void {
  jest.useRealTimers();
  jest.useFakeTimers({
    now: Date.now() + milliseconds,
    advanceTimers: true,
    doNotFake: [
      'hrtime',
      'nextTick',
      'performance',
      'queueMicrotask',
      'setImmediate',
      'clearImmediate',
      'setInterval',
      'clearInterval',
      'setTimeout',
      'clearTimeout',
    ],
  });
}

export const clockRight = (): void => {
  jest.useRealTimers();
};

type Handler = S3Client['config']['requestHandler'];

/** The same bucket, so much later by S3's own clock. */
export function laterAtS3({ s3, bucket }: LakeBucket, milliseconds: number): LakeBucket {
  const { requestHandler, endpoint, region, credentials } = s3.config;
  const handle: Handler['handle'] = async (request, options) => {
    const answer = await requestHandler.handle(request, options);
    const { headers } = answer.response;
    headers['date'] = new Date(Date.parse(headers['date'] ?? '') + milliseconds).toUTCString();
    return answer;
  };
  const later = new S3Client({
    ...(endpoint && { endpoint }),
    region,
    credentials,
    forcePathStyle: true,
    requestHandler: { handle },
  });
  return { s3: later, bucket };
}
