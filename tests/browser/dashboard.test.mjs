// The main way through the dashboard: log in, watch the world move, edit it, take a
// snapshot, and find the edit again after the server was restarted and killed.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { findBarriers, launchBrowser, openPage, takePicture } from "./support/browser.mjs";
import {
  editField,
  findDemoEntity,
  logInByLink,
  logInByToken,
  openEntity,
  openLogin,
  openView,
  waitForChange,
} from "./support/dashboard.mjs";
import { makeDirectory, startServer } from "./support/server.mjs";

const stoppedX = 12345.5;
let directory;
let server;
let browser;

before(async () => {
  directory = makeDirectory();
  server = await startServer(directory.path);
  browser = await launchBrowser();
});

after(async () => {
  await browser?.close();
  await server?.stop();
  directory?.remove();
});

async function restart(signal) {
  const code = await server.stop(signal);
  if (signal === "SIGTERM") assert.equal(code, 0, "reefd did not end cleanly");
  server = await startServer(directory.path);
}

/** After a restart: the entity is in the list under its new name, and opens. */
async function findAgain(id, name) {
  const opened = await openPage(browser);
  const { page, context, problems } = opened;
  await logInByLink(opened, server);
  await openEntity(page, id);
  await page.getByRole("heading", { name, level: 1 }).waitFor();
  assert.deepEqual(problems, []);
  await context.close();
}

test("values of the demo's entities move in the list", async () => {
  const opened = await openPage(browser);
  const { page, context, problems } = opened;
  await logInByLink(opened, server);
  await openView(page, "Entities");
  const { id } = await findDemoEntity(server);
  const row = page.getByRole("row").filter({ has: page.locator(`a[href="#/entities/${id}"]`) });
  await waitForChange(page, row.locator("td.value").first());
  assert.deepEqual(problems, []);
  await context.close();
});

test("an edit reaches the world and a snapshot keeps it over a restart", async () => {
  const opened = await openPage(browser);
  const { page, context, problems } = opened;
  const { id } = await findDemoEntity(server);
  await logInByToken(opened, server);
  await openEntity(page, id);
  await waitForChange(page, page.getByRole("textbox", { name: "position_2d.x" }));

  await editField(page, "velocity_2d.x", "0");
  await editField(page, "position_2d.x", String(stoppedX));
  await editField(page, "name.value", "Edited by a test");
  const entity = await server.api("GET", `/entities/${id}`);
  assert.equal(entity.name, "Edited by a test");
  assert.equal(entity.components.name.value, "Edited by a test");
  assert.equal(entity.components.velocity_2d.x, 0);
  assert.equal(entity.components.position_2d.x, stoppedX);

  await openView(page, "Snapshots");
  await page.getByRole("button", { name: "Take snapshot" }).click();
  const row = page.getByRole("row").filter({ hasText: "on demand" });
  await row.filter({ hasText: "complete" }).first().waitFor();
  assert.deepEqual(problems, []);
  await context.close();

  await restart("SIGTERM");
  await findAgain(id, "Edited by a test");
});

test("a complete snapshot survives a kill", async () => {
  const opened = await openPage(browser);
  const { page, context, problems } = opened;
  const { id } = await findDemoEntity(server);
  await logInByToken(opened, server);
  await openEntity(page, id);
  await editField(page, "name.value", "Edited before a kill");
  await openView(page, "Snapshots");
  const complete = page.getByRole("row").filter({ hasText: "complete" });
  // Asked of the API: the page may not show yet what there is.
  const { items } = await server.api("GET", "/snapshots");
  const before = items.filter((item) => item.state === "complete").length;
  await page.getByRole("button", { name: "Take snapshot" }).click();
  await complete.nth(before).waitFor();
  assert.deepEqual(problems, []);
  await context.close();

  await restart("SIGKILL");
  await findAgain(id, "Edited before a kill");
});

for (const colorScheme of ["light", "dark"]) {
  test(`every view is free of barriers and errors in ${colorScheme}`, async () => {
    const opened = await openPage(browser, { colorScheme });
    const { page, context, problems } = opened;
    await openLogin(opened, server);
    await takePicture(page, `login-${colorScheme}`);
    assert.deepEqual(await findBarriers(page), []);
    await logInByToken(opened, server);
    for (const view of ["Overview", "Entities", "Systems", "Clients", "Snapshots"]) {
      await openView(page, view);
      await page.locator("table, .empty, canvas").first().waitFor();
      await takePicture(page, `${view.toLowerCase()}-${colorScheme}`);
      assert.deepEqual(await findBarriers(page), [], view);
    }
    const { id } = await findDemoEntity(server);
    await openEntity(page, id);
    await takePicture(page, `entity-${colorScheme}`);
    assert.deepEqual(await findBarriers(page), [], "entity");
    await page.getByRole("button", { name: "Add component" }).click();
    await page.getByRole("dialog").waitFor();
    assert.deepEqual(await findBarriers(page), [], "dialog");
    await page.getByRole("button", { name: "Cancel" }).click();
    assert.deepEqual(problems, []);
    await context.close();
  });
}
