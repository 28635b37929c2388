/** What stands in the way of a deployment, or will stand in the way of its first night. */
export interface Finding {
  /** An error ends the deployment before it begins. */
  level: 'error' | 'warning';
  what: string;
  where: string;
  todo: string;
}

/** `error: what (where): todo` */
export const describeFinding = ({ level, what, where, todo }: Finding): string =>
  `${level}: ${what}\n    where: ${where}\n    do:    ${todo}`;
