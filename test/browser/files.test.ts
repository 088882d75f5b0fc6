import { afterAll, expect, test } from "vitest";
import { closeBrowser, somebody } from "./people.ts";
import { picture } from "./picture.ts";

afterAll(closeBrowser);

test("a picture is attached with its progress and a preview, and the other sees it", async () => {
  const [alice, carol] = await Promise.all([somebody("Alice Moreau"), somebody("Carol Okafor")]);
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

test("a file that the server does not take is said to be, and can be removed", async () => {
  const alice = await somebody("Alice Moreau");
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
  // The refusal is on the browser's console as well.
  expect(alice.complaints.splice(0)).toEqual([expect.stringContaining("400")]);
});
