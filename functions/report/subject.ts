// SNS: "less than 100 characters", ASCII, without line breaks or control characters.
const MAX_SUBJECT_CHARACTERS = 99;

/**
 * A mail's subject as SNS takes it. An execution started in the console may have a name in any script, and an
 * error any text: a letter loses its accents, and what is no ASCII then becomes a question mark.
 */
export const subjectOf = (text: string): string =>
  text
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .replace(/\s+/g, ' ')
    .replace(/[^\x20-\x7e]+/g, '?')
    .slice(0, MAX_SUBJECT_CHARACTERS)
    .trim();
