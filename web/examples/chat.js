// A chat client for Reef in one file and without a build: open chat.html and connect.
//
// What the server says is text of three kinds: "[System] …", "[Error] …" and "NAME: text".
// All of it is shown by text nodes, so no name or message can become markup.
"use strict";

const find = (id) => document.getElementById(id);
const log = find("log");
const colors = 6;
let socket = null;
let nick = "";
/** The reply to a /list that this page sent itself is not shown as a message. */
let quietLists = 0;
let listTimer = 0;

function element(name, className, text) {
  const made = document.createElement(name);
  made.className = className;
  made.textContent = text;
  return made;
}

/** Append a line of `parts`, and keep the newest in sight unless somebody scrolled up. */
function addLine(className, ...parts) {
  const atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 40;
  const line = element("div", className, "");
  line.append(...parts);
  log.append(line);
  if (atEnd) log.scrollTop = log.scrollHeight;
}

const colorOf = (name) => {
  let sum = 0;
  for (const letter of name) sum = (sum * 31 + letter.codePointAt(0)) % 9973;
  return `name color${sum % colors}`;
};

function showChat(text) {
  const split = text.indexOf(": ");
  const name = split < 0 ? "" : text.slice(0, split);
  const words = element("span", "words", split < 0 ? text : text.slice(split + 2));
  const who = element("span", colorOf(name), name);
  addLine(name !== "" && name === nick ? "chat mine" : "chat", who, words);
}

function showRooms(lines) {
  const rooms = lines.flatMap((line) => {
    const match = /^\s+- (.*) \((\d+) users?\)$/.exec(line);
    return match ? [{ name: match[1], users: match[2] }] : [];
  });
  find("rooms").replaceChildren(
    ...rooms.map(({ name, users }) => {
      const button = element("button", "room", name);
      button.type = "button";
      button.append(element("span", "users", users));
      button.onclick = () => send(`/join ${name}`);
      const item = document.createElement("li");
      item.append(button);
      return item;
    }),
  );
  if (rooms.length === 0) find("rooms").append(element("li", "none", "No active rooms"));
}

function showPlace(room) {
  find("place").textContent = room ?? "Everybody";
  find("leave").hidden = room === null;
}

function onSystem(text) {
  const [head, ...rest] = text.split("\n");
  if (head === "Active Rooms:") {
    showRooms(rest);
    if (quietLists > 0) {
      quietLists -= 1;
      return;
    }
  }
  const joined = /^Joined room: (.*)$/.exec(text);
  const renamed = /^Your nickname is now: (.*)$/.exec(text);
  if (joined) showPlace(joined[1]);
  if (/^Left room: /.test(text)) showPlace(null);
  if (renamed) nick = renamed[1];
  addLine("system", text);
  if (joined || /^Left room: /.test(text)) listRooms();
}

function onMessage(event) {
  if (typeof event.data !== "string") return;
  const match = /^\[(System|Error|RateLimit)\] ([\s\S]*)$/.exec(event.data);
  if (!match) showChat(event.data);
  else if (match[1] === "System") onSystem(match[2]);
  else addLine("error", match[2]);
}

function send(text) {
  if (socket?.readyState === WebSocket.OPEN) socket.send(text);
}

function listRooms() {
  quietLists += 1;
  send("/list");
}

function showConnected(connected) {
  find("toggle").textContent = connected ? "Disconnect" : "Connect";
  find("address").disabled = connected;
  find("message").disabled = !connected;
  find("message").placeholder = connected
    ? "Write a message, or a command such as /list"
    : "Connect first";
  for (const button of document.querySelectorAll("form button, #refresh")) {
    if (button.id !== "toggle") button.disabled = !connected;
  }
}

function connect(address) {
  find("state").textContent = "Connecting…";
  find("state").className = "";
  try {
    socket = new WebSocket(address);
  } catch {
    find("state").textContent = "This is not the address of a WebSocket server";
    return;
  }
  socket.onopen = () => {
    find("state").textContent = "Connected";
    find("state").className = "connected";
    quietLists = 0;
    showConnected(true);
    if (find("nick").value.trim()) send(`/nick ${find("nick").value.trim()}`);
    listRooms();
    listTimer = setInterval(listRooms, 5000);
    find("message").focus();
  };
  socket.onmessage = onMessage;
  socket.onclose = (event) => {
    const why = event.reason ? `: ${event.reason}` : "";
    find("state").textContent = event.wasClean
      ? `Disconnected${why}`
      : "No connection: is the server running?";
    find("state").className = "";
    socket = null;
    clearInterval(listTimer);
    showConnected(false);
    showPlace(null);
  };
}

function onSubmit(id, act) {
  find(id).onsubmit = (event) => {
    event.preventDefault();
    act();
  };
}

onSubmit("connect", () => (socket ? socket.close(1000) : connect(find("address").value.trim())));
onSubmit("rename", () => send(`/nick ${find("nick").value.trim()}`));
onSubmit("enter", () => {
  send(`/join ${find("room").value.trim()}`);
  find("room").value = "";
});
onSubmit("compose", () => {
  send(find("message").value);
  find("message").value = "";
});
find("leave").onclick = () => send("/leave");
find("refresh").onclick = listRooms;
