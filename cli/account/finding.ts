/** A problem that would make the deployment, or later its first run, fail. */
export interface Finding {
  /** An error prevents the deployment; a warning does not. */
  level: 'error' | 'warning';
  what: string;
  where: string;
  todo: string;
}

/** `error: what (where): todo` */
export const describeFinding = ({ level, what, where, todo }: Finding): string =>
  `${level}: ${what}\n    where: ${where}\n    do:    ${todo}`;
