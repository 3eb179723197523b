// The server's WebSocket against another implementation: the npm package ws as client.  Random
// messages, in every combination of what permessage-deflate can be asked for, must come back
// as they were sent.
//
// ECHO is the program that echoes, WS_MODULE the folder of the package.  WS_SEED repeats a run.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";

const WebSocket = createRequire(import.meta.url)(process.env.WS_MODULE);
const seed = Number(process.env.WS_SEED ?? Date.now() % 2 ** 31) || 1;
const messagesPerRow = 40;

let random = seed;
/** A whole number below `limit`. */
function below(limit) {
  random ^= random << 13;
  random ^= random >>> 17;
  random ^= random << 5;
  return (random >>> 0) % limit;
}

const words = ["tide ", "coral ", "wärmer ", "{\"x\":", "0.5},", "深い ", "🐠", "\n", "\0"];

/** Text or bytes, mostly small, now and then large; compressible or noise. */
function makeMessage() {
  const size = [0, 1 + below(20), below(130), below(2000), below(70000), below(400000)][below(6)];
  if (below(2) === 0) {
    let text = "";
    while (text.length < size) text += words[below(words.length)];
    return text;
  }
  const noisy = below(2) === 0;
  return Buffer.from({ length: size }, () => (noisy ? below(256) : below(3)));
}

let directory;
let server;
let port;

before(async () => {
  directory = await mkdtemp(join(tmpdir(), "reef-differential-"));
  const settings = ["websocket.listen=127.0.0.1:0", "admin.listen=127.0.0.1:0",
    "websocket.permessage_deflate=true", "websocket.deflate_min_size=32"];
  server = spawn(process.env.ECHO, settings.flatMap((setting) => ["--set", setting]),
    { cwd: directory, stdio: ["ignore", "ignore", "pipe"] });
  port = await new Promise((resolve, reject) => {
    let log = "";
    server.stderr.on("data", (data) => {
      log += data;
      const found = log.match(/transport=websocket addr=127\.0\.0\.1:(\d+)/);
      if (found) resolve(Number(found[1]));
    });
    server.on("exit", () => reject(new Error(`the server ended: ${log}`)));
  });
});

after(async () => {
  if (server.exitCode === null) {
    const ended = new Promise((resolve) => server.once("exit", resolve));
    server.kill("SIGTERM");
    assert.equal(await ended, 0, "the server ends well");
  }
  await rm(directory, { recursive: true });
});

/** All messages out, in pieces where the library can, and all back in order. */
function converse(options, messages) {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/`, { perMessageDeflate: options });
    let received = 0;

    socket.on("error", reject);
    socket.on("close", (code) => {
      if (received < messages.length) reject(new Error(`closed with ${code} at ${received}`));
      else resolve();
    });
    socket.on("open", () => {
      for (const message of messages) {
        const bytes = Buffer.from(message);
        const cut = below(bytes.length + 1);
        const binary = typeof message !== "string";
        if (below(3) === 0) {
          socket.send(bytes.subarray(0, cut), { binary, fin: false });
          socket.send(bytes.subarray(cut), { binary, fin: true });
        } else {
          socket.send(bytes, { binary, compress: below(4) > 0 });
        }
        if (below(8) === 0) socket.ping();
      }
    });
    socket.on("message", (data, isBinary) => {
      const expected = messages[received++];
      try {
        assert.equal(isBinary, typeof expected !== "string");
        assert.ok(Buffer.from(expected).equals(data), `message ${received} differs`);
      } catch (error) {
        reject(error);
        socket.terminate();
      }
      if (received === messages.length) socket.close(1000);
    });
  });
}

const rows = [false];
for (const serverNoContextTakeover of [false, true]) {
  for (const clientNoContextTakeover of [false, true]) {
    for (const serverMaxWindowBits of [undefined, 9, 12, 15]) {
      for (const clientMaxWindowBits of [undefined, 9, 12, 15]) {
        rows.push({ serverNoContextTakeover, clientNoContextTakeover, serverMaxWindowBits,
          clientMaxWindowBits, threshold: 0 });
      }
    }
  }
}

for (const options of rows) {
  test(`seed ${seed}: ${JSON.stringify(options)}`, async () => {
    await converse(options, Array.from({ length: messagesPerRow }, makeMessage));
  });
}
