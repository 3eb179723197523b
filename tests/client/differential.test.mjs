// The encoder and decoder of reef.js against those in C: random values must come back from a
// server, which reads and writes them, as they were sent.
//
// TYPED_ECHO is that server, WS_MODULE the folder of the npm package ws, or empty.  SEED repeats
// a run.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { connect, encodeMessage } from "../../web/client/reef.mjs";
import { allFields, allValue, tcp } from "./support.mjs";

if (globalThis.WebSocket === undefined && process.env.WS_MODULE) {
  globalThis.WebSocket = createRequire(import.meta.url)(process.env.WS_MODULE);
}
const seed = Number(process.env.SEED ?? Date.now() % 2 ** 31) || 1;
const valuesPerRow = 300;

let random = seed;
/** A whole number below `limit`. */
function below(limit) {
  random ^= random << 13;
  random ^= random >>> 17;
  random ^= random << 5;
  return (random >>> 0) % limit;
}

// Values ----------------------------------------------------------------------------------------

const view = new DataView(new ArrayBuffer(8));

function randomBytes() {
  for (let i = 0; i < 8; i++) view.setUint8(i, [below(256), 0, 255][below(3)]);
  return view;
}

function randomText(max) {
  const letters = ["a", "é", "深", "🐠", "\n", " "];
  const wanted = below(2) * below(max + 1);
  let text = "";
  for (let size = 0; size < wanted;) {
    const letter = letters[below(letters.length)];
    size += Buffer.byteLength(letter);
    if (size <= max) text += letter;
  }
  return text;
}

/** Of its kind, and within the ranges of the fixture, which a signature does not tell. */
function randomNumber(field) {
  const number = randomBytes()[field.number.get](0, true);
  if (field.number.name === "bool") return number % 2 === 1;
  if (field.name === "i32") return number % 101 || 0; // -0 is no whole number
  if (field.name === "turn") return number % 8;
  if (field.name === "x") return Math.fround(Number.isFinite(number) ? number % 10 : 1);
  return Number.isFinite(number) || typeof number === "bigint" ? number : -0.25;
}

function randomElement(field) {
  switch (field.kind) {
    case "number":
      return randomNumber(field);
    case "enum":
      return [...field.byName.keys()][below(field.byName.size)];
    case "mask":
      return [...field.byName.keys()].filter(() => below(2) === 0);
    case "struct":
      return randomValue(field.fields);
    default:
      return randomText(Math.min(field.max, [4, 300, 100000][below(3)]));
  }
}

function randomValue(fields) {
  return Object.fromEntries(fields.map((field) => [field.name,
    field.count === null ? randomElement(field)
      : Array.from({ length: field.count }, () => randomElement(field))]));
}

// Server ----------------------------------------------------------------------------------------

let directory;
let server;
const ports = {};

before(async () => {
  directory = await mkdtemp(join(tmpdir(), "reef-client-"));
  const settings = ["websocket.listen=127.0.0.1:0", "tcp.listen=127.0.0.1:0", "udp.listen="];
  server = spawn(process.env.TYPED_ECHO, settings.flatMap((setting) => ["--set", setting]),
    { cwd: directory, stdio: ["ignore", "ignore", "pipe"] });
  await new Promise((resolve, reject) => {
    let log = "";
    server.stderr.on("data", (data) => {
      log += data;
      for (const name of ["websocket", "tcp"]) {
        ports[name] ??= log.match(`transport=${name} addr=127\\.0\\.0\\.1:(\\d+)`)?.[1];
      }
      if (ports.websocket && ports.tcp) resolve();
    });
    server.on("exit", () => reject(new Error(`the server ended: ${log}`)));
  });
});

after(async () => {
  server?.kill("SIGTERM");
  await rm(directory, { recursive: true });
});

const rows = [["tcp", () => connect(ports.tcp, { transport: tcp })]];
if (globalThis.WebSocket) {
  rows.push(["websocket", () => connect(`ws://127.0.0.1:${ports.websocket}/`)]);
}

/** The next message or text, or an error of either side. */
function next(client, name) {
  return new Promise((resolve, reject) => {
    const done = (settle) => (...values) => {
      client.off(name, heard).off("error", refused).off("fault", broken);
      settle(...values);
    };
    const heard = done((...values) => resolve(values));
    const refused = done(({ text }) => reject(new Error(`the server: ${text}`)));
    const broken = done(reject);
    client.on(name, heard).on("error", refused).on("fault", broken);
  });
}

for (const [transport, open] of rows) {
  test(`${transport}: the server describes its messages`, async () => {
    const client = await open();
    assert.deepEqual([...client.messages.keys()],
      ["hello", "error", "all", "test.refused", "test.point", "odd"]);
    assert.deepEqual(client.messages.get("all").fields.map((field) => field.name),
      allFields.split(/,(?![^{]*\})/).map((field) => field.split(" ")[0])
        .filter((name) => Object.hasOwn(allValue, name)));
    assert.equal(client.messages.get("odd").isHeard, false);
    assert.equal(typeof client.id, "bigint");
    client.close();
  });

  test(`${transport}: values come back as they were (SEED=${seed})`, async () => {
    const client = await open();
    const all = client.messages.get("all");
    client.send("all", allValue);
    assert.deepEqual(await next(client, "all"), [allValue, []]);
    for (let i = 0; i < valuesPerRow; i++) {
      const value = randomValue(all.fields);
      const items = Array.from({ length: below(5) }, () => randomValue(all.items));
      const heard = next(client, "all");
      client.send("all", value, items);
      assert.deepEqual(await heard, [value, items]);
      assert.deepEqual(encodeMessage(all, ...(await heard)), encodeMessage(all, value, items));
    }
    client.close();
  });

  test(`${transport}: texts and typed messages come in order`, async () => {
    const client = await open();
    const heard = [];
    client.on("text", (text) => heard.push(text));
    client.on("test.point", ({ x }) => heard.push(x));
    const last = new Promise((resolve) => {
      client.on("text", (text) => text === "last" && resolve());
    });
    for (let i = 0; i < 5; i++) {
      client.say(`né ${i}`);
      client.send("test.point", { x: i, y: 0 });
    }
    client.say("last");
    await last;
    assert.deepEqual(heard,
      [...[0, 1, 2, 3, 4].flatMap((i) => [`né ${i}`, i]), "last"]);
    client.close();
  });

  test(`${transport}: what the server refuses is told`, async () => {
    const client = await open();
    const wait = () => new Promise((resolve) => client.on("error", resolve));
    let error = wait();
    client.send("test.refused");
    assert.deepEqual(await error, { code: "refused", opcode: client.messages.get("test.refused").opcode,
      text: "test.refused: refused", name: "test.refused" });
    error = wait();
    client.send("test.point", { x: 11, y: 0 });
    const { code, text } = await error;
    assert.deepEqual([code, text], ["value", "test.point.x: out of range"]);
    client.close();
  });
}
