// The lab page: a client, and HTTP requests that reach it.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launchBrowser, takePicture } from "./support/browser.mjs";
import { assertAccessible, bareSettings, connect, enterExample, openExample } from "./support/pages.mjs";
import { makeDirectory, startServer } from "./support/server.mjs";

let directory;
let server;
let browser;

before(async () => {
  directory = makeDirectory();
  server = await startServer(directory.path, { ...bareSettings, "http.listen": "127.0.0.1:0" });
  browser = await launchBrowser();
});

after(async () => {
  await browser?.close();
  await server?.stop();
  directory?.remove();
});

async function list(page, url) {
  await page.getByLabel("HTTP", { exact: true }).fill(url);
  await page.getByRole("button", { name: "List clients" }).click();
}

async function post(page, id, body) {
  await page.getByLabel("To client").fill(id);
  await page.getByLabel("Body").fill(body);
  await page.getByRole("button", { name: "POST" }).click();
}

test("a request reaches the client that it names, and says when there is none", async () => {
  const hostile = "<img src=x onerror=alert(1)>";
  const { page, context, problems } = await openExample(browser, "lab");
  await list(page, server.httpUrl);
  await page.getByText("0 clients", { exact: true }).waitFor();
  await connect(page, server.websocketUrl);
  await page.getByLabel("Message", { exact: true }).fill("good day");
  await page.keyboard.press("Enter");
  await page.locator("#log .bubble:not(.mine)").getByText("good day").waitFor();

  await page.getByText("1 client", { exact: true }).waitFor();
  await page.locator("#clients").getByRole("button").click();
  const id = await page.getByLabel("To client").inputValue();
  await post(page, id, hostile);
  await page.locator("#log").getByText(JSON.stringify(hostile)).waitFor();
  await page.locator("#requests").getByText(`POST /clients/${id} → 202 on its way`).waitFor();
  assert.equal(await page.locator("img").count(), 0);
  await takePicture(page, "lab");
  await assertAccessible(page);

  await post(page, "999999", "anybody?");
  await page.locator("#requests .error").getByText("404 there is no such client").waitFor();
  assert.deepEqual(problems.filter((text) => !text.includes("404")), []);
  const other = await enterExample(browser, "lab", server.websocketUrl);
  await page.getByText("2 clients", { exact: true }).waitFor(); // without being asked
  for (const each of [context, other.context]) await each.close();
});

test("clients are listed without a connection; where nobody answers, that is said", async () => {
  const { page, context } = await openExample(browser, "lab");
  await list(page, server.httpUrl);
  await page.locator("#asked").getByText(/^\d+ clients?$/).waitFor();
  await list(page, "http://127.0.0.1:1");
  await page.locator("#asked.bad").getByText(/^no answer from http:\/\/127\.0\.0\.1:1/).waitFor();
  await context.close();
});
