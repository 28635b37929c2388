import { NodeHttpHandler } from '@smithy/node-http-handler';

/** Proves to the launcher that the gateway asks; it never leaves this machine, nor these two processes. */
export const TOKEN_HEADER = 'x-lake-token';
/** Whose signature was checked: the launcher refuses a request in which it would see another caller. */
export const CALLER_HEADER = 'x-lake-caller';

export const launcherHeaders = (token: string, accessKeyId = ''): Record<string, string> => ({
  [TOKEN_HEADER]: token,
  [CALLER_HEADER]: accessKeyId,
});

type Handle = NodeHttpHandler['handle'];

/** Takes the requests of the gateway's own AWS clients to the launcher. */
export class LauncherHandler extends NodeHttpHandler {
  constructor(private readonly token: string) {
    super();
  }

  override handle(...[request, options]: Parameters<Handle>): ReturnType<Handle> {
    // After the signature: the launcher takes these headers off before ministack looks at it.
    const accessKeyId = /Credential=([^/]+)\//.exec(request.headers['authorization'] ?? '')?.[1];
    Object.assign(request.headers, launcherHeaders(this.token, accessKeyId));
    return super.handle(request, options);
  }
}
