/**
 * X's own words in the place of a post that it withholds: `This Tweet from @ada has been withheld in: Germany.`,
 * `@ada's account is withheld in Greece, Hong Kong. Learn more.`, in a retweet behind its mark. Whole texts alone: a
 * person may write about such a notice. As in etl/withheld.py: test/cases/withheld.tsv holds both to it.
 */
const SUBJECT =
  "(?:RT @\\w{1,15}: )?(?:This (?:Tweet|Post|post) from @\\w{1,15}|(?:Account )?@\\w{1,15}(?:['\\u2019]s account)?|This account)";
const WORD = "(?:(?:d['\\u2019])?\\p{Lu}[\\p{L}\\p{M}.'\\u2019()-]*|of|the|and|da|de)";
const REST =
  `(?: in:? ${WORD}(?:,? ${WORD})*| worldwide)?` +
  '(?: in response to (?:a |an )?(?:valid )?(?:legal demands?|reports? from the copyright holder)| based on local laws?(?:\\(s\\))?)?' +
  '[.,]*(?: Learn more\\.?)?(?: ?https?://\\S+)?\\s*';
const NOTICE = new RegExp(`^${SUBJECT} (?:is|has been) withheld${REST}$`, 'u');
/** Where the post says that it is withheld, its notice may be of a wording that nobody has seen yet. */
const BEGINS_LIKE_ONE = new RegExp(`^${SUBJECT} [^\\n]{0,40}\\b(?:withheld|unavailable)\\b`, 'u');
const LONGEST = 1000;

/** Whether a text is X's notice. `isMarked`: the post carries `withheld`. */
export const isWithheldNotice = (text: string, isMarked = false): boolean =>
  text.length <= LONGEST && (NOTICE.test(text) || (isMarked && BEGINS_LIKE_ONE.test(text)));
