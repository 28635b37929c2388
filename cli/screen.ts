import { onScreen, visible } from '../session/visible';

const frames = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];

export interface Screen {
  /** Whether the output is a terminal: then the live line is redrawn. */
  readonly isTerminal: boolean;
  /** Width of a line in characters; 120 where there is no terminal. */
  readonly columns: number;
  /** On a terminal, unless NO_COLOR is set (no-color.org). */
  readonly hasColours: boolean;
  /** Prints a line that stays. Control characters in texts of others are escaped. */
  say: (line?: string) => void;
  /** Shows the current activity until the next `say`, `live` or `rest`; `since` counts the seconds. */
  live: (text: string, since?: number) => void;
  /** Ends the live line. */
  rest: () => void;
}

export const seconds = (millis: number): string => {
  if (millis < 99_950) return `${(millis / 1000).toFixed(1)} s`;
  const whole = Math.round(millis / 1000);
  return `${Math.floor(whole / 60)} min ${whole % 60} s`;
};

/** What a screen uses of a terminal's stream. */
interface Output {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write: (text: string) => unknown;
}

/** A screen on a terminal; elsewhere plain lines without the live line. */
export function openScreen(output: Output = process.stdout): Screen {
  const isTerminal = output.isTTY === true && process.env.TERM !== 'dumb';
  const hasColours = isTerminal && !process.env.NO_COLOR;
  let current: { text: string; since: number } | null = null;
  let frame = 0;
  let timer: NodeJS.Timeout | null = null;

  const clear = () => {
    if (isTerminal && current) output.write('\r\x1b[2K');
  };
  const draw = () => {
    if (!current) return;
    frame = (frame + 1) % frames.length;
    const text = visible(current.text).replaceAll('\n', ' ');
    const line = `${frames[frame]} ${text}  ${seconds(Date.now() - current.since)}`;
    output.write(`\r\x1b[2K${line.slice(0, (output.columns ?? 80) - 1)}`);
  };

  const rest = () => {
    clear();
    current = null;
    if (timer) clearInterval(timer);
    timer = null;
  };
  return {
    isTerminal,
    get columns() {
      return output.columns ?? 120;
    },
    hasColours,
    say: (line = '') => {
      clear();
      output.write(`${onScreen(line)}\n`);
      if (isTerminal) draw();
    },
    live: (text, since = Date.now()) => {
      if (!isTerminal) return;
      current = { text, since: current?.text === text ? current.since : since };
      timer ??= setInterval(draw, 100);
      draw();
    },
    rest,
  };
}

/** The screen for errors and notices: standard error. */
export const openErrorScreen = (): Screen => openScreen(process.stderr);

/** Prints a value as JSON. Control characters are escaped as in JSON, so the output stays valid. */
export const sayJson = (screen: Screen, value: unknown): void =>
  screen.say(
    JSON.stringify(value, null, 2).replace(/[^\x20-\x7e]/gu, (sign) =>
      visible(sign) === sign
        ? sign
        : sign
            .split('')
            .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
            .join(''),
    ),
  );

/** Characters that take two columns of a terminal: emoji, and those of East Asian scripts. */
const WIDE =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}/u;

/** The beginning of a line that fits into so many columns; a cut one ends in `…`. */
export function fitted(line: string, columns: number): string {
  const signs = [...line].map((sign) => ({ sign, width: WIDE.test(sign) ? 2 : 1 }));
  if (signs.reduce((sum, { width }) => sum + width, 0) <= columns) return line;
  let kept = '';
  let used = 1;
  for (const { sign, width } of signs) {
    used += width;
    if (used > columns) break;
    kept += sign;
  }
  return `${kept}…`;
}
