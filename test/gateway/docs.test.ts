import { expect, test } from "vitest";
import page from "../../docs/gateways.md?raw";
import { HANDLERS } from "../../src/dialects/marketplace/socketio/events.ts";
import socketio from "../../src/dialects/marketplace/socketio/present.ts?raw";
import { METHODS } from "../../src/dialects/unihub/signalr/methods.ts";
import signalr from "../../src/dialects/unihub/signalr/present.ts?raw";

/** The names in the tables of docs/gateways.md are those in the code. */

/** The names in the first column of the table with this heading. */
function namesBelow(heading: string): string[] {
  const [, body = ""] = page.split(`\n| ${heading} |`);
  const [table = ""] = body.split("\n\n");
  const rows = table.split("\n").slice(2);
  const names = rows.flatMap((row) => [...(row.split("|")[1] ?? "").matchAll(/`([\w-]+)/g)]);
  return names.map(([, name = ""]) => name).sort();
}

/** The names that a presenter uses: literals in the naming style of its protocol. */
function namesIn(source: string, look: RegExp): string[] {
  return [...new Set([...source.matchAll(look)].map(([, name = ""]) => name))].sort();
}

test("Socket.IO: events from the client, and to it", () => {
  expect(namesBelow("event from the client")).toEqual([...HANDLERS.keys()].sort());
  expect(namesBelow("event to the client")).toEqual(namesIn(socketio, /"([a-z]+-[a-z-]+)"/g));
});

test("SignalR: methods of the hub and of the client", () => {
  expect(namesBelow("hub method")).toEqual([...METHODS.keys()].sort());
  expect(namesBelow("method of the client")).toEqual(namesIn(signalr, /"([A-Z]\w+)"/g));
});
