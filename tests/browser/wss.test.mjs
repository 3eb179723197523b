// WebSocket over TLS from Chromium: the certificate that the server makes for development,
// known by its hash.
import assert from "node:assert/strict";
import { X509Certificate, createHash } from "node:crypto";
import { after, before, test } from "node:test";
import { connect } from "node:tls";
import { launchBrowser, openPage } from "./support/browser.mjs";
import { makeDirectory, startServer } from "./support/server.mjs";

let directory;
let server;

before(async () => {
  directory = makeDirectory();
  server = await startServer(directory.path, {
    "wss.listen": "127.0.0.1:0",
    "wss.dev": "true",
    "plugins.enabled": "chat", // nobody else greets who comes
  });
});

after(async () => {
  await server?.stop();
  directory?.remove();
});

async function wssAddress() {
  const { listeners } = await server.api("GET", "/server");
  return listeners.find((listener) => listener.transport === "wss").addr;
}

/** The certificate that the server shows. */
async function shownCertificate() {
  const [host, port] = (await wssAddress()).split(":");
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, rejectUnauthorized: false }, () => {
      resolve(socket.getPeerX509Certificate());
      socket.destroy();
    });
    socket.on("error", reject);
  });
}

const sha256 = (bytes) => createHash("sha256").update(bytes).digest();

/** Say `text` from a page and return the answer, or "refused". */
async function ask(browser, url, text) {
  const { page, context } = await openPage(browser);
  const answer = await page.evaluate(
    ([to, say]) =>
      new Promise((resolve) => {
        const socket = new WebSocket(to);
        socket.onopen = () => socket.send(say);
        socket.onmessage = (event) => resolve(event.data);
        socket.onerror = () => resolve("refused");
      }),
    [url, text],
  );
  await context.close();
  return answer;
}

test("the certificate shown is the one listed", async () => {
  const shown = await shownCertificate();
  const { certificates } = await server.api("GET", "/server");

  assert.ok(shown instanceof X509Certificate);
  assert.equal(sha256(shown.raw).toString("hex"), certificates[0].sha256);
  assert.equal(certificates[0].dev, true);
  assert.match(shown.subjectAltName, /DNS:localhost.*127\.0\.0\.1.*0:0:0:0:0:0:0:1/);
});

test("Chromium connects when it is told the key's hash", async () => {
  const shown = await shownCertificate();
  const spki = shown.publicKey.export({ type: "spki", format: "der" });
  const browser = await launchBrowser([
    `--ignore-certificate-errors-spki-list=${sha256(spki).toString("base64")}`,
  ]);
  const url = `wss://${await wssAddress()}/`;

  try {
    assert.equal(await ask(browser, url, "/nick Ann"), "[System] Your nickname is now: Ann");
  } finally {
    await browser.close();
  }
});

test("Chromium does not connect when nobody vouches for the key", async () => {
  const browser = await launchBrowser();
  const url = `wss://${await wssAddress()}/`;

  try {
    assert.equal(await ask(browser, url, "hello"), "refused");
  } finally {
    await browser.close();
  }
});
