/**
 * What the program's modules import and use, read from their syntax trees.
 *
 * @module
 */
import { relative, resolve, sep } from "node:path";
import { fileURLToPath } from "node:url";

/** A module of the program. */
export interface Module {
  /** From the project's root: `lib/route/path.ts`. */
  readonly path: string;
  /** The number of lines. */
  readonly lines: number;
  /**
   * What it imports, types included: the path of one of the program's modules,
   * or the specifier as written (`node:path`). The module of a worker that it
   * starts does not count: they share nothing.
   */
  readonly imports: readonly string[];
  /**
   * Globals that it uses as values: `fetch`, `console`, `new WebSocket`,
   * `Deno.connect`; `Deno` where the object itself is passed on.
   */
  readonly uses: readonly string[];
  /** Module-level variables that are not constant. */
  readonly variables: readonly string[];
}

/** Globals to look for. */
const GLOBALS = new Set(["Deno", "console", "fetch", "alert", "prompt"]);

/** Constructors to look for. */
const CONSTRUCTORS = new Set(["EventSource", "WebSocket", "WebSocketStream"]);

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** Reads `main.ts` and all modules of a folder in the project's root. */
export async function readModules(folder: string): Promise<Module[]> {
  const modules = [await readModule(resolve(ROOT, "main.ts"))];
  for await (const path of typescriptIn(resolve(ROOT, folder))) {
    modules.push(await readModule(path));
  }
  return modules;
}

async function readModule(path: string): Promise<Module> {
  const name = relative(ROOT, path).replaceAll(sep, "/");
  return parseModule(name, await Deno.readTextFile(path));
}

async function* typescriptIn(folder: string): AsyncGenerator<string> {
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    const path = resolve(folder, name);
    if (isDirectory) yield* typescriptIn(path);
    else if (name.endsWith(".ts")) yield path;
  }
}

/**
 * Takes a module's text apart.
 *
 * @param path From the project's root, with slashes.
 */
export function parseModule(path: string, text: string): Module {
  const imports = new Set<string>();
  const uses = new Set<string>();
  const variables: string[] = [];
  const imported = (specifier: string | undefined) => {
    if (specifier !== undefined) imports.add(resolved(path, specifier));
  };
  const declared = (node: Deno.lint.VariableDeclaration) => {
    if (node.kind === "const") return;
    for (const { id } of node.declarations) {
      variables.push(id.type === "Identifier" ? id.name : "a pattern");
    }
  };
  // The linter's parser is the only one that Deno offers, and only in tests. In
  // Deno 2.9.6 it does not go on after an empty statement between others (`;;`),
  // of which `deno fmt` leaves none.
  Deno.lint.runPlugin(
    {
      name: "modules",
      rules: {
        read: {
          create: () => ({
            ImportDeclaration: ({ source }) => imported(source.value),
            ExportAllDeclaration: ({ source }) => imported(source.value),
            ExportNamedDeclaration: ({ source }) => imported(source?.value),
            ImportExpression: ({ source }) => imported(literal(source)),
            TSImportType: ({ argument }) =>
              imported(
                argument.type === "TSLiteralType"
                  ? literal(argument.literal)
                  : undefined,
              ),
            "Program > VariableDeclaration": declared,
            "Program > ExportNamedDeclaration > VariableDeclaration": declared,
            NewExpression: ({ callee }) => {
              if (callee.type !== "Identifier") return;
              if (CONSTRUCTORS.has(callee.name)) uses.add(`new ${callee.name}`);
            },
            Identifier: (node) => {
              for (const use of usesOf(node)) uses.add(use);
            },
          }),
        },
      },
    },
    path,
    text,
  );
  return {
    path,
    lines: text.split("\n").length - 1,
    imports: [...imports],
    uses: [...uses],
    variables,
  };
}

/** The text of a string literal; undefined for any other expression. */
function literal(node: Deno.lint.Node): string | undefined {
  return node.type === "Literal" && typeof node.value === "string"
    ? node.value
    : undefined;
}

function resolved(path: string, specifier: string): string {
  if (!specifier.startsWith(".")) return specifier;
  return new URL(specifier, `file:///${path}`).pathname.slice(1);
}

/** What of the globals an identifier uses. */
function usesOf(node: Deno.lint.Identifier): string[] {
  const { name } = node;
  if (!GLOBALS.has(name)) return [];
  // `globalThis.fetch` is `fetch`.
  const whole = node.parent.type === "MemberExpression" &&
      isGlobalThis(node.parent.object)
    ? node.parent
    : node;
  if (whole === node && !isValue(node)) return [];
  return name === "Deno" ? membersOf(whole) : [name];
}

function isGlobalThis(node: Deno.lint.Node): boolean {
  return node.type === "Identifier" && node.name === "globalThis";
}

/** Which members of `Deno` are used where it is named. */
function membersOf(
  node: Deno.lint.Identifier | Deno.lint.MemberExpression,
): string[] {
  const { parent } = node;
  if (parent.type === "MemberExpression") {
    const { property, computed } = parent;
    const name = computed
      ? literal(property)
      : property.type === "Identifier"
      ? property.name
      : undefined;
    if (name !== undefined) return [`Deno.${name}`];
  }
  // const { errors } = Deno;
  if (
    parent.type === "VariableDeclarator" && parent.id.type === "ObjectPattern"
  ) {
    return parent.id.properties.map((it) =>
      it.type === "Property" && it.key.type === "Identifier"
        ? `Deno.${it.key.name}`
        : "Deno"
    );
  }
  return ["Deno"];
}

/** Whether an identifier is a value: no type, and no name of a member. */
function isValue(node: Deno.lint.Identifier): boolean {
  const { parent } = node;
  const is = (other: Deno.lint.Node | null) =>
    other?.range[0] === node.range[0];
  switch (parent.type) {
    case "MemberExpression":
      return parent.computed || is(parent.object);
    case "Property":
      return parent.shorthand || is(parent.value);
    case "PropertyDefinition":
      return is(parent.value);
    case "MethodDefinition":
    case "TSPropertySignature":
    case "TSMethodSignature":
    case "TSQualifiedName":
    case "TSTypeReference":
    case "TSTypeQuery":
      return false;
    default:
      return true;
  }
}
