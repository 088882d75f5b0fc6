import { SignJWT } from "jose";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { cleanUp, freePort, startCommand, temporaryFolder, up } from "../system/server.ts";
import { closeBrowser, signedOut } from "./people.ts";

/** Outside development users sign in with a token of the identity provider. */

const SECRET = "a-secret-of-production-0123456789abcdef";

let address: string;
beforeAll(async () => {
  const secrets = ["JWT_SECRET", "ID_SECRET", "FILES_SECRET"].map((name) => `${name}:${SECRET}`);
  const port = await freePort();
  const publicUrl = `PUBLIC_URL:http://localhost:${port}`;
  const variables = ["ENVIRONMENT:production", publicUrl, ...secrets].flatMap((one) => [
    "--var",
    one,
  ]);
  const options = ["--port", String(port), "--persist-to", await temporaryFolder()];
  const program = startCommand(...options, "--inspector-port", "0", ...variables);
  ({ address } = await up(program));
});
afterAll(async () => {
  await closeBrowser();
  await cleanUp();
});

function tokenOf(name: string, { secret = SECRET, expires = "1h" } = {}): Promise<string> {
  return new SignJWT({ name })
    .setProtectedHeader({ alg: "HS256" })
    .setSubject(name.toLowerCase())
    .setExpirationTime(expires)
    .sign(new TextEncoder().encode(secret));
}

/** The page, and its controls for signing in. */
async function welcome() {
  const page = await signedOut(address);
  onTestFinished(() => page.context().close());
  const signIn = async (token: string) => {
    await page.getByLabel("Access token").fill(token);
    await page.getByRole("button", { name: "Sign in" }).click();
  };
  return { page, signIn };
}

test("there are no demonstration people: a valid token signs in, also after a reload", async () => {
  const { page, signIn } = await welcome();
  await page.getByLabel("Access token").waitFor();
  expect(await page.getByRole("button").allTextContents()).toEqual(["Sign in"]);
  await signIn("nonsense");
  await page.getByText("This is no token, or one that has expired.").waitFor();
  await signIn(await tokenOf("Zoë"));
  await page.getByRole("heading", { name: "Zoë" }).waitFor();
  await page.reload();
  await page.getByRole("heading", { name: "Zoë" }).waitFor();
  await page.getByText("Nobody has written yet, and neither have you.").waitFor();
  // This server notifies nobody.
  expect(await page.getByText("Notifications").count()).toBe(0);
  // There are no known users yet, and none were requested.
  await page.getByRole("button", { name: "New conversation" }).click();
  await page.getByText("Who is it? Type a name.").waitFor();
  await page.getByLabel("Find people").fill("Nobody");
  await page.getByText("Nobody here has that name.").waitFor();
});

test("a user whose token the server refuses is asked for another one", async () => {
  const { page, signIn } = await welcome();
  await signIn(await tokenOf("Eve", { secret: "x".repeat(40) }));
  await page.getByText("Your token is not valid, or no longer. Sign in again.").waitFor();
  await page.getByLabel("Access token").waitFor();
  await page.reload();
  await page.getByLabel("Access token").waitFor();
});

test("a user whose token expires is asked for another one, and stays in the conversation", async () => {
  const { page, signIn } = await welcome();
  await signIn(await tokenOf("Yan", { expires: "4s" }));
  await page.getByRole("heading", { name: "Yan" }).waitFor();
  await page.getByText("Your token is not valid, or no longer. Sign in again.").waitFor();
  await signIn(await tokenOf("Yan"));
  await page.getByRole("heading", { name: "Yan" }).waitFor();
  await page.getByText("Your token is not valid").waitFor({ state: "detached" });
});
