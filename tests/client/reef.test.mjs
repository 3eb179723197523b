// The client library without a server: its bytes, and what it makes of what a server says.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";

import {
  connect, decodeMessage, encodeMessage, makeMessage, parseSignature,
} from "../../web/client/reef.mjs";
import { allFields, allValue } from "./support.mjs";

const describe = (name, fields, items = "", opcode = 16) =>
  makeMessage({ opcode, is_heard: true, name, fields, items });
const all = describe("all", allFields);

/** What C makes of the same value. */
async function allBytes() {
  const file = await readFile(new URL("../fuzz/corpus/reef_v1/all", import.meta.url));
  return Uint8Array.of(0xf8, 16, 0, ...file.subarray(1));
}

test("values of every kind have the bytes that they have in C", async () => {
  assert.deepEqual(encodeMessage(all, allValue), await allBytes());
});

test("bytes of every kind are the values that they are in C", async () => {
  assert.deepEqual(decodeMessage(all, await allBytes()), [allValue, []]);
});

test("a message that is cut at any byte is refused", async () => {
  const bytes = await allBytes();
  for (let size = 0; size < bytes.length; size++) {
    assert.throws(() => decodeMessage(all, bytes.subarray(0, size)), RangeError);
  }
  assert.throws(() => decodeMessage(all, Uint8Array.of(...bytes, 0)), /behind the end/);
});

test("items follow their count", () => {
  const list = describe("list", "a u8", "id u16,name string<3>");
  const items = [{ id: 1, name: "x" }, { id: 513, name: "" }];
  const bytes = encodeMessage(list, { a: 7 }, items);
  assert.deepEqual([...bytes], [0xf8, 16, 0, 7, 2, 0, 1, 0, 1, 0, 120, 1, 2, 0, 0]);
  assert.deepEqual(decodeMessage(list, bytes), [{ a: 7 }, items]);
  assert.throws(() => encodeMessage(describe("none", ""), {}, [{}]), /no items/);
});

test("what does not fit its field is not sent", () => {
  const wrong = [
    ["flag", 1, /neither true nor false/], ["i8", 128, /whole number/],
    ["u16", -1, /whole number/], ["u32", 1.5, /whole number/], ["i64", 2n ** 63n, /64 bits/],
    ["u64", -1n, /64 bits/], ["f32", NaN, /finite/], ["f32", 1e39, /finite/],
    ["f64", Infinity, /finite/], ["mood", "sad", /no such name/], ["mood", 2, /no such name/],
    ["sides", ["up"], /no such name/], ["name", "12345678", /too many/],
    ["name", "a\0b", /NUL/], ["name", 5, /no text/], ["weights", [1, 2], /3 elements/],
    ["story", undefined, /missing/],
  ];
  for (const [field, value, reason] of wrong) {
    assert.throws(
      () => encodeMessage(all, { ...allValue, [field]: value }),
      (error) => error.message.startsWith(`${field}: `) && reason.test(error.message),
      field,
    );
  }
  assert.throws(
    () => encodeMessage(all, { ...allValue, pose: { origin: { x: 1 }, turn: 1 } }),
    /^TypeError: pose: origin: y: is missing/,
  );
});

test("numbers without a name stay numbers", () => {
  const some = describe("some", "mood enum:u8{calm=1},sides mask:u8{left=1 right=2 both=3}");
  assert.deepEqual(decodeMessage(some, Uint8Array.of(0xf8, 16, 0, 9, 8)),
    [{ mood: 9, sides: 8 }, []]);
  assert.deepEqual(decodeMessage(some, Uint8Array.of(0xf8, 16, 0, 1, 3)),
    [{ mood: "calm", sides: ["left", "right", "both"] }, []]);
  assert.deepEqual([...encodeMessage(some, { mood: 1, sides: 3 })], [0xf8, 16, 0, 1, 3]);
});

test("signatures that are none are refused", () => {
  for (const text of ["x", "x f33", "x f32,", "x f32 y", "x string", "x {y f32", "x f32[",
    "x enum:u8{a}", "__proto__ u8", ",", "x u8;"]) {
    assert.throws(() => parseSignature(text), SyntaxError, text);
  }
});

// Conversations ---------------------------------------------------------------------------------

