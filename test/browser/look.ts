import { mkdir } from "node:fs/promises";
import axe from "axe-core";
import { expect } from "vitest";
import { ROOT } from "../../src/cli/settings.ts";
import type { SignedInUser } from "./people.ts";

const FOLDER = `${ROOT}/test/browser/screenshots`;

/** Saves a screenshot of a view, in which axe must find nothing serious. */
export async function look({ page }: SignedInUser, name: string): Promise<void> {
  await mkdir(FOLDER, { recursive: true });
  await page.evaluate(() => document.fonts.ready.then(() => undefined));
  await page.screenshot({ path: `${FOLDER}/${name}.png` });
  await page.evaluate(axe.source);
  const found = await page.evaluate(async () => {
    const { axe: tool } = window as unknown as { axe: typeof import("axe-core") };
    const { violations } = await tool.run();
    return violations.map(
      ({ id, impact, nodes }) => `${impact} ${id}: ${nodes.map((n) => n.html)}`,
    );
  });
  expect(found.filter((text) => /^(serious|critical)/.test(text))).toEqual([]);
}
