/** docs/client-api.md: what the package offers, as text, so that a review sees a change of it. */
import { withoutComments } from "./client-reachable.ts";

const HEAD = `# The client's interface

The types of the package \`parley-chat-client\`, file by file: the names that the two entries export, and what these reach. Written by \`npm run build:client -- --report\`; \`test/system/client-package.test.ts\` fails when it is out of date. [client.md](client.md) says how to use it.
`;

/** The report of declaration files, the entries first. Comments and private members are left out. */
export function report(types: ReadonlyMap<string, string>, entries: readonly string[]): string {
  const others = [...types.keys()].filter((file) => !entries.includes(file)).sort();
  const parts = [...entries, ...others].map((file) => {
    const text = withoutComments(types.get(file) ?? "")
      .replace(/^import .*\n/gm, "")
      .replace(/^ *private .*;\n/gm, "")
      .replace("export {};\n", "");
    return `\n## ${file}\n\n\`\`\`ts\n${text}\`\`\`\n`;
  });
  return HEAD + parts.join("");
}
