import { isIPv4 } from 'node:net';

const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '[::1]' || (isIPv4(host) && host.startsWith('127.'));

/** Whether a bearer token may be sent to an address: over TLS, or without leaving this machine. */
export function keepsTokenSecret(address: string): boolean {
  const { protocol, hostname } = new URL(address);
  return protocol === 'https:' || (protocol === 'http:' && isLoopback(hostname));
}

export const tokenInClear =
  'must begin with https://: the bearer token would travel in clear text. Plain http is for servers of this machine (127.0.0.1, localhost)';
