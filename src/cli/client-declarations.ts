/**
 * The declarations of the client, as TypeScript emits them, taken apart: what each file declares and imports. Types
 * that are inferred from a schema are written out, so that neither zod nor the schemas are needed to read them.
 *
 * It uses TypeScript's programming interface, which is called unstable: the version of TypeScript is pinned.
 */
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { promisify } from "node:util";
import {
  isClassDeclaration,
  isFunctionDeclaration,
  isIndexedAccessTypeNode,
  isInterfaceDeclaration,
  isTypeAliasDeclaration,
  isTypeOperatorNode,
  isTypeReferenceNode,
  isVariableStatement,
  type Node,
  type SourceFile,
  type Statement,
} from "typescript/unstable/ast";
import { API, type Checker } from "typescript/unstable/sync";
import { ROOT } from "./settings.ts";

/** A statement of a declaration file, and the names that it declares: none where it imports or exports. */
export interface Declared {
  text: string;
  names: readonly string[];
}

const TSC = `${ROOT}/node_modules/typescript/bin/tsc`;
/** NodeBuilderFlags: NoTruncation, MultilineObjectLiterals, InTypeAlias. */
const WRITTEN_OUT = 1 | 1024 | 8_388_608;
/** A type that is inferred from a schema, also by the short forms in client/rest.ts, or from a table. */
const INFERRED = /^(?:z\.(?:output|input|infer)<typeof |(?:Answer|Body)<"|keyof typeof )/;

/** The statements of each file by its path in `src`, without its ending: `client/parley`. */
export async function declarations(): Promise<Map<string, Declared[]>> {
  await mkdir(`${ROOT}/dist`, { recursive: true });
  // Within the project, so that its packages are found; several may build at once.
  const folder = await mkdtemp(`${ROOT}/dist/client-types-`);
  try {
    const project = ["-p", `${ROOT}/src/client/tsconfig.json`, "--outDir", folder];
    await promisify(execFile)(process.execPath, [TSC, ...project]);
    await writeFile(join(folder, "tsconfig.json"), JSON.stringify(CONFIG));
    return read(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** How the emitted files are read again. */
const CONFIG = {
  extends: `${ROOT}/src/client/tsconfig.json`,
  compilerOptions: { rootDir: "." },
  files: ["client/index.d.ts", "client/admin.d.ts"],
};

function read(folder: string): Map<string, Declared[]> {
  const api = new API({ cwd: ROOT });
  try {
    const config = join(folder, "tsconfig.json");
    const project = api.updateSnapshot({ openProjects: [config] }).getProject(config);
    if (!project) throw new Error("TypeScript does not open the client's declarations");
    const files = new Map<string, Declared[]>();
    for (const path of project.program.getSourceFileNames()) {
      const name = relative(folder, path).replace(/\.d\.ts$/, "");
      const file = name.startsWith("..") ? undefined : project.program.getSourceFile(path);
      if (file) files.set(name, statementsOf(file, project.checker));
    }
    return files;
  } finally {
    api.close();
  }
}

function statementsOf(file: SourceFile, checker: Checker): Declared[] {
  return file.statements.map((statement) => ({
    text: writtenOut(statement, file, checker).trim(),
    names: namesOf(statement),
  }));
}

function namesOf(statement: Statement): string[] {
  if (isVariableStatement(statement)) {
    return statement.declarationList.declarations.map(({ name }) => name.getText());
  }
  const isNamed =
    isTypeAliasDeclaration(statement) ||
    isInterfaceDeclaration(statement) ||
    isClassDeclaration(statement) ||
    isFunctionDeclaration(statement);
  return isNamed && statement.name ? [statement.name.text] : [];
}

/** The text of a statement with its comments, in which each inferred type is replaced by what it is. */
function writtenOut(statement: Statement, file: SourceFile, checker: Checker): string {
  const pieces: string[] = [];
  let done = statement.pos;
  const visit = (node: Node): undefined => {
    const isType =
      isTypeReferenceNode(node) || isIndexedAccessTypeNode(node) || isTypeOperatorNode(node);
    const type = isType && INFERRED.test(node.getText(file)) && checker.getTypeFromTypeNode(node);
    if (!type) {
      node.forEachChild(visit);
      return;
    }
    pieces.push(file.text.slice(done, node.getStart(file)));
    pieces.push(checker.typeToString(type, node, WRITTEN_OUT));
    done = node.end;
  };
  visit(statement);
  return pieces.join("") + file.text.slice(done, statement.end);
}
