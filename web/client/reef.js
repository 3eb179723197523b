// The client of a Reef server: texts and typed messages (docs/protocol.md) over a WebSocket.
//
//     <script src="reef.js"></script>          or:  import { connect } from "./reef.mjs";
//
//     const client = await Reef.connect("ws://127.0.0.1:8080");
//     client.on("text", (text) => …);
//     client.say("/join lobby");
//     client.on("paint.dot", ({ x, y, color }) => …);      // where the server has such
//     client.send("paint.dot", { x: 0.5, y: 0.25, color: "red" });
//
// A plain script without dependencies, so that a page opened from a file can use it.  What the
// server can say and hear it tells itself, and encoders and decoders are made from that.
//
// In values 64-bit numbers and entities are BigInts, enums names, masks arrays of names (a
// number where there is no name), arrays arrays, structs objects.
"use strict";

globalThis.Reef = (() => {
  const firstByte = 0xf8;
  const headSize = 3;
  const helloOpcode = 0;
  const errorOpcode = 1;
  const helloBytes = Uint8Array.of(firstByte, 0, 0, 0x52, 0x45, 0x45, 0x46, 1, 0);
  const maxItems = 0xffff;

  const toUtf8 = new TextEncoder();
  const fromUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

  // Signatures ------------------------------------------------------------------------------
  //
  // fields = field {"," field};  field = name " " kind ["[" count "]"]
  // kind   = "f32" … | "string<63>" | "enum:u8{calm=1 angry=5}" | "{" fields "}"

  class Scanner {
    constructor(text) {
      this.text = text;
      this.at = 0;
    }

    /** The text that `pattern`, which is sticky, matches here; with null for none. */
    take(pattern) {
      pattern.lastIndex = this.at;
      const match = pattern.exec(this.text);
      if (match === null) return null;
      this.at = pattern.lastIndex;
      return match[0];
    }

    want(pattern, what) {
      const taken = this.take(pattern);
      if (taken === null) {
        throw new SyntaxError(`${what} expected at ${this.at} of "${this.text}"`);
      }
      return taken;
    }
  }

  function parseNames(scanner) {
    const byName = new Map();
    const byValue = new Map();
    scanner.want(/\{/y, "{");
    while (scanner.take(/\}/y) === null) {
      const name = scanner.want(/[^=\s}]+/y, "a name");
      const value = Number(scanner.want(/=-?\d+ ?/y, "a value").slice(1));
      byName.set(name, value);
      if (!byValue.has(value)) byValue.set(value, name);
    }
    return { byName, byValue };
  }

  function parseKind(scanner) {
    if (scanner.take(/\{/y) !== null) {
      const fields = parseFields(scanner);
      scanner.want(/\}/y, "}");
      return { kind: "struct", fields };
    }
    const kind = scanner.want(/[a-z]+\d*/y, "a type");
    if (kind === "string" || kind === "text") {
      const max = Number(scanner.want(/<\d+>/y, "a size").slice(1, -1));
      return { kind, max, width: kind === "text" && max > 0xffff ? 4 : 2 };
    }
    if (kind === "enum" || kind === "mask") {
      const number = scanner.want(/:[ui]\d+/y, "a width").slice(1);
      return { kind, number: numberKind(number), ...parseNames(scanner) };
    }
    return { kind: "number", number: numberKind(kind) };
  }

  function parseFields(scanner) {
    const fields = [];
    if (scanner.at === scanner.text.length) return fields;
    do {
      const name = scanner.want(/[A-Za-z_]\w*/y, "a field");
      if (name === "__proto__") throw new SyntaxError("no such field");
      scanner.want(/ /y, "a space");
      const field = { name, ...parseKind(scanner), count: null };
      const count = scanner.take(/\[\d+\]/y);
      if (count !== null) field.count = Number(count.slice(1, -1));
      fields.push(field);
    } while (scanner.take(/,/y) !== null);
    return fields;
  }

  /** The fields of a signature, for encodeFields() and decodeFields(). */
  function parseSignature(text) {
    const scanner = new Scanner(text);
    const fields = parseFields(scanner);
    if (scanner.at !== text.length) throw new SyntaxError(`"${text}" goes on at ${scanner.at}`);
    return fields;
  }

  // Numbers ---------------------------------------------------------------------------------

  const integer = (min, max) => (value) => {
    const number = Number(value);
    if (!Number.isInteger(number) || number < min || number > max) {
      throw new RangeError(`${value} is no whole number from ${min} to ${max}`);
    }
    return number;
  };
  const big = (bits, isSigned) => (value) => {
    const number = BigInt(value);
    if ((isSigned ? BigInt.asIntN(bits, number) : BigInt.asUintN(bits, number)) !== number) {
      throw new RangeError(`${value} has more than ${bits} bits`);
    }
    return number;
  };
  const finite = (value) => {
    if (typeof value !== "number" || !Number.isFinite(value)) {
      throw new RangeError(`${value} is no finite number`);
    }
    return value;
  };
  const single = (value) => finite(Math.fround(finite(value)));
  const truth = (value) => {
    if (typeof value !== "boolean") throw new TypeError(`${value} is neither true nor false`);
    return value ? 1 : 0;
  };

  const numbers = {
    bool: { size: 1, get: "getUint8", set: "setUint8", check: truth },
    i8: { size: 1, get: "getInt8", set: "setInt8", check: integer(-0x80, 0x7f) },
    i16: { size: 2, get: "getInt16", set: "setInt16", check: integer(-0x8000, 0x7fff) },
    i32: { size: 4, get: "getInt32", set: "setInt32", check: integer(-0x80000000, 0x7fffffff) },
    i64: { size: 8, get: "getBigInt64", set: "setBigInt64", check: big(64, true) },
    u8: { size: 1, get: "getUint8", set: "setUint8", check: integer(0, 0xff) },
    u16: { size: 2, get: "getUint16", set: "setUint16", check: integer(0, 0xffff) },
    u32: { size: 4, get: "getUint32", set: "setUint32", check: integer(0, 0xffffffff) },
    u64: { size: 8, get: "getBigUint64", set: "setBigUint64", check: big(64, false) },
    entity: { size: 8, get: "getBigUint64", set: "setBigUint64", check: big(64, false) },
    f32: { size: 4, get: "getFloat32", set: "setFloat32", check: single },
    f64: { size: 8, get: "getFloat64", set: "setFloat64", check: finite },
  };

  function numberKind(name) {
    if (!Object.hasOwn(numbers, name)) throw new SyntaxError(`unknown type ${name}`);
    return { name, ...numbers[name] };
  }

  // Encoding --------------------------------------------------------------------------------

  class Writer {
    constructor() {
      this.bytes = new Uint8Array(64);
      this.view = new DataView(this.bytes.buffer);
      this.size = 0;
    }

    /** Make room for `count` bytes more, and return where they begin. */
    grow(count) {
      const at = this.size;
      this.size += count;
      if (this.size > this.bytes.length) {
        const larger = new Uint8Array(Math.max(this.size, this.bytes.length * 2));
        larger.set(this.bytes);
        this.bytes = larger;
        this.view = new DataView(larger.buffer);
      }
      return at;
    }

    number(kind, value) {
      const at = this.grow(kind.size);
      this.view[kind.set](at, kind.check(value), true);
    }

    put(bytes) {
      const at = this.grow(bytes.length);
      this.bytes.set(bytes, at);
    }

    result() {
      return this.bytes.slice(0, this.size);
    }
  }

  function encodeEnum(field, value, writer) {
    const number = typeof value === "string" ? field.byName.get(value) : value;
    if (!field.byValue.has(number)) throw new RangeError(`${value} is no such name`);
    writer.number(field.number, number);
  }

  function encodeMask(field, value, writer) {
    let bits = value;
    if (Array.isArray(value)) {
      bits = 0;
      for (const name of value) {
        if (!field.byName.has(name)) throw new RangeError(`${name} is no such name`);
        bits = (bits | field.byName.get(name)) >>> 0;
      }
    }
    writer.number(field.number, bits);
  }

  function encodeText(field, value, writer) {
    if (typeof value !== "string") throw new TypeError("no text");
    const bytes = toUtf8.encode(value);
    if (bytes.length > field.max) {
      throw new RangeError(`${bytes.length} bytes are too many, at most ${field.max}`);
    }
    if (bytes.includes(0)) throw new RangeError("a text has no NUL");
    writer.number(field.width === 4 ? numbers.u32 : numbers.u16, bytes.length);
    writer.put(bytes);
  }

  function encodeElement(field, value, writer) {
    switch (field.kind) {
      case "number":
        return writer.number(field.number, value);
      case "enum":
        return encodeEnum(field, value, writer);
      case "mask":
        return encodeMask(field, value, writer);
      case "struct":
        return encodeFields(field.fields, value, writer);
      default:
        return encodeText(field, value, writer);
    }
  }

  function encodeField(field, value, writer) {
    if (value === undefined) throw new TypeError("is missing");
    if (field.count === null) return encodeElement(field, value, writer);
    if (value === null || value.length !== field.count) {
      throw new RangeError(`has ${field.count} elements`);
    }
    for (const element of value) encodeElement(field, element, writer);
    return undefined;
  }

  /** Append the fields of `value`; throws what is wrong with them. */
  function encodeFields(fields, value, writer) {
    for (const field of fields) {
      try {
        encodeField(field, value?.[field.name], writer);
      } catch (error) {
        error.message = `${field.name}: ${error.message}`;
        throw error;
      }
    }
  }

  // Decoding --------------------------------------------------------------------------------

  class Reader {
    constructor(bytes) {
      this.bytes = bytes;
      this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      this.at = 0;
    }

    take(count) {
      if (count > this.bytes.length - this.at) throw new RangeError("message cut short");
      this.at += count;
      return this.at - count;
    }

    number(kind) {
      return this.view[kind.get](this.take(kind.size), true);
    }

    text(size) {
      const at = this.take(size);
      return fromUtf8.decode(this.bytes.subarray(at, at + size));
    }

    get left() {
      return this.bytes.length - this.at;
    }
  }

  function decodeMask(field, bits) {
    const names = [];
    let named = 0;
    for (const [name, value] of field.byName) {
      if ((bits & value) >>> 0 === value >>> 0 && value !== 0) {
        names.push(name);
        named |= value;
      }
    }
    return named >>> 0 === bits ? names : bits;
  }

  function decodeElement(field, reader) {
    switch (field.kind) {
      case "number": {
        const number = reader.number(field.number);
        return field.number.name === "bool" ? number !== 0 : number;
      }
      case "enum": {
        const number = reader.number(field.number);
        return field.byValue.get(number) ?? number;
      }
      case "mask":
        return decodeMask(field, reader.number(field.number));
      case "struct":
        return decodeFields(field.fields, reader);
      default:
        return reader.text(reader.number(field.width === 4 ? numbers.u32 : numbers.u16));
    }
  }

  function decodeFields(fields, reader) {
    const value = {};
    for (const field of fields) {
      value[field.name] =
        field.count === null
          ? decodeElement(field, reader)
          : Array.from({ length: field.count }, () => decodeElement(field, reader));
    }
    return value;
  }

  // Messages --------------------------------------------------------------------------------

  /** A message as the hello describes it: {opcode, name, isHeard, fields, items}. */
  function makeMessage({ opcode, is_heard, name, fields, items }) {
    return {
      opcode,
      name,
      isHeard: is_heard,
      fields: parseSignature(fields),
      items: items === "" ? null : parseSignature(items),
    };
  }

  /** The bytes of a message; throws what is wrong with the value. */
  function encodeMessage(message, value = {}, items = []) {
    const writer = new Writer();
    writer.number(numbers.u8, firstByte);
    writer.number(numbers.u16, message.opcode);
    encodeFields(message.fields, value, writer);
    if (message.items === null) {
      if (items.length > 0) throw new TypeError(`${message.name} has no items`);
      return writer.result();
    }
    if (items.length > maxItems) throw new RangeError(`at most ${maxItems} items`);
    writer.number(numbers.u16, items.length);
    for (const item of items) encodeFields(message.items, item, writer);
    return writer.result();
  }

  /** [value, items] of bytes that are such a message. */
  function decodeMessage(message, bytes) {
    const reader = new Reader(bytes);
    reader.take(headSize);
    const value = decodeFields(message.fields, reader);
    const items = [];
    if (message.items !== null) {
      const count = reader.number(numbers.u16);
      for (let i = 0; i < count; i++) items.push(decodeFields(message.items, reader));
    }
    if (reader.left > 0) throw new RangeError("bytes behind the end");
    return [value, items];
  }

  const helloMessage = makeMessage({
    opcode: helloOpcode,
    is_heard: false,
    name: "hello",
    fields: "version u16,client_id u64,opcode_count u16",
    items: "opcode u16,is_heard bool,name string<63>,fields text<4096>,items text<4096>",
  });
  const errorMessage = makeMessage({
    opcode: errorOpcode,
    is_heard: false,
    name: "error",
    fields:
      "code enum:u8{unknown=1 length=2 value=3 encoding=4 refused=5 wrong_version=6}," +
      "opcode u16,text string<159>",
    items: "",
  });

  const isTyped = (bytes) => bytes.length > 0 && bytes[0] >= firstByte;

  // Transports ------------------------------------------------------------------------------
  //
  // A transport is {protocol, hasTexts, send(string or bytes), close(code, reason)} and calls
  // {opened(), received(string or Uint8Array), closed({code, reason})} of whom it was made for.
  // One that knows bytes only (hasTexts false) is greeted by a hello, as TCP and UDP are.

  /** A WebSocket, offering `protocols`. */
  function webSocket(url, protocols, receiver) {
    const socket = new WebSocket(url, protocols);
    socket.binaryType = "arraybuffer";
    socket.onopen = () => receiver.opened();
    socket.onmessage = ({ data }) =>
      receiver.received(typeof data === "string" ? data : new Uint8Array(data));
    socket.onclose = ({ code, reason }) => receiver.closed({ code, reason });
    return {
      hasTexts: true,
      get protocol() {
        return socket.protocol;
      },
      send: (data) => socket.send(data),
      close: (code, reason) => socket.close(code, reason),
    };
  }

  // Client ----------------------------------------------------------------------------------

  class Client {
    #transport;
    #handlers = new Map();
    #messages = new Map([["hello", helloMessage], ["error", errorMessage]]);
    #byOpcode = new Map([[helloOpcode, helloMessage], [errorOpcode, errorMessage]]);
    #told = new Set(); // opcodes of the hello, those included that we cannot read
    #waiting = []; // what came before somebody can have asked for it
    #state = "opening";
    #settle;

    /** This client's id, a BigInt; null where the server does not speak reef.v1. */
    id = null;

    constructor(url, protocols, make, handlers, settle) {
      this.#settle = settle;
      for (const [name, handler] of Object.entries(handlers)) this.on(name, handler);
      this.#transport = make(url, protocols, {
        opened: () => this.#opened(),
        received: (data) => this.#received(data),
        closed: (end) => this.#closed(end),
      });
    }

    /** "reef.v1" or "text". */
    get profile() {
      return this.id === null ? "text" : "reef.v1";
    }

    get isOpen() {
      return this.#state === "open";
    }

    /** What the server can say and hear, by name: {opcode, isHeard, fields, items}. */
    get messages() {
      return this.#messages;
    }

    /**
     * Have `handler` called for each message called `name`, with its value and its items; for
     * "text" with the text, for "error" with {code, opcode, name, text} when the server refuses
     * a message, for "close" with {code, reason}, for "fault" with an Error when bytes make no
     * sense, and for "*" with name, value and items of all typed messages.
     */
    on(name, handler) {
      if (!this.#handlers.has(name)) this.#handlers.set(name, new Set());
      this.#handlers.get(name).add(handler);
      return this;
    }

    off(name, handler) {
      this.#handlers.get(name)?.delete(handler);
      return this;
    }

    /** Send a text. */
    say(text) {
      this.#transport.send(this.#transport.hasTexts ? text : toUtf8.encode(text));
    }

    /** Send a typed message; throws what is wrong with it. */
    send(name, value = {}, items = []) {
      const message = this.#messages.get(name);
      if (message === undefined || !message.isHeard) {
        throw new TypeError(`the server has no message ${name} for clients to send`);
      }
      this.#transport.send(encodeMessage(message, value, items));
    }

    close(code = 1000, reason = "") {
      this.#transport.close(code, reason);
    }

    /** A handler that throws does not keep the next one from being called. */
    #emit(name, ...values) {
      for (const handler of this.#handlers.get(name) ?? []) {
        try {
          handler(...values);
        } catch (error) {
          queueMicrotask(() => {
            throw error;
          });
        }
      }
    }

    #opened() {
      if (!this.#transport.hasTexts) {
        this.#transport.send(helloBytes);
      } else if (this.#transport.protocol !== "reef.v1") {
        this.#ready();
      }
    }

    /** Who awaits connect() goes on before the first message is delivered. */
    #ready() {
      this.#state = "settling";
      this.#settle.resolve(this);
      setTimeout(() => {
        if (this.#state === "settling") this.#state = "open";
        for (const data of this.#waiting.splice(0)) this.#deliver(data);
      }, 0);
    }

    #received(data) {
      if (typeof data !== "string" && isTyped(data)) {
        const opcode = data.length < headSize ? -1 : data[1] | (data[2] << 8);
        if (opcode === helloOpcode) return this.#attempt(() => this.#welcomed(data));
        if (opcode === errorOpcode && this.#state === "opening") {
          return this.#attempt(() => this.#refused(data));
        }
      }
      if (this.#state === "open") return this.#deliver(data);
      this.#waiting.push(data);
      return undefined;
    }

    /** Nonsense from the server is told, and does not break what follows. */
    #attempt(step) {
      try {
        step();
      } catch (error) {
        this.#emit("fault", error);
      }
    }

    /** A hello, or one of its pieces. */
    #welcomed(data) {
      const [hello, items] = decodeMessage(helloMessage, data);
      for (const item of items) {
        this.#told.add(item.opcode);
        this.#attempt(() => this.#learn(makeMessage(item)));
      }
      if (this.#state === "opening" && this.#told.size >= hello.opcode_count) {
        this.id = hello.client_id;
        this.#ready();
      }
    }

    #learn(message) {
      this.#messages.set(message.name, message);
      this.#byOpcode.set(message.opcode, message);
    }

    /** The hello was not taken. */
    #refused(data) {
      const [{ text }] = decodeMessage(errorMessage, data);
      this.#fail(new Error(text));
      this.close();
    }

    #fail(error) {
      this.#state = "closed";
      this.#settle.reject(error);
    }

    #deliver(data) {
      if (typeof data === "string") {
        this.#emit("text", data);
      } else {
        this.#attempt(() => this.#decode(data));
      }
    }

    #decode(data) {
      if (!isTyped(data)) return this.#emit("text", fromUtf8.decode(data));
      if (data.length < headSize) throw new RangeError("message cut short");
      const opcode = data[1] | (data[2] << 8);
      const message = this.#byOpcode.get(opcode);
      if (message === undefined && this.#told.has(opcode)) return undefined; // left alone
      if (data[0] !== firstByte || message === undefined) {
        throw new RangeError(`unknown message ${opcode}`);
      }
      const [value, items] = decodeMessage(message, data);
      if (message === errorMessage) {
        value.name = this.#byOpcode.get(value.opcode)?.name ?? null;
      }
      this.#emit(message.name, value, items);
      return this.#emit("*", message.name, value, items);
    }

    #closed(end) {
      const wasOpening = this.#state === "opening";
      for (const data of this.#waiting.splice(0)) this.#deliver(data);
      if (wasOpening) {
        this.#fail(new Error(end.reason || "the connection could not be made"));
      } else {
        this.#state = "closed";
        this.#emit("close", end);
      }
    }
  }

  function attempt(url, protocols, make, handlers) {
    return new Promise((resolve, reject) => {
      new Client(url, protocols, make, handlers, { resolve, reject });
    });
  }

  /**
   * Connect, and greet.
   *
   * @param url "ws://…" or "wss://…", or what the transport takes.
   * @param options protocols: subprotocols to offer.  Without it reef.v1 is offered, and when
   *   the server does not know it, the connection is made again without; on: handlers by name;
   *   transport: what to use in place of a WebSocket.
   * @returns A promise of the client, once it may say something.
   */
  async function connect(url, { protocols, on = {}, transport = webSocket } = {}) {
    if (protocols !== undefined) return attempt(url, protocols, transport, on);
    try {
      return await attempt(url, ["reef.v1"], transport, on);
    } catch (error) {
      if (transport !== webSocket) throw error;
      return attempt(url, [], transport, on); // browsers end a connection that agrees on none
    }
  }

  return { connect, webSocket, parseSignature, makeMessage, encodeMessage, decodeMessage };
})();
