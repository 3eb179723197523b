// The chat page with a server that has no commands: what it asks for rooms is nobody's business.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launchBrowser } from "./support/browser.mjs";
import { bareSettings, enterExample } from "./support/pages.mjs";
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

test("everybody hears everybody, and nothing else is shown", async () => {
  const ann = await enterExample(browser, "chat", server.websocketUrl);
  const bob = await enterExample(browser, "chat", server.websocketUrl);
  await ann.page.getByLabel("Message", { exact: true }).fill("hello");
  await ann.page.keyboard.press("Enter");
  for (const { page } of [ann, bob]) {
    await page.locator("#log .chat").filter({ hasText: /^User 1hello$/ }).waitFor();
    assert.equal(await page.locator("#log > div").count(), 1);
    await page.getByLabel("Join a room").waitFor({ state: "hidden" });
  }
  assert.deepEqual([...ann.problems, ...bob.problems], []);
  for (const { context } of [ann, bob]) await context.close();
});
