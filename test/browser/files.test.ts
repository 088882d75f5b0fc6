import { afterAll, expect, test } from "vitest";
import { closeBrowser, signedIn } from "./people.ts";
import { picture } from "./picture.ts";

afterAll(closeBrowser);

test("a picture is attached with progress and a preview, and received by the other user", async () => {
  const [alice, carol] = await Promise.all([signedIn("Alice Moreau"), signedIn("Carol Okafor")]);
  await alice.talkTo("Carol Okafor");
  await carol.talkTo("Alice Moreau");
  const { promise: held, resolve: letGo } = Promise.withResolvers<void>();
  await alice.page.route("**/api/v1/chat/uploads*", async (route) => {
    await held;
    await route.continue();
  });
  await alice.page.getByLabel("Files to attach").setInputFiles({
    ...{ name: "sunset.png", mimeType: "image/png", buffer: picture(320, 200) },
  });
  const upload = alice.page.getByRole("list", { name: "Files to be sent" });
  await upload.getByRole("progressbar", { name: "Uploading sunset.png" }).waitFor();
  const preview = upload.locator("img");
  expect(
    await preview.evaluate((image: HTMLImageElement) =>
      image.decode().then(() => image.naturalWidth),
    ),
  ).toBe(320);
  expect(await alice.page.getByRole("button", { name: "Send" }).isDisabled()).toBe(true);
  letGo();
  await upload.getByRole("progressbar").waitFor({ state: "detached" });
  await alice.say("Look at that");

  const shown = carol.message("Look at that").getByRole("img", { name: "sunset.png" });
  await shown.waitFor();
  const size = await shown.evaluate((image: HTMLImageElement) =>
    image.decode().then(() => [image.naturalWidth, image.naturalHeight]),
  );
  expect(size).toEqual([320, 200]);
});

test("a file that the server refuses is marked, and can be removed", async () => {
  const alice = await signedIn("Alice Moreau");
  await alice.talkTo("Carol Okafor");
  const file = {
    name: "run.exe",
    mimeType: "application/x-msdownload",
    buffer: Buffer.from("MZ\0\0"),
  };
  await alice.page.getByLabel("Files to attach").setInputFiles(file);
  const upload = alice.page.getByRole("list", { name: "Files to be sent" });
  await upload.getByText("Files of this type are not accepted").waitFor();
  await upload.getByRole("button", { name: "Remove run.exe" }).click();
  await upload.waitFor({ state: "detached" });
  // The refusal is also logged on the browser's console.
  expect(alice.complaints.splice(0)).toEqual([expect.stringContaining("400")]);
});

test("a file that is too large is marked, and a file that is not a picture has no broken preview", async () => {
  const alice = await signedIn("Alice Moreau");
  await alice.talkTo("Carol Okafor");
  await alice.page.getByLabel("Files to attach").evaluate((input: HTMLInputElement) => {
    const files = new DataTransfer();
    files.items.add(
      new File([new Uint8Array(50 * 1024 * 1024 + 1)], "long.png", { type: "image/png" }),
    );
    input.files = files.files;
    input.dispatchEvent(new Event("change", { bubbles: true }));
  });
  const upload = alice.page.getByRole("list", { name: "Files to be sent" });
  await upload.getByText("The file is too large: at most 50 MB are accepted.").waitFor();
  await upload.locator("img").waitFor({ state: "detached" });
});

test("a file removed before its upload begins is not uploaded; without a network an error is shown", async () => {
  const alice = await signedIn("Alice Moreau");
  const { page } = alice;
  await alice.talkTo("Carol Okafor");
  const { promise: held, resolve: letGo } = Promise.withResolvers<void>();
  await page.route("**/api/development/tokens", async (route) => {
    await held;
    await route.continue();
  });
  let uploads = 0;
  page.on("request", (request) => {
    if (request.method() === "PUT") uploads++;
  });
  const file = { name: "a.txt", mimeType: "text/plain", buffer: Buffer.from("Hello") };
  await page.getByLabel("Files to attach").setInputFiles(file);
  await page.getByRole("button", { name: "Remove a.txt" }).click();
  const answered = page.waitForResponse("**/api/development/tokens");
  letGo();
  await (await answered).finished();
  await page.evaluate(() => new Promise((resolve) => setTimeout(resolve, 50)));
  expect(uploads).toBe(0);

  await page.unroute("**/api/development/tokens");
  await page.context().setOffline(true);
  await page.getByLabel("Files to attach").setInputFiles(file);
  const list = page.getByRole("list", { name: "Files to be sent" });
  await list.getByText("The server could not be reached.").waitFor();
  await page.context().setOffline(false);
  await list.getByRole("button", { name: "Upload a.txt again" }).click();
  await list.getByText("5 bytes").waitFor();
});

test("pasted text stays text, even with a picture of it, and only files can be dropped", async () => {
  const alice = await signedIn("Alice Moreau");
  await alice.talkTo("Carol Okafor");
  /** Whether the page prevents the browser's default action. */
  const takes = (type: "paste" | "drop", where: string, parts: Record<string, string>) =>
    alice.page.locator(where).evaluate(
      (target, [name, given]) => {
        const data = new DataTransfer();
        for (const [kind, text] of Object.entries(given)) {
          if (kind === "file") data.items.add(new File([text], "a.txt", { type: "text/plain" }));
          else data.items.add(text, kind);
        }
        const options = { bubbles: true, cancelable: true };
        const event =
          name === "paste"
            ? new ClipboardEvent("paste", { ...options, clipboardData: data })
            : new DragEvent("drop", { ...options, dataTransfer: data });
        return !target.dispatchEvent(event);
      },
      [type, parts] as const,
    );
  const cells = { "text/plain": "1", "text/html": "<b>1</b>", file: "a picture of it" };
  expect(await takes("paste", "textarea", cells)).toBe(false);
  expect(await takes("paste", "textarea", { "text/plain": "a.txt", file: "Hello" })).toBe(true);
  expect(await takes("drop", "main", { "text/plain": "dragged" })).toBe(false);
  expect(await takes("drop", "main", { file: "Hello" })).toBe(true);
  // Dropped beside the conversation, it is not attached, and does not replace the page.
  expect(await takes("drop", ".sidebar", { file: "Hello" })).toBe(true);
  const list = alice.page.getByRole("list", { name: "Files to be sent" });
  await list.getByText("5 bytes").first().waitFor();
  expect(await list.getByRole("listitem").count()).toBe(2);
});
