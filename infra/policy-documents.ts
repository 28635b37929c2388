import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PolicyDocument } from 'aws-cdk-lib/aws-iam';

/** Values of the placeholders `${Name}` in a policy file; a list replaces an element of an array. */
export type PolicyValues = Readonly<Record<string, string | readonly string[]>>;

const PLACEHOLDER = /\$\{([^}]*)\}/g;
const ONLY_A_PLACEHOLDER = /^\$\{([^}]*)\}$/;

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
  const unused = new Set(Object.keys(values));
  const valueOf = (name: string) => {
    const value = Object.hasOwn(values, name) ? values[name] : undefined;
    if (value === undefined) {
      const known = Object.keys(values).sort().join(', ');
      throw new Error(`${source}: \${${name}} has no value. Known: ${known}`);
    }
    unused.delete(name);
    return value;
  };
  const filled = (part: string) =>
    part.replace(PLACEHOLDER, (placeholder, name: string) => {
      const value = valueOf(name);
      if (typeof value === 'string') return value;
      throw new Error(
        `${source}: ${placeholder} is a list, so it must be a separate element of an array`,
      );
    });
  const element = (item: unknown): unknown => {
    const name = typeof item === 'string' ? ONLY_A_PLACEHOLDER.exec(item)?.[1] : undefined;
    return name === undefined ? rendered(item) : valueOf(name);
  };
  const rendered = (node: unknown): unknown =>
    typeof node === 'string'
      ? filled(node)
      : Array.isArray(node)
        ? node.flatMap(element)
        : typeof node === 'object' && node !== null
          ? Object.fromEntries(
              Object.entries(node).map(([key, value]) => [filled(key), rendered(value)]),
            )
          : node;

  const document = PolicyDocument.fromJson(rendered(parsed(source, text)));
  if (unused.size > 0) {
    const places = [...unused].map((name) => `\${${name}}`).join(', ');
    throw new Error(`${source}: no place for ${places}. Use it, or stop passing it.`);
  }
  const problems = document.validateForResourcePolicy();
  if (problems.length > 0) throw new Error(`${source}: ${problems.join('; ')}`);
  return document;
}

function parsed(source: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Error(`${source} is not JSON: ${String(error)}`, { cause: error });
  }
}
