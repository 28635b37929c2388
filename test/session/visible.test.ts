import { openScreen, type Screen } from '../../cli/screen';
import { describeError, onScreen, paint, shortened, visible } from '../../session/visible';

const ESC = '\x1b';

test.each([
  ['a clipboard write', `${ESC}]52;c;Y3VybA==\x07 love`, '\\u{1b}]52;c;Y3VybA==\\u{7} love'],
  ['a cleared screen', `${ESC}[2J${ESC}[1;1H`, '\\u{1b}[2J\\u{1b}[1;1H'],
  ['a C1 sequence', '\x9b31m', '\\u{9b}31m'],
  ['an overwritten line', 'nice\rOVERWRITTEN', 'nice\\u{d}OVERWRITTEN'],
  ['a turned line', 'a\u202eb\u2066c\u200fd\u061c', 'a\\u{202e}b\\u{2066}c\\u{200f}d\\u{61c}'],
  ['a tag in disguise', 'ok\u{e0041}', 'ok\\u{e0041}'],
  ['half of a pair', 'a\ud800b', 'a\\u{d800}b'],
  ['DEL', '\x7f', '\\u{7f}'],
])('makes visible: %s', (_, text, shown) => {
  expect(visible(text)).toBe(shown);
});

test('leaves alone what people write', () => {
  const text = 'line\n\tüñ 中文 العربية हिन्दी 👩‍👩‍👧 ❤️ “quoted” – ✓ ⠋';

  expect(visible(text)).toBe(text);
});

function printed(print: (screen: Screen) => void): string {
  const written: string[] = [];
  const screen = openScreen({ isTTY: true, columns: 200, write: (text) => written.push(text) });
  print(screen);
  screen.rest();
  return written.join('');
}

test('a line and what is going on now cannot act on the terminal; our own colours can', () => {
  const hostile = `${ESC}]0;OWNED\x07\u202e`;

  const text = printed((screen) => {
    screen.live(`reading ${hostile}\nnext`);
    screen.say(`${paint(31, '✗')} ${hostile}`);
  });

  expect(text).toContain(`${ESC}[31m✗${ESC}[0m \\u{1b}]0;OWNED\\u{7}\\u{202e}\n`);
  expect(text).toContain('reading \\u{1b}]0;OWNED\\u{7}\\u{202e} next');
  expect(text).not.toContain(`${ESC}]`);
});

test('no text but ours begins a colour', () => {
  const [, nonce = ''] = /<([0-9a-f]+):/.exec(paint(31, '')) ?? [];

  expect(nonce).toHaveLength(16);
  expect(onScreen('<0000000000000000:31>red')).toBe('<0000000000000000:31>red');
});

test("another server's answer is one short line", () => {
  const line = shortened(`401: \x1b[2J\n${'x'.repeat(500)}`, 40);

  expect(line).toMatch(/^401: \\u\{1b\}\[2J x+…$/);
  expect(line).toHaveLength(40);
});

test('an error is its sentence, or all that a defect left', () => {
  expect(describeError(Object.assign(new Error('say this'), { oneLine: true }))).toBe('say this');
  expect(describeError(new Error('defect'))).toContain('at ');
});