const helloDescription = makeMessage({
  opcode: 0, is_heard: false, name: "hello",
  fields: "version u16,client_id u64,opcode_count u16",
  items: "opcode u16,is_heard bool,name string<63>,fields text<4096>,items text<4096>",
});
const errorDescription = makeMessage({
  opcode: 1, is_heard: false, name: "error",
  fields: "code enum:u8{unknown=1 wrong_version=6},opcode u16,text string<159>", items: "",
});
const told = [
  { opcode: 16, is_heard: true, name: "dot", fields: "x f32,color u8", items: "" },
  { opcode: 17, is_heard: false, name: "seen", fields: "", items: "id u8" },
];
const hello = (items, opcode_count = items.length) =>
  encodeMessage(helloDescription, { version: 1, client_id: 42n, opcode_count }, items);

/** A transport that a test drives: {sent, receiver, …}. */
function fake({ protocol = "", hasTexts = true } = {}) {
  const made = { sent: [], protocol, hasTexts, closedWith: null };
  made.make = (url, protocols, receiver) => {
    Object.assign(made, { url, protocols, receiver });
    return made;
  };
  made.send = (data) => made.sent.push(data);
  made.close = (code, reason) => (made.closedWith = { code, reason });
  return made;
}

async function greeted(on = {}) {
  const transport = fake({ protocol: "reef.v1" });
  const promise = connect("x", { protocols: ["reef.v1"], transport: transport.make, on });
  transport.receiver.opened();
  transport.receiver.received(hello(told));
  return { transport, client: await promise };
}

const turn = () => new Promise((resolve) => setTimeout(resolve, 5));

test("a server that has agreed on nothing is spoken to in texts", async () => {
  const transport = fake();
  const promise = connect("x", { protocols: [], transport: transport.make });
  transport.receiver.opened();
  const client = await promise;
  const heard = [];
  client.on("text", (text) => heard.push(text));
  transport.receiver.received("hi");
  await turn();
  client.say("ho");
  assert.deepEqual([heard, transport.sent], [["hi"], ["ho"]]);
  assert.equal(client.profile, "text");
  assert.equal(client.id, null);
  assert.throws(() => client.send("dot", {}), /no message dot/);
});

test("the hello makes encoders and decoders", async () => {
  const { transport, client } = await greeted();
  const heard = [];
  client.on("dot", (value) => heard.push(value));
  client.on("seen", (value, items) => heard.push(items));
  client.on("*", (name) => heard.push(name));
  assert.equal(client.profile, "reef.v1");
  assert.equal(client.id, 42n);
  client.send("dot", { x: 0.5, color: 7 });
  assert.deepEqual([...transport.sent[0]], [0xf8, 16, 0, 0, 0, 0, 0x3f, 7]);
  transport.receiver.received(transport.sent[0]);
  transport.receiver.received(Uint8Array.of(0xf8, 17, 0, 2, 0, 5, 6));
  await turn();
  assert.deepEqual(heard,
    [{ x: 0.5, color: 7 }, "dot", [{ id: 5 }, { id: 6 }], "seen"]);
  assert.throws(() => client.send("seen"), /no message seen/);
});

test("a hello in pieces is whole when all opcodes are told", async () => {
  const transport = fake({ protocol: "reef.v1" });
  const promise = connect("x", { protocols: ["reef.v1"], transport: transport.make });
  let isReady = false;
  promise.then(() => (isReady = true));
  transport.receiver.opened();
  transport.receiver.received(hello([told[1]], 2));
  transport.receiver.received(hello([told[1]], 2)); // once more, as UDP may
  await turn();
  assert.equal(isReady, false);
  transport.receiver.received(hello([told[0]], 2));
  assert.deepEqual([...(await promise).messages.keys()], ["hello", "error", "seen", "dot"]);
});

test("a message with a type of a later version is left alone", async () => {
  const faults = [];
  const transport = fake({ protocol: "reef.v1" });
  const later = { opcode: 16, is_heard: true, name: "later", fields: "x f128", items: "" };
  const promise = connect("x", {
    protocols: ["reef.v1"], transport: transport.make,
    on: { fault: (error) => faults.push(error.message) },
  });
  transport.receiver.opened();
  transport.receiver.received(hello([later, told[1]]));
  const client = await promise;
  assert.deepEqual([...client.messages.keys()], ["hello", "error", "seen"]);
  assert.deepEqual(faults, ["unknown type f128"]);
  await turn();
  transport.receiver.received(Uint8Array.of(0xf8, 16, 0, 1, 2));
  assert.equal(faults.length, 1);
});

