// npm ws: an echo, and with --fanout a broadcast to all.
//   node ws.mjs [--port N] [--fanout]
import { WebSocketServer } from "ws";

const words = process.argv.slice(2);
const isFanout = words.includes("--fanout");
const port = words.includes("--port") ? Number(words[words.indexOf("--port") + 1]) : 0;

const server = new WebSocketServer({ host: "127.0.0.1", port, backlog: 1024 });

server.on("listening", () => {
  console.error(`listening port=${server.address().port}`);
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
