// The chat page, opened from a file as a newcomer does, against the real server.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launchBrowser, takePicture } from "./support/browser.mjs";
import { assertAccessible, enterExample, openExample } from "./support/pages.mjs";
import { makeDirectory, startServer } from "./support/server.mjs";

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

/** A page that is connected, named and in the room. */
async function enter(name, room) {
  const opened = await openExample(browser, "chat");
  const { page } = opened;
  await page.getByLabel("Server").fill(server.websocketUrl);
  await page.getByLabel("Nickname").fill(name);
  await page.getByRole("button", { name: "Connect" }).click();
  await page.getByText(`Your nickname is now: ${name}`).waitFor();
  if (room) {
    await page.getByLabel("Join a room").fill(room);
    await page.getByRole("button", { name: "Join" }).click();
    await page.getByText(`Joined room: ${room}`).waitFor();
  }
  return opened;
}

async function say(page, text) {
  await page.getByLabel("Message", { exact: true }).fill(text);
  await page.getByRole("button", { name: "Send" }).click();
}

const shown = (page, name, text) =>
  page.locator("#log .chat").filter({ hasText: name }).filter({ hasText: text });

test("two pages in a room hear each other and a third outside does not", async () => {
  const ann = await enter("Ann", "blue lagoon");
  const bob = await enter("Bob", "blue lagoon");
  const eve = await enter("Eve", "elsewhere");

  await say(ann.page, "hello from the reef");
  await shown(bob.page, "Ann", "hello from the reef").waitFor();
  await shown(ann.page, "Ann", "hello from the reef").waitFor();
  await say(bob.page, "hello back");
  await shown(ann.page, "Bob", "hello back").waitFor();
  await takePicture(ann.page, "chat");

  // Her own line comes after whatever the room's lines would have brought.
  await say(eve.page, "alone");
  await shown(eve.page, "Eve", "alone").waitFor();
  assert.equal(await eve.page.locator("#log .chat").count(), 1);

  await bob.page.getByRole("button", { name: "Disconnect" }).click();
  await ann.page.getByText(/^User \d+ has left\.$/).waitFor();
  assert.deepEqual([...ann.problems, ...bob.problems, ...eve.problems], []);
  await assertAccessible(ann.page);
  for (const { context } of [ann, bob, eve]) await context.close();
});

test("names and messages with markup stay text", async () => {
  const hostile = "<img src=x onerror=alert(1)>";
  const { page, context, problems } = await enter("Mallory", "reefs");
  await say(page, hostile);
  await shown(page, "Mallory", hostile).waitFor();
  assert.equal(await page.locator("#log img").count(), 0);
  assert.deepEqual(problems, []);
  await context.close();
});

test("an unknown command is answered by an error", async () => {
  const { page, context } = await enter("Carl");
  await say(page, "/nonsense");
  await page.locator("#log .error").getByText("Unknown command: /nonsense").waitFor();
  await context.close();
});

test("who is away has a mark where the page can tell who said a line", async () => {
  const ann = await enter("Ann", "shallows");
  const bob = await enterExample(browser, "chat", server.websocketUrl);
  await say(bob.page, "/join shallows");
  await say(bob.page, "back soon");
  const line = ann.page.locator("#log .chat").filter({ hasText: "back soon" });
  await line.waitFor();

  await say(bob.page, "/status away");
  await line.locator(".dot.away").waitFor();
  await ann.page.locator("#log .system").getByText(/^User \d+ is away$/).waitFor();
  await say(bob.page, "/status online");
  await line.locator(".dot").waitFor({ state: "detached" });
  assert.deepEqual([...ann.problems, ...bob.problems], []);
  for (const { context } of [ann, bob]) await context.close();
});
