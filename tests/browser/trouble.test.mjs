// What an operator meets on a bad day: used links, a server that was restarted, entities
// that are gone, a small screen.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launchBrowser, openPage } from "./support/browser.mjs";
import { logInByToken, openView } from "./support/dashboard.mjs";
import { makeDirectory, startServer } from "./support/server.mjs";

let directory;
let server;
let browser;

before(async () => {
  directory = makeDirectory();
  server = await startServer(directory.path, { "demo.entities": "100" });
  browser = await launchBrowser();
});

after(async () => {
  await browser?.close();
  await server?.stop();
  directory?.remove();
});

test("a login link that was used says what to do", async () => {
  const first = await openPage(browser);
  await first.page.goto(server.loginUrl);
  await first.page.getByRole("heading", { name: "Overview", level: 1 }).waitFor();
  await first.context.close();

  const { page, context } = await openPage(browser);
  await page.goto(server.loginUrl);
  await page.getByRole("alert").getByText("a restart of the server prints a new one").waitFor();
  await page.getByLabel("Access token").waitFor();
  await context.close();
});

test("no view is wider than a phone", async () => {
  await server.api("POST", "/snapshots");
  const opened = await openPage(browser, { viewport: { width: 390, height: 844 } });
  const { page, context } = opened;
  await logInByToken(opened, server);
  for (const view of ["Overview", "Entities", "Systems", "Clients", "Snapshots"]) {
    await openView(page, view);
    await page.locator("table, .empty, canvas").first().waitFor();
    const surplus = await page.evaluate(
      () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
    );
    assert.equal(surplus, 0, view);
  }
  await context.close();
});

test("a list that outgrows its page can be paged", async () => {
  const opened = await openPage(browser);
  const { page, context } = opened;
  await logInByToken(opened, server);
  await openView(page, "Entities");
  await page.getByText("1–100 of 100").waitFor();
  const { id } = await server.api("POST", "/entities", {
    components: { name: { value: "The hundred and first" } },
  });
  await page.getByRole("link", { name: "Next" }).click();
  await page.getByRole("link", { name: "The hundred and first" }).waitFor();
  await server.api("DELETE", `/entities/${id}`);
  await context.close();
});

test("a text search finds an entity of another page", async () => {
  const { id } = await server.api("POST", "/entities", {
    components: { name: { value: "Needle" } },
  });
  const opened = await openPage(browser);
  const { page, context } = opened;
  await logInByToken(opened, server);
  await openView(page, "Entities");
  await page.getByLabel("Text").pressSequentially("needl");
  await page.getByRole("link", { name: "Needle" }).waitFor();
  await page.getByText("1–1 of 1").waitFor();
  await server.api("DELETE", `/entities/${id}`);
  await context.close();
});

test("the page of an entity that is gone leads back to the list", async () => {
  const opened = await openPage(browser);
  const { page, context } = opened;
  await logInByToken(opened, server);
  await page.goto(`${server.adminUrl}/#/entities/99999`);
  await page.getByRole("heading", { name: "entity 99999", level: 1 }).waitFor();
  await page.getByText("There is no such entity.").waitFor();
  await page.getByRole("main").getByRole("link", { name: "Entities" }).click();
  await page.getByRole("heading", { name: "Entities", level: 1 }).waitFor();
  await context.close();
});

test("a restart of the server asks for a new login and goes on where one was", async () => {
  const opened = await openPage(browser);
  const { page, context } = opened;
  await logInByToken(opened, server);
  await openView(page, "Systems");
  const address = new URL(server.adminUrl).host;
  await server.stop();
  await page.getByText("Connection lost").waitFor();
  server = await startServer(directory.path, { "admin.listen": address });
  await page.getByRole("alert").getByText("Your session has ended").waitFor();
  await page.getByLabel("Access token").fill(server.token);
  await page.getByRole("button", { name: "Log in" }).click();
  await page.getByRole("heading", { name: "Systems", level: 1 }).waitFor();
  await page.getByText("Live", { exact: true }).waitFor();
  await context.close();
});
