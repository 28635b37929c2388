import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { cbor } from '@smithy/core/cbor';
import { AwsError, sendError } from '../protocol';

/** Signing names of services that respond with XML; `sqs` can use XML or JSON. */
const QUERY_SERVICES = new Set(['cloudformation', 'iam', 'monitoring', 'sns', 'sqs', 'sts']);

/** Each error's names: S3 has its own, JSON services add `Exception`. */
const NAMES: Record<string, { json: string; s3?: string }> = {
  ExpiredToken: { json: 'ExpiredTokenException' },
  IncompleteSignature: { json: 'IncompleteSignatureException', s3: 'AuthorizationHeaderMalformed' },
  InvalidClientTokenId: { json: 'UnrecognizedClientException', s3: 'InvalidAccessKeyId' },
  MissingAuthenticationToken: { json: 'MissingAuthenticationTokenException' },
  SignatureDoesNotMatch: { json: 'InvalidSignatureException' },
};

/** Sends an authentication error in the form of the called service, and closes the connection. */
export function sendRefusal(req: IncomingMessage, res: ServerResponse, error: AwsError): void {
  if (res.headersSent) {
    res.destroy();
    return;
  }
  // The body was not read, so the next bytes of this connection are not a request.
  if (!req.complete) res.setHeader('Connection', 'close');
  const protocol = protocolOf(req);
  const names = NAMES[error.code];
  if (protocol === 'json') {
    sendError(res, new AwsError(names?.json ?? error.code, error.message, error.status));
    return;
  }
  if (protocol === 'cbor') {
    const answer = { __type: names?.json ?? error.code, message: error.message };
    res.setHeader('Smithy-Protocol', 'rpc-v2-cbor');
    res.writeHead(error.status, { 'Content-Type': 'application/cbor' });
    res.end(cbor.serialize(answer));
    return;
  }
  const code = protocol === 's3' ? (names?.s3 ?? error.code) : error.code;
  const inner = `<Code>${escaped(code)}</Code><Message>${escaped(error.message)}</Message>`;
  const id = randomUUID();
  const body =
    protocol === 's3'
      ? `<?xml version="1.0" encoding="UTF-8"?>\n<Error>${inner}<RequestId>${id}</RequestId></Error>`
      : `<ErrorResponse><Error><Type>Sender</Type>${inner}</Error><RequestId>${id}</RequestId></ErrorResponse>`;
  res.writeHead(error.status, {
    'Content-Type': protocol === 's3' ? 'application/xml' : 'text/xml',
    'Content-Length': Buffer.byteLength(body),
    'x-amzn-RequestId': id,
  });
  res.end(req.method === 'HEAD' ? undefined : body);
}

function protocolOf(req: IncomingMessage): 'json' | 'cbor' | 'query' | 's3' {
  const { authorization = '', 'content-type': type = '' } = req.headers;
  if (req.headers['smithy-protocol'] === 'rpc-v2-cbor') return 'cbor';
  if (req.headers['x-amz-target'] !== undefined || /json|cbor/.test(type)) return 'json';
  if (type.startsWith('application/x-www-form-urlencoded')) return 'query';
  const service = /Credential=[^/,\s]+\/[^/]*\/[^/]*\/([^/]+)\//.exec(authorization)?.[1];
  if (service === undefined || service === 's3') return 's3';
  return QUERY_SERVICES.has(service) ? 'query' : 'json';
}

const escaped = (text: string): string =>
  text.replace(/[<>&"']/g, (sign) => `&#${sign.charCodeAt(0)};`).replace(/[^\t\n\r -\uffff]/g, '?');
