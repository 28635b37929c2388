import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import ts from 'typescript';

/** What a command's code can send to AWS, read from its source: an upper bound, since no branch is left out. */
export interface Sent {
  /** `s3:HeadObject` and its like, by the SDK's name of the operation, with one place in the code that sends it. */
  readonly operations: ReadonlyMap<string, string>;
  /** Which clients of `People` (session/people.ts) it assumes. */
  readonly people: ReadonlySet<string>;
}

const root = resolve(__dirname, '..', '..', '..');

interface Imported {
  readonly module: string;
  /** `*` where the whole module is. */
  readonly name: string;
}

interface Source {
  readonly file: ts.SourceFile;
  /** By name: what stands at the top of the file. */
  readonly declared: Map<string, ts.Node>;
  readonly imported: Map<string, Imported>;
}

const sources = new Map<string, Source>();

function sourceOf(path: string): Source {
  const known = sources.get(path);
  if (known) return known;
  const file = ts.createSourceFile(path, readFileSync(path, 'utf8'), ts.ScriptTarget.Latest, true);
  const source: Source = { file, declared: new Map(), imported: new Map() };
  for (const statement of file.statements) takeUp(source, statement);
  sources.set(path, source);
  return source;
}

function takeUp({ declared, imported }: Source, statement: ts.Statement): void {
  if (ts.isImportDeclaration(statement) && ts.isStringLiteral(statement.moduleSpecifier)) {
    const module = statement.moduleSpecifier.text;
    const clause = statement.importClause;
    if (!clause || clause.isTypeOnly) return;
    if (clause.name) imported.set(clause.name.text, { module, name: 'default' });
    const bindings = clause.namedBindings;
    if (bindings && ts.isNamespaceImport(bindings))
      imported.set(bindings.name.text, { module, name: '*' });
    if (bindings && ts.isNamedImports(bindings))
      for (const { name, propertyName, isTypeOnly } of bindings.elements)
        if (!isTypeOnly) imported.set(name.text, { module, name: (propertyName ?? name).text });
    return;
  }
  if (
    ts.isExportDeclaration(statement) &&
    statement.moduleSpecifier &&
    ts.isStringLiteral(statement.moduleSpecifier) &&
    statement.exportClause &&
    ts.isNamedExports(statement.exportClause)
  ) {
    for (const { name, propertyName } of statement.exportClause.elements)
      imported.set(name.text, {
        module: statement.moduleSpecifier.text,
        name: (propertyName ?? name).text,
      });
    return;
  }
  if (ts.isVariableStatement(statement)) {
    for (const declaration of statement.declarationList.declarations)
      for (const name of namesIn(declaration.name)) declared.set(name, declaration);
    return;
  }
  if ((ts.isFunctionDeclaration(statement) || ts.isClassDeclaration(statement)) && statement.name)
    declared.set(statement.name.text, statement);
}

const namesIn = (name: ts.BindingName): string[] =>
  ts.isIdentifier(name)
    ? [name.text]
    : name.elements.flatMap((element) =>
        ts.isBindingElement(element) ? namesIn(element.name) : [],
      );

/** A file of ours; null for a package. */
function fileOf(from: string, module: string): string | null {
  if (!module.startsWith('.')) return null;
  const path = resolve(dirname(from), module);
  const found = [`${path}.ts`, join(path, 'index.ts'), path].find(
    (one) => one.endsWith('.ts') && existsSync(one),
  );
  return found ?? null;
}

const placeOf = (node: ts.Node): string => {
  const file = node.getSourceFile();
  const { line } = file.getLineAndCharacterOfPosition(node.getStart());
  return `${relative(root, file.fileName)}:${line + 1}`;
};

/** `@aws-sdk/client-s3`, `GetObjectCommand` → `s3:GetObject`; null for what sends nothing. */
function operationOf({ module, name }: Imported): string | null {
  const [, service] = /^@aws-sdk\/client-([\w-]+)$/.exec(module) ?? [];
  const [, operation] = /^(?:paginate)?([A-Z]\w*?)(?:Command)?$/.exec(name) ?? [];
  if (service === undefined || operation === undefined) return null;
  return /Command$|^paginate/.test(name) ? `${service}:${operation}` : null;
}

