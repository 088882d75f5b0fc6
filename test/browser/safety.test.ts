import { gzipSync } from "node:zlib";
import { afterAll, expect, inject, test } from "vitest";
import { Parley } from "../../src/client/parley.ts";
import { tokenFor } from "../system/server.ts";
import { closeBrowser, signedIn } from "./people.ts";
import { picture } from "./picture.ts";

afterAll(closeBrowser);

const SCRIPT = `<img src=x onerror="window.ran=1"><script>window.ran=1</script>`;

test("scripts in a name, a title, a message or a file's name are displayed as text", async () => {
  const alice = await signedIn("Alice Moreau");
  const token = await tokenFor("mallory", "--name", SCRIPT);
  const mallory = new Parley({ url: inject("address"), token: () => token });
  const { conversationId } = await mallory.rest.group({
    title: `Title ${SCRIPT}`,
    participantIds: ["alice", "bob"],
  });
  const name = `${SCRIPT.replaceAll("/", "")}.png`;
  const file = await mallory.rest.upload(new Blob([new Uint8Array(picture(8, 8))]), name);
  const { fileName, fileUrl, fileSize, contentType: mimeType } = file;
  await mallory.rest.sendFiles({
    conversationId,
    content: `Message ${SCRIPT} javascript:window.ran=1 https://x.test/"onclick="window.ran=1`,
    attachments: [{ fileName, fileUrl, fileSize, mimeType }],
  });

  await alice.entry(`Title ${SCRIPT}`).click();
  const { page } = alice;
  await page.getByRole("heading", { name: `Title ${SCRIPT}` }).waitFor();
  await page.locator(".text", { hasText: `Message ${SCRIPT}` }).waitFor();
  await page.locator(".author", { hasText: SCRIPT }).waitFor();
  await page.getByRole("img", { name }).waitFor();
  await page.getByRole("button", { name: "Details" }).click();
  await page.getByRole("list", { name: "Members" }).getByText(SCRIPT).waitFor();
  expect(await page.evaluate(() => "ran" in window)).toBe(false);
  expect(await page.locator("#page script, #page [onerror], #page [onclick]").count()).toBe(0);
  const links = await page.locator(".text a").evaluateAll((all) => all.map((a) => String(a)));
  expect(links).toEqual(["https://x.test/"]);
});

test("the page's policy blocks other origins and inline scripts", async () => {
  const response = await fetch(inject("address"));
  const policy = response.headers.get("Content-Security-Policy") ?? "";
  const directives = new Map(
    policy.split("; ").map((directive) => {
      const [name = "", ...sources] = directive.split(" ");
      return [name, sources.join(" ")];
    }),
  );
  expect(policy).not.toMatch(/unsafe|\*|https?:\/\/(?!localhost)/);
  expect(directives.get("default-src")).toBe("'none'");
  expect(directives.get("script-src")).toBe("'self'");
  expect(directives.get("style-src")).toBe("'self'");
  for (const name of ["base-uri", "form-action", "frame-ancestors"]) {
    expect(directives.get(name)).toBe("'none'");
  }
  expect(response.headers.get("X-Content-Type-Options")).toBe("nosniff");
  expect(response.headers.get("Referrer-Policy")).toBe("no-referrer");
  const html = await response.text();
  expect(html).not.toMatch(/<script(?![^>]*src=)|<style|style=|\son\w+=/);
});

test("all of its JavaScript is under 60 KB compressed, and cached for a year by its name", async () => {
  const scripts = new Set<string>();
  const alice = await signedIn("Alice Moreau");
  const names = await alice.page.evaluate(() =>
    performance.getEntriesByType("resource").map(({ name }) => name),
  );
  for (const name of names) if (name.endsWith(".js")) scripts.add(name);
  expect(scripts.size).toBeGreaterThan(0);
  let size = 0;
  for (const script of scripts) {
    const response = await fetch(script);
    expect(response.headers.get("Cache-Control")).toBe("public, max-age=31536000, immutable");
    size += gzipSync(await response.text(), { level: 9 }).length;
  }
  console.log(`${size} bytes of JavaScript, compressed`);
  expect(size).toBeLessThan(60_000);
  for (const name of names) expect(new URL(name).origin).toBe(new URL(inject("address")).origin);
});
