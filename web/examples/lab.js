// A client of the lab, and what HTTP requests into the same world can do: list the clients,
// and send one of them a message.
"use strict";

const { find, element, addLine, onSubmit, makeConnection } = Page;
const timeoutMs = 5000;
const refreshMs = 2000;
let isAnswered = false; // the last list came

function showAsked(text, className = "note") {
  find("asked").textContent = text;
  find("asked").className = className;
}

/** What an error's body says: application/problem+json, or nothing. */
async function detailOf(response) {
  try {
    return (await response.json()).detail ?? "";
  } catch {
    return "";
  }
}

/** A request; the response, or an error whose message is for people. */
async function ask(path, options = {}) {
  const url = find("http").value.trim().replace(/\/+$/, "") + path;
  let response;
  try {
    response = await fetch(url, { ...options, signal: AbortSignal.timeout(timeoutMs) });
  } catch {
    throw new Error(`no answer from ${url}: is the server running, and is this page of its http.origins?`);
  }
  if (!response.ok) throw new Error(`${response.status} ${await detailOf(response)}`);
  return response;
}

function choose(id) {
  find("target").value = id;
  for (const button of find("clients").querySelectorAll("button")) {
    button.setAttribute("aria-pressed", String(button.textContent === id));
  }
}

function makeButton(id) {
  const button = element("button", "small", id);
  const item = element("li");
  button.type = "button";
  button.onclick = () => choose(id);
  item.append(button);
  return item;
}

function showClients({ count, ids }) {
  const shown = [...find("clients").children].map((item) => item.textContent);
  const wanted = ids.map(String);
  if (wanted.join() !== shown.join()) find("clients").replaceChildren(...wanted.map(makeButton));
  choose(find("target").value.trim());
  const rest = count > ids.length ? `, of which these are ${ids.length}` : "";
  showAsked(`${count} ${count === 1 ? "client" : "clients"}${rest}`);
}

async function list() {
  try {
    showClients(await (await ask("/clients/ids")).json());
    isAnswered = true;
  } catch (error) {
    isAnswered = false;
    find("clients").replaceChildren();
    showAsked(error.message, "note bad");
  }
}

async function post() {
  const path = `/clients/${find("target").value.trim()}`;
  try {
    const response = await ask(path, { method: "POST", body: find("body").value });
    addLine(find("requests"), "", `POST ${path} → ${response.status} ${(await response.text()).trim()}`);
    find("body").value = "";
  } catch (error) {
    addLine(find("requests"), "error", `POST ${path} → ${error.message}`);
  }
}

const connection = makeConnection({
  protocols: [], // texts are enough
  on: { text: (text) => addLine(find("log"), "bubble", text) },
  opened: () => {
    find("message").focus();
    void list();
  },
  closed: () => {
    if (isAnswered) void list();
  },
});

onSubmit("compose", () => {
  const text = find("message").value;
  addLine(find("log"), "bubble mine", text);
  connection.say(text);
  find("message").value = "";
});
onSubmit("ask", list);
onSubmit("post", post);
find("target").oninput = () => choose(find("target").value.trim());
setInterval(() => {
  if (isAnswered && !document.hidden) void list();
}, refreshMs);
