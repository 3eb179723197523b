// The lists that plugins offer: many rows, rows with hostile keys, their members, and none.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { findBarriers, launchBrowser, openPage, takePicture } from "./support/browser.mjs";
import { logInByToken, waitForChange } from "./support/dashboard.mjs";
import { makeDirectory, startServer } from "./support/server.mjs";

const hostile = "<img src=x onerror=hacked=1>";
const slashed = "a/b %2F ?#&+=";
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

async function openList(page, title) {
  const lists = page.getByRole("navigation", { name: "Lists" });
  await lists.getByRole("link", { name: title }).click();
  await page.getByRole("heading", { name: title, level: 1 }).waitFor();
}

/** The keys that the table shows, once it shows `first` on top. */
async function keysFrom(page, first) {
  await page.locator("tbody tr:first-child th").getByText(first, { exact: true }).waitFor();
  return page.locator("tbody th").allInnerTexts();
}

test("rows are paged, sorted and searched by the server", async () => {
  const opened = await openPage(browser);
  const { page, context, problems } = opened;
  await logInByToken(opened, server);
  const link = page.getByRole("navigation", { name: "Lists" }).getByRole("link");
  assert.deepEqual(await link.allTextContents(), [" Rooms 2,500", " Rate limit 0"]);
  await openList(page, "Rooms");
  assert.equal((await keysFrom(page, hostile)).length, 100);
  await page.getByText("1–100 of 2,500").waitFor();

  await page.getByRole("link", { name: "Next" }).click();
  await page.getByText("101–200 of 2,500").waitFor();
  await page.reload();
  await page.getByText("101–200 of 2,500").waitFor();
  await page.goBack();
  await page.getByText("1–100 of 2,500").waitFor();

  await page.getByRole("link", { name: "Members" }).click();
  const keys = await keysFrom(page, "Lobby");
  assert.equal(keys[1], hostile);
  const header = page.getByRole("columnheader", { name: "Members" });
  assert.equal(await header.getAttribute("aria-sort"), "descending");

  await page.getByRole("searchbox", { name: "Search" }).fill("KORALLEN");
  await page.getByText("1–1 of 1", { exact: true }).waitFor();
  await page.getByRole("searchbox", { name: "Search" }).fill("not there");
  await page.getByText("Nothing matches").waitFor();
  assert.deepEqual(problems, []);
  await context.close();
});

test("a row leads to its members and these to their entities", async () => {
  const opened = await openPage(browser);
  const { page, context, problems } = opened;
  await logInByToken(opened, server);
  await openList(page, "Rooms");
  await page.getByRole("link", { name: hostile }).click();
  await page.getByRole("heading", { name: hostile, level: 1 }).waitFor();
  await page.getByText("1–80 of 80").waitFor();
  await page.getByRole("link", { name: "Guest 1007" }).click();
  await page.getByRole("heading", { name: "Guest 1007", level: 1 }).waitFor();
  // The entity says where it is, and leads back.
  await page.getByRole("link", { name: hostile }).click();
  await page.getByText("1–80 of 80").waitFor();
  await page.getByRole("link", { name: "Rooms", exact: true }).click();
  await page.getByText("1–100 of 2,500").waitFor();

  assert.equal(await page.locator("img").count(), 0);
  assert.equal(await page.evaluate(() => "hacked" in window), false);
  assert.deepEqual(problems, []);
  await context.close();
});

test("members are paged", async () => {
  const opened = await openPage(browser);
  const { page, context, problems } = opened;
  await logInByToken(opened, server);
  await page.goto(`${server.adminUrl}/#/lists/rooms/row?key=Lobby`);
  await page.getByText("1–100 of 120").waitFor();
  await page.getByRole("link", { name: "Next" }).click();
  await page.getByText("101–120 of 120").waitFor();
  await page.getByRole("heading", { name: "Lobby", level: 1 }).waitFor();
  assert.deepEqual(problems, []);
  await context.close();
});