/** The SDK's waiters, and what each asks again and again. */
const waiters: Readonly<Record<string, string>> = {
  waitUntilStackDeleteComplete: 'cloudformation:DescribeStacks',
};

class Walk implements Sent {
  readonly operations = new Map<string, string>();
  readonly people = new Set<string>();
  private readonly seen = new Set<ts.Node>();

  /** `cut`: `<file>#<name>` of functions that are not gone into. */
  constructor(
    private readonly peopleNames: readonly string[],
    private readonly cut: ReadonlySet<string>,
  ) {}

  into(node: ts.Node): void {
    if (this.seen.has(node)) return;
    this.seen.add(node);
    const source = sourceOf(node.getSourceFile().fileName);
    const look = (child: ts.Node): void => {
      if (ts.isTypeNode(child) || ts.isInterfaceDeclaration(child)) return;
      if (ts.isPropertyAccessExpression(child)) {
        // What stands behind a dot is no name of this file.
        if (this.peopleNames.includes(child.name.text)) this.people.add(child.name.text);
        look(child.expression);
        return;
      }
      if (ts.isBindingElement(child)) {
        const name = child.propertyName ?? child.name;
        if (ts.isIdentifier(name) && this.peopleNames.includes(name.text))
          this.people.add(name.text);
      }
      if (ts.isPropertyAssignment(child)) {
        look(child.initializer);
        return;
      }
      if (ts.isIdentifier(child)) this.follow(source, child);
      ts.forEachChild(child, look);
    };
    look(node);
  }

  private note(operation: string, node: ts.Node): void {
    if (!this.operations.has(operation)) this.operations.set(operation, placeOf(node));
  }

  private follow({ file, declared, imported }: Source, used: ts.Identifier): void {
    const own = declared.get(used.text);
    if (own) {
      this.enter(file.fileName, used.text, own);
      return;
    }
    const from = imported.get(used.text);
    if (!from) return;
    const waited = waiters[from.name];
    if (waited !== undefined) this.note(waited, used);
    else if (from.name.startsWith('waitUntil'))
      throw new Error(`${placeOf(used)}: test/policies/people/sent.ts does not know ${from.name}`);
    const operation = operationOf(from);
    if (operation !== null) this.note(operation, used);
    this.reach(file.fileName, from);
  }

  /** Through files that only pass a name on, too. */
  private reach(from: string, { module, name }: Imported): void {
    const path = fileOf(from, module);
    if (path === null) return;
    const { declared, imported } = sourceOf(path);
    const node = declared.get(name);
    const passedOn = imported.get(name);
    if (node) this.enter(path, name, node);
    else if (passedOn) this.reach(path, passedOn);
  }

  private enter(path: string, name: string, node: ts.Node): void {
    if (!this.cut.has(`${relative(root, path)}#${name}`)) this.into(node);
  }
}

const folder = join(root, 'cli', 'commands');

/**
 * Not gone into: `openLocal` and `openUp` boot or join the embedded cloud, and work there as its root; `bringLabels` is the
 * demonstration's. A command in an account goes through `sessionIn` instead.
 */
const ofTheEmbeddedCloud = new Set([
  'cli/lake.ts#openLocal',
  'cli/start.ts#openUp',
  'cli/labels/bundled.ts#bringLabels',
]);

/** `run` of the command's definition, in its own file. Throws where there is none. */
function runOf(command: string): ts.Node {
  const { file } = sourceOf(join(folder, `${command}.ts`));
  const find = (node: ts.Node): ts.Node | undefined =>
    ts.isPropertyAssignment(node) && ts.isIdentifier(node.name) && node.name.text === 'run'
      ? node.initializer
      : ts.forEachChild(node, find);
  const run = find(file);
  if (!run) throw new Error(`cli/commands/${command}.ts defines no run`);
  return run;
}

/** What the command can send in an account; `peopleNames` are the keys of `People`. */
export function sentBy(command: string, peopleNames: readonly string[]): Sent {
  const walk = new Walk(peopleNames, ofTheEmbeddedCloud);
  walk.into(runOf(command));
  return walk;
}
