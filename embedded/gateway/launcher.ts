import { NodeHttpHandler } from '@smithy/node-http-handler';

/** Header that proves to the launcher that a request is from the gateway. Only these two processes know the token. */
export const TOKEN_HEADER = 'x-lake-token';
/** Header with the access key whose signature was checked. The launcher refuses a request if it finds another caller. */
export const CALLER_HEADER = 'x-lake-caller';

export const launcherHeaders = (token: string, accessKeyId = ''): Record<string, string> => ({
  [TOKEN_HEADER]: token,
  [CALLER_HEADER]: accessKeyId,
});

type Handle = NodeHttpHandler['handle'];

/** Sends the requests of the gateway's own AWS clients to the launcher. */
export class LauncherHandler extends NodeHttpHandler {
  constructor(private readonly token: string) {
    super();
  }

  override handle(...[request, options]: Parameters<Handle>): ReturnType<Handle> {
    // Added after signing: the launcher removes these headers before ministack reads the request.
    const accessKeyId = /Credential=([^/]+)\//.exec(request.headers['authorization'] ?? '')?.[1];
    Object.assign(request.headers, launcherHeaders(this.token, accessKeyId));
    return super.handle(request, options);
  }
}
