// What is stored in the world is hostile text: it is shown, never interpreted.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { findBarriers, launchBrowser, openPage } from "./support/browser.mjs";
import { logInByLink, logInByToken, openEntity, openView } from "./support/dashboard.mjs";
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

test("an entity whose name is blank can still be opened by its id", async () => {
  const { id } = await server.api("POST", "/entities", { components: { name: { value: "   " } } });
  const opened = await openPage(browser);
  const { page, context } = opened;
  await logInByToken(opened, server);
  await openView(page, "Entities");
  await page.getByRole("link", { name: `entity ${id}` }).waitFor();
  assert.deepEqual(await findBarriers(page), []);
  await context.close();
});

test("a huge number stays as short as the others", async () => {
  await server.api("POST", "/entities", {
    components: { name: { value: "Far away" }, position_2d: { x: 1e30, y: 4294967295 } },
  });
  const opened = await openPage(browser);
  const { page, context } = opened;
  await logInByToken(opened, server);
  await openView(page, "Entities");
  const row = page.getByRole("row").filter({ hasText: "Far away" });
  await row.getByText("1.00e+30").waitFor();
  await context.close();
});
