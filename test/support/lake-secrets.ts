import type { ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';

/** What a launcher is told on its standard input. */
export interface LakeSecrets {
  token: string;
  rootSecret: string;
}

const secret = (): string => randomBytes(30).toString('base64url');

export const lakeSecrets = (): LakeSecrets => ({ token: secret(), rootSecret: secret() });

/** Gives a launcher that was just started its secrets; its stdin must be a pipe. */
export function tell(launcher: ChildProcess, secrets: LakeSecrets): void {
  launcher.stdin?.end(`${JSON.stringify(secrets)}\n`);
}
