// The whiteboard in several windows: what one draws all see, and it outlives the server.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { findBarriers, launchBrowser, openPage, takePicture } from "./support/browser.mjs";
import { makeDirectory, startServer } from "./support/server.mjs";

const pageUrl = new URL("../../web/examples/whiteboard.html", import.meta.url);
const settings = { "demo.entities": null };
let directory;
let server;
let browser;

before(async () => {
  directory = makeDirectory();
  server = await startServer(directory.path, settings);
  browser = await launchBrowser();
});

after(async () => {
  await browser?.close();
  await server?.stop();
  directory?.remove();
});

/** A window that is connected and has the whole drawing. */
async function enter(name, options) {
  const opened = await openPage(browser, options);
  const { page } = opened;
  await page.goto(`file://${fileURLToPath(pageUrl)}`);
  await connect(page, name);
  return opened;
}

async function connect(page, name) {
  await page.getByLabel("Server").fill(server.websocketUrl);
  await page.getByLabel("Your name").fill(name);
  await page.getByRole("button", { name: "Connect", exact: true }).click();
  await page.getByText(/^Connected, \d+ strokes?$/).waitFor();
  await page.getByText(`${name} (you)`).waitFor();
}

/** Draw through points of the board's own units.  The mouse goes down and up; in between the
 *  page is told of moves directly, as a mouse that Playwright moves takes long. */
async function draw(page, points, { color, width } = {}) {
  if (color) await page.getByRole("radio", { name: color }).click();
  if (width) await page.getByRole("radio", { name: width }).click();
  const place = await page.locator("#wet").boundingBox();
  const at = ([x, y]) => [place.x + (x / 4000) * place.width, place.y + (y / 2250) * place.height];
  await page.mouse.move(...at(points[0]));
  await page.mouse.down();
  await page.locator("#wet").evaluate((canvas, moves) => {
    for (const [clientX, clientY] of moves) {
      canvas.dispatchEvent(new PointerEvent("pointermove", { clientX, clientY }));
    }
  }, points.slice(1, -1).map(at));
  await page.mouse.move(...at(points.at(-1)));
  await page.mouse.up();
}

/** Until the ink at a point of the board has a colour, given as "r,g,b,a". */
async function waitForInk(page, point, expected) {
  await page.waitForFunction(
    ([[x, y], wanted]) => {
      const canvas = document.getElementById("ink");
      const place = [(x / 4000) * canvas.width, (y / 2250) * canvas.height].map(Math.round);
      return canvas.getContext("2d").getImageData(...place, 1, 1).data.join(",") === wanted;
    },
    [point, expected],
  );
}

const red = "211,63,63,255";
const blue = "47,111,222,255";
const green = "47,158,99,255";
const none = "0,0,0,0";

function wave(fromX, y, count) {
  return Array.from({ length: count }, (_, i) => [fromX + i * 16, y + 160 * Math.sin(i / 12)]);
}

test("what one draws, others see; who comes late sees it too", async () => {
  const ann = await enter("Ann");
  const bob = await enter("Bob", { colorScheme: "dark" });
  await ann.page.locator("#people").getByText("Bob").waitFor();

  await draw(ann.page, [[500, 500], [1500, 500]], { color: "Red", width: "Thick" });
  await draw(bob.page, [[2000, 1500], [3000, 1500]], { color: "Blue", width: "Thick" });
  for (const { page } of [ann, bob]) {
    await waitForInk(page, [1000, 500], red);
    await waitForInk(page, [2500, 1500], blue);
  }
  await draw(ann.page, wave(400, 1000, 200), { color: "Green", width: "Medium" });
  await ann.page.waitForFunction(() => pending.size === 0);

  const cat = await enter("Cat");
  await waitForInk(cat.page, [1000, 500], red);
  assert.equal(
    await cat.page.evaluate(() => strokes.size),
    await ann.page.evaluate(() => strokes.size),
  );
  await bob.page.mouse.move(700, 300);
  await bob.page.mouse.move(720, 330);
  await ann.page.locator(".cursor").getByText("Bob").waitFor();
  await takePicture(ann.page, "whiteboard");
  await takePicture(bob.page, "whiteboard-dark");
  assert.deepEqual(await findBarriers(ann.page), []);
  assert.deepEqual(await findBarriers(bob.page), []);
  assert.deepEqual([...ann.problems, ...bob.problems, ...cat.problems], []);

  await bob.context.close();
  await ann.page.locator("#people").getByText("Bob").waitFor({ state: "detached" });
  for (const { context } of [ann, cat]) await context.close();
});

