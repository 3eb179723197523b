// What is stored in the world is hostile text: it is shown, never interpreted.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launchBrowser, openPage } from "./support/browser.mjs";
import { logInByLink, openEntity, openView } from "./support/dashboard.mjs";
import { makeDirectory, startServer } from "./support/server.mjs";

const hostile = "<img src=x onerror=hacked=1>";
let directory;
let server;
let browser;

before(async () => {
  directory = makeDirectory();
  server = await startServer(directory.path, { "demo.entities": "3" });
  browser = await launchBrowser();
});

after(async () => {
  await browser?.close();
  await server?.stop();
  directory?.remove();
});

test("an entity named with markup is shown as text everywhere", async () => {
  const { id } = await server.api("POST", "/entities", {
    components: { name: { value: hostile } },
  });
  const opened = await openPage(browser);
  const { page, context, problems } = opened;
  await logInByLink(opened, server);
  await openView(page, "Entities");
  await page.getByRole("link", { name: hostile }).waitFor();
  await openEntity(page, id);
  await page.getByRole("heading", { name: hostile, level: 1 }).waitFor();
  await page.getByRole("button", { name: "Despawn" }).click();
  await page.getByRole("dialog").getByText(hostile).waitFor();
  await page.getByRole("dialog").getByRole("button", { name: "Despawn" }).click();
  await page.getByText(`Despawned ${hostile}.`).waitFor();

  assert.equal(await page.locator("img").count(), 0);
  assert.equal(await page.evaluate(() => "hacked" in window), false);
  assert.deepEqual(problems, []);
  await context.close();
});
