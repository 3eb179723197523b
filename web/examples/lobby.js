// Lobbies: create one, join one, see who is in it, and be told when it is full.
//
// All of it is the text grammar of the plugins `lobby` and `presence`; the others in a lobby
// are not announced, so this page asks for what it shows every few seconds.
"use strict";

const { find, element, addLine, onSubmit, makeConnection } = Page;
const log = find("log");
const refreshMs = 3000;

/** id → "away" or "busy", of those who are not online. */
const presence = new Map();
let own = null; // the lobby that we are in
let shown = null; // the one whose members are shown: ours, or one that was asked for
let members = [];
let quietLists = 0; // replies to a list that nobody asked for are not logged
let listed = ""; // what the list shows
let timer = 0;

function button(text, label, act) {
  const made = element("button", "small", text);
  made.type = "button";
  made.setAttribute("aria-label", label);
  made.onclick = act;
  return made;
}

function refresh() {
  quietLists += 1;
  connection.say("/lobby list");
  if (shown !== null) connection.say(`/lobby info ${shown}`);
}

function askInfo(name) {
  shown = name;
  connection.say(`/lobby info ${name}`);
}

function makeRow(line) {
  const [, name, count, max, owner] = /^ {2}(.+) \((\d+)\/(\d+)\) {2}owner:(\d+)$/.exec(line) ?? [];
  const item = element("li");
  if (name === undefined) {
    item.className = "note";
    item.textContent = line.trim() === "(none)" ? "There is none" : line.trim();
    return item;
  }
  const title = element("span", name === own ? "name mine" : "name", name);
  title.title = `Owner: client ${owner}`;
  item.append(title, element("span", "seats", `${count} of ${max}`));
  item.append(button("Info", `Info about ${name}`, () => askInfo(name)));
  if (own === null) {
    const join = button("Join", `Join ${name}`, () => connection.say(`/lobby join ${name}`));
    join.disabled = count === max;
    item.append(join);
  }
  return item;
}

/** Only when there is something new, so that the keyboard keeps its place. */
function showLobbies(lines) {
  const news = JSON.stringify([own, lines]);
  if (news === listed) return;
  listed = news;
  find("lobbies").replaceChildren(...lines.map(makeRow));
}

function showMembers() {
  find("info").hidden = shown === null || members.length === 0;
  find("members").replaceChildren(
    ...members.map(({ id, isOwner }) => {
      const status = presence.get(id) ?? "online";
      const item = element("li");
      item.append(element("span", `dot ${status}`), `Client ${id}, ${status}${isOwner ? ", owner" : ""}`);
      return item;
    }),
  );
}

function showInfo([, name, count, max, owner, ids]) {
  if (name !== shown) return;
  find("info-title").textContent = `In ${name}: ${count} of ${max}`;
  members = ids.split(",").map((id) => ({ id, isOwner: id === owner }));
  showMembers();
}

function showOwn(name) {
  own = name;
  shown = name;
  members = [];
  find("own-title").textContent = name === null ? "You are in no lobby" : `You are in ${name}`;
  find("leave").hidden = name === null;
  find("create").hidden = name !== null;
  showMembers();
  if (connection.client) refresh();
}

function onLobby(text) {
  const [head, ...lines] = text.split("\n");
  const entered = /^(?:Created and joined|Joined) '(.+)' \(\d+\/\d+\)\.$/.exec(text);
  const info = /^(.+) \((\d+)\/(\d+)\) {2}owner:(\d+) {2}members:([\d,]+)$/.exec(text);
  if (info) {
    showInfo(info);
    return;
  }
  if (head === "Public lobbies:") {
    showLobbies(lines);
    quietLists -= 1;
    if (quietLists >= 0) return;
    quietLists = 0;
  }
  if (shown !== null && shown !== own && text === `'${shown}' not found.`) {
    shown = null; // it ended, or is private
    showMembers();
    return;
  }
  const isDone = entered || /^Left '.+'\.$/.test(text);
  addLine(log, isDone || head === "Public lobbies:" ? "system" : "error", text);
  if (isDone) showOwn(entered?.[1] ?? null);
}

function onPresence(id, status) {
  if (status === "away" || status === "busy") presence.set(id, status);
  else presence.delete(id);
  if (status !== "offline") addLine(log, "system", `Client ${id} is ${status}`);
  showMembers();
}

function onText(text) {
  const [, kind, words] = /^\[(\w+)\] ([\s\S]*)$/.exec(text) ?? [];
  const present = /^(\d+) (online|away|busy|offline)$/.exec(text);
  if (kind === "Lobby") onLobby(words);
  else if (kind === "Match") {
    addLine(log, "match", words);
    refresh();
  } else if (kind) addLine(log, kind === "System" ? "system" : "error", words);
  else if (present) onPresence(present[1], present[2]);
  else if (!/^hello \d+$/.test(text)) addLine(log, "", text);
}

const connection = makeConnection({
  protocols: [], // texts are enough
  on: { text: onText },
  opened: () => {
    quietLists = 0;
    refresh();
    timer = setInterval(refresh, refreshMs);
    find("name").focus();
  },
  closed: () => {
    clearInterval(timer);
    presence.clear();
    showOwn(null);
    listed = "";
      find("lobbies").replaceChildren(element("li", "note", "Connect to see them"));
  },
});

onSubmit("create", () => {
  const words = [find("name").value.trim(), find("max").value, find("private").checked ? "private" : ""];
  connection.say(`/lobby create ${words.filter(Boolean).join(" ")}`);
});
onSubmit("enter", () => connection.say(`/lobby join ${find("known").value.trim()}`));
find("leave").onclick = () => connection.say("/lobby leave");
find("refresh").onclick = refresh;
for (const choice of document.querySelectorAll("[data-status]")) {
  choice.onclick = () => connection.say(`/status ${choice.dataset.status}`);
}
