// A chat client for Reef without a build: open chat.html and connect.
//
// What the server says is text: "[System] …", "[Error] …", "NAME: text" and, where it has
// presence, "<id> away".  All of it is shown by text nodes, so no name or message can become
// markup.
"use strict";

const { find, element, addLine, onSubmit, makeConnection } = Page;
const log = find("log");
const colors = 6;
let nick = "";
/** The reply to a /list that this page sent itself is not shown as a message. */
let quietLists = 0;
let listTimer = 0;

/** id → "away" or "busy", of those who are not online.  Lines of chat have an id only from
 *  clients without a nickname. */
const presence = new Map();

const colorOf = (name) => {
  let sum = 0;
  for (const letter of name) sum = (sum * 31 + letter.codePointAt(0)) % 9973;
  return `name color${sum % colors}`;
};

function markPresence(who) {
  const status = presence.get(who.dataset.user);
  who.querySelector(".dot")?.remove();
  if (!status) return;
  const dot = element("span", `dot ${status}`);
  dot.title = status;
  who.prepend(dot);
}

function onPresence(id, status) {
  const wasKnown = presence.delete(id);
  if (status === "away" || status === "busy") presence.set(id, status);
  for (const who of document.querySelectorAll(`[data-user="${id}"]`)) markPresence(who);
  if (status !== "offline" && (wasKnown || status !== "online")) {
    addLine(log, "system", `User ${id} is ${status}`);
  }
}

function showChat(text) {
  const split = text.indexOf(": ");
  const name = split < 0 ? "" : text.slice(0, split);
  const words = element("span", "words", split < 0 ? text : text.slice(split + 2));
  const who = element("span", colorOf(name), name);
  const id = /^User (\d+)$/.exec(name)?.[1];
  if (id) {
    who.dataset.user = id;
    markPresence(who);
  }
  addLine(log, name !== "" && name === nick ? "chat bubble mine" : "chat bubble", who, words);
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
      button.onclick = () => connection.say(`/join ${name}`);
      const item = element("li");
      item.append(button);
      return item;
    }),
  );
  if (rooms.length === 0) find("rooms").append(element("li", "none", "No active rooms"));
}

function showWhetherRooms(has) {
  if (!has) clearInterval(listTimer);
  for (const id of ["enter", "rename", "rooms-part"]) find(id).hidden = !has;
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
  addLine(log, "system", text);
  if (joined || /^Left room: /.test(text)) listRooms();
}

function onText(text) {
  const told = /^\[(System|Error|RateLimit)\] ([\s\S]*)$/.exec(text);
  const present = /^(\d+) (online|away|busy|offline)$/.exec(text);
  if (told?.[1] === "System") onSystem(told[2]);
  else if (told) addLine(log, "error", told[2]);
  else if (present) onPresence(present[1], present[2]);
  else if (/^User \d+: \/list$/.test(text)) showWhetherRooms(false); // no command there
  else if (!/^hello \d+$/.test(text)) showChat(text); // that is said where there is space
}

function listRooms() {
  quietLists += 1;
  connection.say("/list");
}

const connection = makeConnection({
  protocols: [], // texts are enough
  on: { text: onText },
  opened: () => {
    quietLists = 0;
    showWhetherRooms(true);
    find("message").placeholder = "Write a message, or a command such as /list";
    if (find("nick").value.trim()) connection.say(`/nick ${find("nick").value.trim()}`);
    listRooms();
    listTimer = setInterval(listRooms, 5000);
    find("message").focus();
  },
  closed: () => {
    clearInterval(listTimer);
    presence.clear();
    nick = "";
    find("message").placeholder = "Connect first";
    showPlace(null);
  },
});

onSubmit("rename", () => connection.say(`/nick ${find("nick").value.trim()}`));
onSubmit("enter", () => {
  connection.say(`/join ${find("room").value.trim()}`);
  find("room").value = "";
});
onSubmit("compose", () => {
  connection.say(find("message").value);
  find("message").value = "";
});
find("leave").onclick = () => connection.say("/leave");
find("refresh").onclick = listRooms;