test("what comes before anybody can listen is not lost", async () => {
  const transport = fake({ protocol: "reef.v1" });
  const promise = connect("x", { protocols: ["reef.v1"], transport: transport.make });
  transport.receiver.opened();
  transport.receiver.received("early");
  transport.receiver.received(hello(told));
  transport.receiver.received(Uint8Array.of(0xf8, 17, 0, 1, 0, 9));
  const client = await promise;
  const heard = [];
  client.on("text", (text) => heard.push(text));
  client.on("seen", (value, items) => heard.push(items[0].id));
  await turn();
  transport.receiver.received("late");
  assert.deepEqual(heard, ["early", 9, "late"]);
});

test("a transport of bytes is greeted, and its texts are bytes", async () => {
  const transport = fake({ hasTexts: false });
  const promise = connect("x", { transport: transport.make });
  transport.receiver.opened();
  assert.equal(Buffer.from(transport.sent[0]).toString("latin1"), "\xf8\0\0REEF\x01\0");
  transport.receiver.received(hello(told));
  const client = await promise;
  const heard = [];
  client.on("text", (text) => heard.push(text));
  client.say("né");
  assert.deepEqual([...transport.sent[1]], [110, 0xc3, 0xa9]);
  transport.receiver.received(transport.sent[1]);
  await turn();
  assert.deepEqual(heard, ["né"]);
});

test("a server that refuses the hello is not connected to", async () => {
  const transport = fake({ hasTexts: false });
  const promise = connect("x", { transport: transport.make });
  transport.receiver.opened();
  transport.receiver.received(encodeMessage(errorDescription,
    { code: "wrong_version", opcode: 0, text: "this server speaks version 2" }));
  await assert.rejects(promise, /speaks version 2/);
  assert.notEqual(transport.closedWith, null);
});

test("errors of the server name the message", async () => {
  const { transport, client } = await greeted();
  const heard = [];
  client.on("error", (error) => heard.push(error));
  transport.receiver.received(encodeMessage(errorDescription,
    { code: "unknown", opcode: 16, text: "no" }));
  await turn();
  assert.deepEqual(heard, [{ code: "unknown", opcode: 16, text: "no", name: "dot" }]);
});

test("nonsense of the server is told, and nothing breaks", async () => {
  const { transport, client } = await greeted();
  const faults = [];
  const heard = [];
  client.on("fault", (error) => faults.push(error.message));
  client.on("seen", () => heard.push("seen"));
  await turn();
  for (const bytes of [[0xf8], [0xf8, 99, 0], [0xf9, 16, 0, 0, 0, 0, 0, 0], [0xf8, 17, 0, 1],
    [0xf8, 0, 0, 1], [0xc3]]) {
    transport.receiver.received(Uint8Array.from(bytes));
  }
  transport.receiver.received(Uint8Array.of(0xf8, 17, 0, 0, 0));
  assert.equal(faults.length, 6);
  assert.deepEqual(heard, ["seen"]);
});

test("a handler that is taken away, and the end", async () => {
  const ends = [];
  const { transport, client } = await greeted({ close: (end) => ends.push(end) });
  const heard = [];
  const handler = (text) => heard.push(text);
  client.on("text", handler).off("text", handler);
  await turn();
  assert.equal(client.isOpen, true);
  transport.receiver.received("hi");
  client.close(1000, "bye");
  assert.deepEqual(transport.closedWith, { code: 1000, reason: "bye" });
  transport.receiver.closed({ code: 1000, reason: "bye" });
  assert.deepEqual([heard, ends, client.isOpen], [[], [{ code: 1000, reason: "bye" }], false]);
});

test("a connection that cannot be made", async () => {
  const transport = fake();
  const promise = connect("x", { protocols: [], transport: transport.make });
  transport.receiver.closed({ code: 1006, reason: "" });
  await assert.rejects(promise, /could not be made/);
});
