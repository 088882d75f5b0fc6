/** Of declaration files, those parts that the entries of the package reach: its types, and nothing of the server. */
import { posix } from "node:path";
import type { Declared } from "./client-declarations.ts";

/** Where an imported name comes from; `*`: all names of the file. */
interface Origin {
  file: string;
  name: string;
}

/** The package's declaration files, by their path without an ending. */
export function reachable(
  files: ReadonlyMap<string, readonly Declared[]>,
  entries: readonly string[],
): Map<string, string> {
  const modules = new Map([...files].map(([file, list]) => [file, new Module(file, list)]));
  const wanted = entries.map((file): Origin => ({ file, name: "*" }));
  for (const { file, name } of wanted) {
    const module = modules.get(file);
    if (!module) throw new Error(`no declarations of ${file}`);
    wanted.push(...module.reach(name));
  }
  const texts = [...modules].map(([file, module]) => [file, module.text()] as const);
  return new Map(texts.filter(([, text]) => text !== ""));
}

const IMPORT = /^import (?:type )?(?:\* as (\w+)|\{(.*)\}) from "(.*)\.ts";$/s;
const EXPORT = /^export (?:type )?\{(.*)\} from "(.*)\.ts";$/s;

class Module {
  private readonly file: string;
  private readonly statements: readonly Declared[];
  private readonly imports = new Map<string, Origin>();
  private readonly reached = new Set<string>();

  constructor(file: string, statements: readonly Declared[]) {
    this.file = file;
    this.statements = statements;
    for (const { text } of statements) {
      const [, all, some, from = ""] = IMPORT.exec(withoutComments(text).trim()) ?? [];
      if (all) this.imports.set(all, { file: this.fileOf(from), name: "*" });
      for (const [name, local] of specifiers(some)) {
        this.imports.set(local, { file: this.fileOf(from), name });
      }
    }
  }

  /** Marks a name, and returns the names of other files that it needs. */
  reach(name: string): Origin[] {
    if (this.reached.has(name)) return [];
    this.reached.add(name);
    if (name === "*") return this.reachEntry();
    const statement = this.statements.find(({ names }) => names.includes(name));
    const origin = this.imports.get(name);
    // A name that is exported as it was imported.
    if (!statement && origin) return [origin];
    if (!statement) throw new Error(`${this.file} declares no ${name}`);
    return this.needs(codeOf(statement.text));
  }

  /** The file with what was reached; empty where that is nothing. */
  text(): string {
    if (this.reached.size === 0) return "";
    const isEntry = this.reached.has("*");
    const kept = this.statements.filter(({ names }) =>
      isEntry ? names.length === 0 : names.some((name) => this.reached.has(name)),
    );
    const code = codeOf(kept.map(({ text }) => text).join("\n"));
    const lines = [
      ...this.importedBy(code).map(([local, origin]) => this.line("import", local, origin)),
      ...kept.map(({ text }) => text.replaceAll('.ts";', '.js";')),
      ...[...this.imports]
        .filter(([local]) => this.reached.has(local))
        .map(([local, origin]) => this.line("export", local, origin)),
    ];
    // Without it, all that a declaration file declares is exported.
    return `${[...lines, ...(isEntry ? [] : ["export {};"])].join("\n")}\n`;
  }

  private line(verb: "import" | "export", local: string, { file, name }: Origin): string {
    const from = posix.relative(posix.dirname(this.file), file).replace(/^(?!\.)/, "./");
    return `${verb} { ${name === local ? name : `${name} as ${local}`} } from "${from}.js";`;
  }

  /** An entry consists of exports of other files' names. */
  private reachEntry(): Origin[] {
    return this.statements.flatMap(({ text }) => {
      const [, some, from = ""] = EXPORT.exec(withoutComments(text).trim()) ?? [];
      if (some === undefined) throw new Error(`${this.file} has more than exports: ${text}`);
      return specifiers(some).map(([name]) => ({ file: this.fileOf(from), name }));
    });
  }

  private needs(code: string): Origin[] {
    const own = this.statements.flatMap(({ names }) => names);
    const near = own.filter((name) => hasWord(code, name)).flatMap((name) => this.reach(name));
    const far = this.importedBy(code).map(([, origin]) => origin);
    const whole = far.find(({ name }) => name === "*");
    if (whole) throw new Error(`${this.file} needs all of ${whole.file}`);
    return [...near, ...far];
  }

  private importedBy(code: string): [local: string, origin: Origin][] {
    return [...this.imports].filter(([local, { name }]) =>
      name === "*" ? code.includes(`${local}.`) : hasWord(code, local),
    );
  }

  private fileOf(specifier: string): string {
    return posix.join(posix.dirname(this.file), specifier);
  }
}

/** `A, type B as C`: names and what they are called here. */
function specifiers(text = ""): [name: string, local: string][] {
  return text
    .split(",")
    .map((one) => one.trim().replace(/^type /, ""))
    .filter(Boolean)
    .map((one) => {
      const [name = "", local = name] = one.split(" as ");
      return [name, local];
    });
}

/** Whether a name is used; a property or a method of that name is another thing. */
function hasWord(code: string, word: string): boolean {
  return new RegExp(`(?<![.\\w$])${word}(?![\\w$(]|\\??:)`).test(code);
}

/** What can refer to types: no comment, no quoted text, no private member. */
function codeOf(text: string): string {
  return withoutComments(text)
    .replace(/"(?:\\.|[^"\\\n])*"/g, '""')
    .replace(/^ *private .*;$/gm, "");
}

export function withoutComments(text: string): string {
  return text.replace(/[ \t]*\/\*[\s\S]*?\*\/\n?/g, "");
}
