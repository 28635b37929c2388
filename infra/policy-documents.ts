import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PolicyDocument } from 'aws-cdk-lib/aws-iam';

/** Values of the placeholders `${Name}` in a policy file; a list replaces an element of an array. */
export type PolicyValues = Readonly<Record<string, string | readonly string[]>>;

const PLACEHOLDER = /\$\{([^}]*)\}/g;

/**
 * The policy in `policies/<file>` with its placeholders replaced. Throws Error when the file is not JSON, when a
 * placeholder has no value or a value no placeholder: the reviewed policy would then differ from the deployed one.
 */
export function policyDocument(file: string, values: PolicyValues): PolicyDocument {
  const text = readFileSync(join(__dirname, '..', 'policies', file), 'utf8');
  return renderPolicy(`policies/${file}`, text, values);
}

/** As `policyDocument`, from a text; errors name `source`. */
export function renderPolicy(source: string, text: string, values: PolicyValues): PolicyDocument {
  const used = new Set<string>();
  const valueOf = (name: string): string | readonly string[] => {
    const value = Object.hasOwn(values, name) ? values[name] : undefined;
    if (value === undefined) {
      throw new Error(
        `${source}: \${${name}} has no value. Known: ${Object.keys(values).sort().join(', ')}`,
      );
    }
    used.add(name);
    return value;
  };
  const rendered = render(parse(source, text), source, valueOf);
  const unused = Object.keys(values).filter((name) => !used.has(name));
  if (unused.length > 0) {
    throw new Error(
      `${source}: no place for ${unused.map((name) => `\${${name}}`).join(', ')}. Use it, or stop passing it.`,
    );
  }
  const document = PolicyDocument.fromJson(rendered);
  const problems = document.validateForResourcePolicy();
  if (problems.length > 0) throw new Error(`${source}: ${problems.join('; ')}`);
  return document;
}

function parse(source: string, text: string): unknown {
  try {
    const parsed: unknown = JSON.parse(text);
    return parsed;
  } catch (error) {
    throw new Error(
      `${source} is not JSON: ${error instanceof Error ? error.message : String(error)}`,
      { cause: error },
    );
  }
}

type Lookup = (name: string) => string | readonly string[];

function render(node: unknown, source: string, valueOf: Lookup): unknown {
  if (typeof node === 'string') return renderText(node, source, valueOf);
  if (Array.isArray(node)) return node.flatMap((element) => spread(element, source, valueOf));
  if (typeof node === 'object' && node !== null) {
    return Object.fromEntries(
      Object.entries(node).map(([key, value]) => [
        renderText(key, source, valueOf),
        render(value, source, valueOf),
      ]),
    );
  }
  return node;
}

/** Replaces an array element that is only a placeholder with all values of its list. */
function spread(element: unknown, source: string, valueOf: Lookup): unknown[] {
  const name = typeof element === 'string' ? /^\$\{([^}]*)\}$/.exec(element)?.[1] : undefined;
  if (name === undefined) return [render(element, source, valueOf)];
  const value = valueOf(name);
  return typeof value === 'string' ? [value] : [...value];
}

function renderText(text: string, source: string, valueOf: Lookup): string {
  return text.replace(PLACEHOLDER, (placeholder, name: string) => {
    const value = valueOf(name);
    if (typeof value !== 'string') {
      throw new Error(
        `${source}: ${placeholder} is a list, so it must be a separate element of an array`,
      );
    }
    return value;
  });
}