test("undo takes back all parts of one's last stroke, and nobody else's", async () => {
  const ann = await enter("Ann");
  const bob = await enter("Bob");
  await draw(bob.page, [[300, 2000], [900, 2000]], { color: "Blue", width: "Thick" });
  await waitForInk(ann.page, [600, 2000], blue);

  const before = await ann.page.evaluate(() => strokes.size);
  await draw(ann.page, wave(300, 1800, 150).concat(wave(300, 1300, 150)), { color: "Green" });
  await ann.page.waitForFunction(() => pending.size === 0);
  assert.ok((await ann.page.evaluate(() => strokes.size)) > before + 1, "one part only");
  await ann.page.getByRole("button", { name: "Undo" }).click();
  await bob.page.waitForFunction((count) => strokes.size === count, before);
  await waitForInk(bob.page, [600, 2000], blue);
  for (const { context } of [ann, bob]) await context.close();
});

test("the drawing survives a restart of the server", async () => {
  const ann = await enter("Ann");
  await draw(ann.page, [[3000, 300], [3800, 300]], { color: "Red", width: "Thick" });
  await waitForInk(ann.page, [3400, 300], red);
  const count = await ann.page.evaluate(() => strokes.size);

  assert.equal(await server.stop(), 0);
  await ann.page.getByText(/^Disconnected/).waitFor();
  await waitForInk(ann.page, [3400, 300], none);
  server = await startServer(directory.path, settings);
  await connect(ann.page, "Ann");
  await waitForInk(ann.page, [3400, 300], red);
  assert.equal(await ann.page.evaluate(() => strokes.size), count);
  assert.deepEqual(ann.problems, []);
  await ann.context.close();
});

test("an operator recolours a stroke and deletes it, and the boards follow", async () => {
  const ann = await enter("Ann");
  await draw(ann.page, [[1000, 200], [1800, 200]], { color: "Red", width: "Thick" });
  await waitForInk(ann.page, [1400, 200], red);
  const id = await ann.page.evaluate(() => String([...strokes.keys()].at(-1)));

  await server.api("PATCH", `/entities/${id}/components/stroke`, { color: 0x2f9e63 });
  await waitForInk(ann.page, [1400, 200], green);
  await server.api("DELETE", `/entities/${id}`);
  await waitForInk(ann.page, [1400, 200], none);
  await ann.context.close();
});

test("the keyboard draws, too, and chooses", async () => {
  const ann = await enter("Ann");
  const bob = await enter("Bob");
  await ann.page.getByRole("radio", { name: "Red" }).focus();
  await ann.page.keyboard.press("ArrowLeft");
  for (let i = 0; i < 6; i++) await ann.page.keyboard.press("ArrowRight");
  await ann.page.getByRole("radio", { name: "Blue", checked: true }).waitFor();
  await ann.page.getByRole("radio", { name: "Thick" }).click();

  await ann.page.locator("#wet").focus();
  await ann.page.keyboard.press(" ");
  for (let i = 0; i < 4; i++) await ann.page.keyboard.press("ArrowRight");
  await ann.page.keyboard.press(" ");
  await ann.page.keyboard.press("ArrowDown"); // the pen is up
  await waitForInk(bob.page, [2100, 1125], blue);
  await ann.page.waitForFunction(() => pending.size === 0);
  assert.equal(await bob.page.evaluate(() => [...strokes.values()].at(-1).points.length), 10);
  for (const { context } of [ann, bob]) await context.close();
});

test("clearing the board clears it for everybody", async () => {
  const ann = await enter("Ann");
  const bob = await enter("Bob");
  await draw(ann.page, [[500, 500], [1500, 500]], { color: "Red", width: "Thick" });
  await waitForInk(bob.page, [1000, 500], red);
  await bob.page.getByRole("button", { name: "Clear" }).click();
  await waitForInk(ann.page, [1000, 500], none);
  await waitForInk(bob.page, [1000, 500], none);
  assert.equal(await ann.page.evaluate(() => strokes.size), 0);
  for (const { context } of [ann, bob]) await context.close();
});

test("a server that is no whiteboard is told to the user", async () => {
  const { page, context } = await openPage(browser);
  await page.goto(`file://${fileURLToPath(pageUrl)}`);
  await page.getByLabel("Server").fill("ws://127.0.0.1:1");
  await page.getByRole("button", { name: "Connect", exact: true }).click();
  await page.getByText("No whiteboard there").waitFor();
  await context.close();
});
