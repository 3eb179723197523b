// The lobby page in two windows: one creates, the other joins, and their match begins.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launchBrowser, takePicture } from "./support/browser.mjs";
import { assertAccessible, bareSettings, enterExample } from "./support/pages.mjs";
import { makeDirectory, startServer } from "./support/server.mjs";

let directory;
let server;
let browser;

before(async () => {
  directory = makeDirectory();
  server = await startServer(directory.path, bareSettings);
  browser = await launchBrowser();
});

after(async () => {
  await browser?.close();
  await server?.stop();
  directory?.remove();
});

async function create(page, name, max, isPrivate = false) {
  await page.getByLabel("Create a lobby").fill(name);
  await page.getByLabel("for", { exact: true }).fill(max);
  await page.getByLabel("private", { exact: true }).setChecked(isPrivate);
  await page.getByRole("button", { name: "Create" }).click();
}

test("a lobby is found, joined, filled and left", async () => {
  const hostile = "<img/src=x>";
  const ann = await enterExample(browser, "lobby", server.websocketUrl);
  const bob = await enterExample(browser, "lobby", server.websocketUrl, { colorScheme: "dark" });

  await create(ann.page, hostile, "2");
  await ann.page.getByRole("heading", { name: `You are in ${hostile}` }).waitFor();
  await ann.page.getByRole("heading", { name: `In ${hostile}: 1 of 2` }).waitFor();
  await bob.page.getByRole("button", { name: "Refresh" }).click();
  await bob.page.getByRole("button", { name: `Info about ${hostile}` }).click();
  await bob.page.locator("#members").getByText(/^Client \d+, online, owner$/).waitFor();
  await bob.page.getByRole("button", { name: `Join ${hostile}` }).click();

  for (const { page } of [ann, bob]) {
    await page.locator("#log .match").getByText(`${hostile} begins, player`).waitFor();
  }
  await bob.page.locator("#members").getByText(/^Client \d+, busy, owner$/).waitFor();
  await ann.page.getByRole("heading", { name: `In ${hostile}: 2 of 2` }).waitFor();
  await takePicture(ann.page, "lobby");
  await takePicture(bob.page, "lobby-dark");
  assert.equal(await bob.page.getByLabel("Create a lobby").isVisible(), false);
  assert.equal(await ann.page.locator("img").count(), 0);
  await assertAccessible(ann.page);

  await bob.page.getByRole("button", { name: "Leave" }).click();
  await bob.page.getByRole("heading", { name: "You are in no lobby" }).waitFor();
  await ann.page.getByRole("heading", { name: `In ${hostile}: 1 of 2` }).waitFor();
  assert.deepEqual([...ann.problems, ...bob.problems], []);
  for (const { context } of [ann, bob]) await context.close();
});

test("a private lobby is not listed, and joined by its name; errors are shown", async () => {
  const ann = await enterExample(browser, "lobby", server.websocketUrl);
  const bob = await enterExample(browser, "lobby", server.websocketUrl);
  await create(ann.page, "grotto", "3", true);
  await ann.page.getByRole("heading", { name: "You are in grotto" }).waitFor();

  await bob.page.getByRole("button", { name: "Refresh" }).click();
  const enter = bob.page.getByLabel("By name, private ones too");
  await enter.fill("nowhere");
  await enter.press("Enter");
  await bob.page.locator("#log .error").getByText("'nowhere' not found.").waitFor();
  assert.equal(await bob.page.locator("#lobbies").getByText("grotto").count(), 0);
  await enter.fill("grotto");
  await enter.press("Enter");
  await bob.page.getByRole("heading", { name: "In grotto: 2 of 3" }).waitFor();
  await bob.page.getByRole("button", { name: "away" }).click();
  await ann.page.locator("#members").getByText(/^Client \d+, away$/).waitFor();
  for (const { context } of [ann, bob]) await context.close();
});
