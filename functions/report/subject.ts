// SNS: "less than 100 characters", ASCII, without line breaks or control characters.
const MAX_SUBJECT_CHARACTERS = 99;

/**
 * A mail subject that SNS accepts. Names and errors may hold any Unicode: accents are removed, and other non-ASCII
 * characters become question marks.
 */
export const subjectOf = (text: string): string =>
  text
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .replace(/\s+/g, ' ')
    .replace(/[^\x20-\x7e]+/g, '?')
    .slice(0, MAX_SUBJECT_CHARACTERS)
    .trim();
