/**
 * Whether the model reads a tweet. X's `und` (it could not tell) is a language like any other; a tweet without
 * one was found by a search that says its language, or imported by somebody who knows it: it is read.
 */
export const isRead = (languages: readonly string[], lang: string | null): boolean =>
  lang === null || languages.includes(lang);

/** As the queries take them. */
export const languageList = (languages: readonly string[]): string => languages.join(',');
