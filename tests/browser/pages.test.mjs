// What holds for all example pages: they open from a file, say clearly how things are, are of
// use to everybody, and do not care what carries their messages.
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { after, before, test } from "node:test";
import { launchBrowser, openPage, takePicture } from "./support/browser.mjs";
import { assertAccessible, bareSettings, connect, enterExample, fileOf, openExample } from "./support/pages.mjs";
import { makeDirectory, startServer } from "./support/server.mjs";

const folder = new URL("../../web/examples/", import.meta.url);
const names = readdirSync(folder).filter((file) => file.endsWith(".html")).map((file) => file.slice(0, -5));
const nowhere = "ws://127.0.0.1:1";
let directory;
let server;
let browser;

before(async () => {
  directory = makeDirectory();
  server = await startServer(directory.path, bareSettings); // echo
  browser = await launchBrowser();
});

after(async () => {
  await browser?.close();
  await server?.stop();
  directory?.remove();
});

/** Whatever there is to use is inside a narrow window, too. */
async function assertFits(page, name) {
  const { width, height } = page.viewportSize();
  await page.setViewportSize({ width: 380, height: 760 });
  const outside = await page.evaluate(async () => {
    for (let i = 0; i < 2; i++) await new Promise(requestAnimationFrame); // laid out anew
    return [...document.querySelectorAll("input, button, canvas, #state")]
      .filter((part) => part.getBoundingClientRect().right > innerWidth)
      .map((part) => part.outerHTML);
  });
  assert.deepEqual(outside, []);
  await takePicture(page, `${name}-narrow`);
  await page.setViewportSize({ width, height });
}

test("the index leads to every page", async () => {
  const { page, context, problems } = await openPage(browser);
  await page.goto(fileOf("index"));
  const links = await page.getByRole("link").evaluateAll((all) => all.map((a) => a.getAttribute("href")));
  assert.deepEqual(links.sort(), names.filter((name) => name !== "index").map((name) => `${name}.html`).sort());
  await takePicture(page, "index");
  await assertAccessible(page);
  assert.deepEqual(problems, []);
  await context.close();
});

for (const name of names.filter((each) => each !== "index")) {
  test(`${name} says what is wrong with an address, and fits`, async () => {
    const { page, context, problems } = await openExample(browser, name);
    const state = page.locator("#state");
    await page.getByText("Not connected").waitFor();
    await takePicture(page, `${name}-first`);
    await assertAccessible(page);
    await assertFits(page, name);

    const address = page.getByLabel("Server");
    await address.fill("nonsense");
    await address.press("Enter");
    await state.getByText("This is not the address of a server").waitFor();
    assert.deepEqual(problems, []);
    await address.fill(nowhere);
    await address.press("Enter");
    await state.getByText(/: is the server running\?$/).waitFor();
    assert.equal(await page.getByRole("button", { name: "Connect", exact: true }).isEnabled(), true);
    await context.close();
  });
}

test("a page echoes by keyboard alone, as text, and says when the server is gone", async () => {
  const hostile = "<img src=x onerror=alert(1)>";
  const { page, context, problems } = await enterExample(browser, "echo", server.websocketUrl);
  await page.keyboard.type(hostile); // the message has the focus
  await page.keyboard.press("Enter");
  await page.locator("#log .time").getByText(/^\d+\.\d ms$/).waitFor();
  assert.equal(await page.locator("#log .bubble").getByText(hostile).count(), 2);
  assert.equal(await page.locator("img").count(), 0);
  await takePicture(page, "echo");
  await assertAccessible(page);

  await page.getByRole("button", { name: "Disconnect" }).click();
  await page.locator("#state").getByText("Disconnected", { exact: true }).waitFor();
  await connect(page, server.websocketUrl);
  await page.getByLabel("Message", { exact: true }).focus();
  await server.stop();
  await page.locator("#state.bad").getByText(/^Disconnected: ./).waitFor();
  assert.equal(await page.getByLabel("Message", { exact: true }).isEnabled(), false);
  assert.equal(await page.evaluate(() => document.activeElement.id), "toggle");
  assert.deepEqual(problems, []);
  server = await startServer(directory.path, bareSettings);
  await context.close();
});

test("a connection that does not come about can be given up", async () => {
  const { page, context } = await openExample(browser, "echo");
  await page.evaluate(() => {
    Page.transports["never:"] = () => ({ hasTexts: true, protocol: "", send() {}, close() {} });
  });
  await page.getByLabel("Server").fill("never:");
  await page.getByRole("button", { name: "Connect", exact: true }).click();
  await page.getByText("Connecting…").waitFor();
  await page.getByRole("button", { name: "Cancel" }).click();
  await connect(page, server.websocketUrl);
  await context.close();
});

test("a page works over another transport, one of bytes only", async () => {
  const { page, context, problems } = await openExample(browser, "echo");
  await page.evaluate(() => {
    Page.transports["mirror:"] = (url, protocols, receiver) => {
      const hello = Uint8Array.of(0xf8, 0, 0, 1, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
      setTimeout(() => receiver.opened());
      return {
        hasTexts: false,
        send: (bytes) => setTimeout(() => receiver.received(bytes[0] === 0xf8 ? hello : bytes)),
        close: (code, reason) => setTimeout(() => receiver.closed({ code, reason })),
      };
    };
  });
  await connect(page, "mirror:");
  await page.getByLabel("Message", { exact: true }).fill("håll");
  await page.keyboard.press("Enter");
  await page.locator("#log .time").getByText(/ms$/).waitFor();
  assert.equal(await page.locator("#log .bubble").getByText("håll").count(), 2);
  assert.deepEqual(problems, []);
  await context.close();
});
