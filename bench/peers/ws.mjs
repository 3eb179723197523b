// npm ws: an echo, and with --fanout a broadcast to all.
//   node ws.mjs [--port N] [--fanout] [--tls CERTIFICATE KEY]
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { WebSocketServer } from "ws";

const words = process.argv.slice(2);
const isFanout = words.includes("--fanout");
const port = words.includes("--port") ? Number(words[words.indexOf("--port") + 1]) : 0;
const tls = words.indexOf("--tls");

const listener =
  tls < 0
    ? createServer()
    : createTlsServer({ cert: readFileSync(words[tls + 1]), key: readFileSync(words[tls + 2]) });
const server = new WebSocketServer({ server: listener });

listener.listen({ host: "127.0.0.1", port, backlog: 1024 }, () => {
  console.error(`listening port=${listener.address().port}`);
});
server.on("connection", (client) => {
  client.on("message", (data, binary) => {
    if (isFanout) {
      for (const other of server.clients) {
        other.send(data, { binary });
      }
    } else {
      client.send(data, { binary });
    }
  });
  client.on("error", () => client.terminate());
});
