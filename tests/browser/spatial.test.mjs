// The space page in two windows: they come into range, see each other move and lose each other.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launchBrowser, takePicture } from "./support/browser.mjs";
import { assertAccessible, bareSettings, enterExample } from "./support/pages.mjs";
import { makeDirectory, startServer } from "./support/server.mjs";

const world = {
  ...bareSettings,
  "spatial.size_x": "1000",
  "spatial.size_y": "1000",
};
let directory;
let browser;

before(async () => {
  directory = makeDirectory();
  browser = await launchBrowser();
});

after(async () => {
  await browser?.close();
  directory?.remove();
});

/** A server for one test, which ends it if it is still there. */
async function start(test, settings = {}) {
  const server = await startServer(directory.path, { ...world, ...settings });
  test.after(() => server.stop());
  return server;
}

/** A window whose position is known to the server; its id. */
async function enter(server, place, options) {
  const opened = await enterExample(browser, "spatial", server.websocketUrl, options);
  await opened.page.locator("#me").getByText(/^\d+$/).waitFor();
  await put(opened.page, place);
  return { ...opened, id: await opened.page.locator("#me").textContent() };
}

/** Be at a place at once, and wait until the server has it. */
async function put(page, [x, y]) {
  await page.evaluate(([toX, toY]) => move({ x: toX, y: toY }), [x, y]);
  await page.locator("#place").getByText(`${x.toFixed(1)}, ${y.toFixed(1)}`).waitFor();
}

const log = (page, text) => page.locator("#log").getByText(text, { exact: true }).last();

async function meetAndPart(server) {
  const ann = await enter(server, [300, 300]);
  const bob = await enter(server, [-300, -300], { colorScheme: "dark" });

  await put(bob.page, [340, 300]);
  await log(ann.page, `${bob.id} came into range`).waitFor();
  await log(bob.page, `${ann.id} came into range`).waitFor();
  await put(bob.page, [350, 310]);
  await ann.page.waitForFunction((id) => others.get(id)?.x === 350 && others.get(id)?.y === 310, bob.id);
  await takePicture(ann.page, "spatial");
  await takePicture(bob.page, "spatial-dark");
  await put(bob.page, [-300, -300]);
  await log(ann.page, `${bob.id} is out of range`).waitFor();
  await log(bob.page, `${ann.id} is out of range`).waitFor();
  return { ann, bob };
}

test("two windows meet, see each other move and part", async (t) => {
  const server = await start(t);
  const { ann, bob } = await meetAndPart(server);
  assert.equal(await ann.page.locator("#profile").textContent(), "reef.v1");

  await ann.page.locator("#view").focus();
  await ann.page.keyboard.down("ArrowRight");
  await ann.page.waitForFunction(() => accepted.x > 302);
  await ann.page.keyboard.up("ArrowRight");
  await ann.page.locator("#view").click({ position: { x: 20, y: 20 } });
  await ann.page.waitForFunction(() => accepted.x < 300 && accepted.y > 302);
  assert.deepEqual([...ann.problems, ...bob.problems], []);
  await assertAccessible(ann.page);

  await bob.context.close();
  await server.stop();
  await ann.page.locator("#state.bad").getByText(/^Disconnected/).waitFor();
  assert.equal(await ann.page.locator("#me").textContent(), "–");
  await ann.context.close();
});

test("a refused move is shown, and undone", async (t) => {
  const server = await start(t);
  const { page, context } = await enter(server, [400, 0]);
  await page.evaluate(() => move({ x: 501, y: 0 }));
  await page.locator("#state.bad").getByText("outside the world").waitFor();
  await page.locator("#log .error").getByText("outside the world: x is between -500 and 500").waitFor();
  assert.deepEqual(await page.evaluate(() => here), { x: 400, y: 0 });
  await put(page, [390, 0]);
  await context.close();
});

test("they do by texts, too, and in a world of three axes", async (t) => {
  const server = await start(t, {
    "spatial.mode": "3d",
    "websocket.subprotocols": "other",
  });
  const { ann, bob } = await meetAndPart(server);
  assert.equal(await ann.page.locator("#profile").textContent(), "texts");
  for (const { context } of [ann, bob]) await context.close();
});