test("keys that no path could hold are reached by keyboard", async () => {
  const opened = await openPage(browser);
  const { page, context, problems } = opened;
  await logInByToken(opened, server);
  await openList(page, "Rooms");
  for (const key of [slashed, "w".repeat(127), "Café de la mer 🐢"]) {
    await page.getByRole("searchbox", { name: "Search" }).fill(key.slice(0, 40));
    await page.getByText("1–1 of 1", { exact: true }).waitFor();
    const link = page.getByRole("link", { name: key, exact: true });
    await link.focus();
    await link.press("Enter");
    await page.getByRole("heading", { name: key, level: 1 }).waitFor();
    await page.getByText("1–1 of 1", { exact: true }).waitFor();
    await page.reload();
    await page.getByRole("heading", { name: key, level: 1 }).waitFor();
    await page.getByRole("link", { name: /Guest 20/ }).waitFor();
    await openList(page, "Rooms");
  }
  assert.deepEqual(problems, []);
  await context.close();
});

test("what changes is seen without a reload", async () => {
  const opened = await openPage(browser);
  const { page, context } = opened;
  await logInByToken(opened, server);
  await openList(page, "Rooms");
  const row = page.getByRole("row").filter({ hasText: "Lobby" });
  await waitForChange(page, row.getByText(/ Ki?B$| B$/));

  await page.getByRole("link", { name: "Fleeting" }).click();
  await page.getByRole("link", { name: "Guest 3000" }).waitFor();
  const { items } = await server.api("GET", "/lists/rooms/members?key=Fleeting");
  await server.api("DELETE", `/entities/${items[0].id}`);
  await page.getByText("This is how it was last seen.").waitFor();
  await page.getByRole("link", { name: "Rooms 2,499" }).waitFor();
  await context.close();
});

test("what is not there is told", async () => {
  const opened = await openPage(browser);
  const { page, context } = opened;
  await logInByToken(opened, server);
  await page.goto(`${server.adminUrl}/#/lists/rooms/row?key=nowhere`);
  await page.getByText("There is no such row").waitFor();
  await page.goto(`${server.adminUrl}/#/lists/nothing`);
  await page.getByText("There is no such list").waitFor();
  await context.close();
});

for (const colorScheme of ["light", "dark"]) {
  test(`lists are free of barriers in ${colorScheme}`, async () => {
    const opened = await openPage(browser, { colorScheme });
    const { page, context, problems } = opened;
    await logInByToken(opened, server);
    await openList(page, "Rate limit");
    await page.getByText("Nothing right now").waitFor();
    await takePicture(page, `list-empty-${colorScheme}`);
    assert.deepEqual(await findBarriers(page), [], "empty");
    await openList(page, "Rooms");
    await page.getByRole("link", { name: "Members" }).click();
    await keysFrom(page, "Lobby");
    await takePicture(page, `list-${colorScheme}`);
    // Few rows have all that many have, and take less time.
    await page.getByRole("searchbox", { name: "Search" }).fill("lobby");
    await page.getByText("1–1 of 1", { exact: true }).waitFor();
    assert.deepEqual(await findBarriers(page), [], "rows");
    await page.getByRole("link", { name: "Lobby", exact: true }).click();
    await page.getByText("1–100 of 120").waitFor();
    await takePicture(page, `list-row-${colorScheme}`);
    await page.getByRole("link", { name: "Next" }).click();
    await page.getByText("101–120 of 120").waitFor();
    assert.deepEqual(await findBarriers(page), [], "row");
    await page.setViewportSize({ width: 420, height: 860 });
    await openList(page, "Rooms");
    await page.locator("tbody tr").first().waitFor();
    await takePicture(page, `list-narrow-${colorScheme}`);
    await page.getByRole("searchbox", { name: "Search" }).fill("lobby");
    await page.getByText("1–1 of 1", { exact: true }).waitFor();
    assert.deepEqual(await findBarriers(page), [], "narrow");
    assert.deepEqual(problems, []);
    await context.close();
  });
}
