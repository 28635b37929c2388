import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The cells of each line of test/cases/<name> below the header; `# ` begins a remark, `\u{1f44d}` is a sign. */
export function cases(name: string): string[][] {
  const [, ...lines] = readFileSync(join(__dirname, '..', 'cases', name), 'utf8').split('\n');
  return lines
    .filter((line) => line !== '' && !line.startsWith('# '))
    .map((line) =>
      line
        .split('\t')
        .map((cell) =>
          cell.replace(/\\u\{([0-9a-fA-F]+)\}/g, (_, code: string) =>
            String.fromCodePoint(parseInt(code, 16)),
          ),
        ),
    );
}
