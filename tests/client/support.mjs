// A message with everything that reef.v1 can carry, as the C tests have it, and transports.

import { connect as connectTcp } from "node:net";

export const allFields =
  "flag bool,i8 i8,i16 i16,i32 i32,i64 i64,u8 u8,u16 u16,u32 u32,u64 u64," +
  "f32 f32,f64 f64,mood enum:u8{calm=1 angry=5},depth enum:i32{low=-2 high=300}," +
  "wide enum:u16{first=0 last=300},sides mask:u8{left=1 right=2}," +
  "flags mask:u32{one=1 far=1048576},name string<7>,story text<100000>," +
  "target entity,weights f32[3],titles string<5>[2]," +
  "moods enum:u8{calm=1 angry=5}[2]," +
  "pose {origin {x f32,y f32},turn u8}," +
  "members {name text<16>,age u32,poses {origin {x f32,y f32},turn u8}[2]}[2]";

/** The value whose bytes are tests/fuzz/corpus/reef_v1/all, behind the first. */
export const allValue = {
  flag: true,
  i8: -1,
  i16: -2,
  i32: -100,
  i64: -4n,
  u8: 0xab,
  u16: 0x1234,
  u32: 0x12345678,
  u64: 0x0102030405060708n,
  f32: 1.5,
  f64: -2.5,
  mood: "angry",
  depth: "low",
  wide: "last",
  sides: ["left", "right"],
  flags: ["far"],
  name: "bob",
  story: "oné",
  target: 0x100000002n,
  weights: [1, 2, 3],
  titles: ["sir", ""],
  moods: ["calm", "angry"],
  pose: { origin: { x: 10, y: 5 }, turn: 7 },
  members: [
    {
      name: "x",
      age: 9,
      poses: [
        { origin: { x: -1, y: 0 }, turn: 1 },
        { origin: { x: 0, y: 0 }, turn: 2 },
      ],
    },
    {
      name: "",
      age: 8,
      poses: [
        { origin: { x: 0, y: 0 }, turn: 3 },
        { origin: { x: 0, y: 0 }, turn: 4 },
      ],
    },
  ],
};

/** A transport of reef.js over TCP with varint lengths; `url` is a port of this machine. */
export function tcp(url, protocols, receiver) {
  const socket = connectTcp(Number(url), "127.0.0.1", () => receiver.opened());
  let rest = Buffer.alloc(0);
  socket.on("data", (data) => {
    rest = Buffer.concat([rest, data]);
    for (;;) {
      let at = 0;
      let size = 0;
      while (at < rest.length && rest[at] & 0x80) size += (rest[at] & 0x7f) * 2 ** (7 * at++);
      if (at >= rest.length) return;
      size += rest[at] * 2 ** (7 * at++);
      if (rest.length < at + size) return;
      receiver.received(new Uint8Array(rest.subarray(at, at + size)));
      rest = rest.subarray(at + size);
    }
  });
  socket.on("error", () => {});
  socket.on("close", () => receiver.closed({ code: 1006, reason: "" }));
  return {
    hasTexts: false,
    protocol: "",
    send(bytes) {
      const head = [];
      let size = bytes.length;
      for (; size >= 0x80; size >>>= 7) head.push((size & 0x7f) | 0x80);
      socket.write(Buffer.concat([Buffer.from([...head, size]), bytes]));
    },
    close: () => socket.end(),
  };
}
