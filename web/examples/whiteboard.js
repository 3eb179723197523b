// A whiteboard that everybody on the server shares: open whiteboard.html and draw.
//
// The server owns the drawing.  A stroke is an entity there; this page keeps a copy of each,
// which grows, changes and goes as the server says.  What one draws is shown at once on a
// second canvas, the wet ink, until the server's copy of it has come.
"use strict";

/** The board's own units; every window shows all of it. */
const board = { width: 4000, height: 2250 };
const sendEveryMs = 50;
const colors = [
  ["Black", "#17252b"], ["Red", "#d33f3f"], ["Orange", "#e8862e"], ["Yellow", "#e6c229"],
  ["Green", "#2f9e63"], ["Teal", "#0d8f8a"], ["Blue", "#2f6fde"], ["Violet", "#8a4fd3"],
];
const widths = [["Thin", 6, 6], ["Medium", 14, 11], ["Thick", 32, 17]];
const animals = ["Turtle", "Octopus", "Manta", "Seahorse", "Dolphin", "Grouper", "Moray", "Urchin"];

const find = (id) => document.getElementById(id);
const ink = find("ink").getContext("2d");
const wet = find("wet").getContext("2d");

/** id → {number, color, width, points: [x, y, …]} as the server told. */
const strokes = new Map();
/** pen → {pen, color, width, points, confirmed, isDone}: ours, not yet told in full. */
const pending = new Map();
/** client id → {name, cursor, chip}. */
const people = new Map();

let client = null;
let me = null;
let color = colors[0][1];
let width = widths[1][1];
let nextPen = 1;
let drawing = null;
let unsent = [];
let lastSentMs = 0;
let scale = 1;
let isRedrawWanted = false;
let isReady = false; // the whole drawing has come

// Drawing ------------------------------------------------------------------------------------

const toText = (value) => `#${value.toString(16).padStart(6, "0")}`;
const toNumber = (text) => Number.parseInt(text.slice(1), 16);

/** Draw a stroke from its point number `from` on, rounded through the points' middles. */
function drawStroke(context, stroke, from = 0) {
  const { points } = stroke;
  const count = points.length / 2;
  const x = (i) => points[2 * i] * scale;
  const y = (i) => points[2 * i + 1] * scale;
  const middle = (i) => [(x(i - 1) + x(i)) / 2, (y(i - 1) + y(i)) / 2];
  context.strokeStyle = context.fillStyle = stroke.color;
  context.lineWidth = Math.max(1, stroke.width * scale);
  context.lineCap = context.lineJoin = "round";
  context.beginPath();
  if (count === 1) {
    context.arc(x(0), y(0), context.lineWidth / 2, 0, 2 * Math.PI);
    context.fill();
    return;
  }
  const start = Math.max(1, from);
  if (start === 1) context.moveTo(x(0), y(0));
  else context.moveTo(...middle(start - 1));
  for (let i = start; i < count; i++) {
    if (i === 1) context.lineTo(...middle(1));
    else context.quadraticCurveTo(x(i - 1), y(i - 1), ...middle(i));
  }
  context.lineTo(x(count - 1), y(count - 1));
  context.stroke();
}

function redrawWet() {
  wet.clearRect(0, 0, wet.canvas.width, wet.canvas.height);
  for (const stroke of pending.values()) drawStroke(wet, stroke);
}

function redraw() {
  isRedrawWanted = false;
  ink.clearRect(0, 0, ink.canvas.width, ink.canvas.height);
  for (const stroke of strokes.values()) drawStroke(ink, stroke);
  redrawWet();
}

function wantRedraw() {
  if (!isRedrawWanted) requestAnimationFrame(redraw);
  isRedrawWanted = true;
}

function fit() {
  const room = find("board").getBoundingClientRect();
  const shown = Math.min(room.width / board.width, room.height / board.height);
  const [w, h] = [board.width * shown, board.height * shown];
  for (const element of find("board").children) {
    element.style.width = `${w}px`;
    element.style.height = `${h}px`;
    element.style.left = `${(room.width - w) / 2}px`;
    element.style.top = `${(room.height - h) / 2}px`;
  }
  const density = devicePixelRatio || 1;
  for (const { canvas } of [ink, wet]) {
    canvas.width = Math.round(w * density);
    canvas.height = Math.round(h * density);
  }
  scale = ink.canvas.width / board.width;
  for (const person of people.values()) placeCursor(person);
  redraw();
}

// What the server tells ----------------------------------------------------------------------

/** Wet ink is wiped off once the stroke has ended and all of it has come back. */
function dry(own) {
  if (!own.isDone || own.confirmed < own.points.length / 2) return;
  pending.delete(own.pen);
  redrawWet();
}

/** A part of ours came back; one that continues another begins with a point of that. */
function confirm(message, count) {
  const own = pending.get(message.pen);
  if (!own) return;
  own.confirmed += message.first === 0 && message.continues ? count - 1 : count;
  dry(own);
}

function onStroke(message, points) {
  const flat = points.flatMap(({ x, y }) => [x, y]);
  let stroke = strokes.get(message.id);
  if (message.first === 0) {
    const isNew = !stroke;
    stroke = { number: message.number, color: toText(message.color), width: message.width, points: flat };
    if (message.author === me) stroke.pen = message.pen;
    strokes.set(message.id, stroke);
    if (isNew) drawStroke(ink, stroke);
    else wantRedraw();
    if (isNew) showCount();
  } else if (stroke && message.first === stroke.points.length / 2) {
    stroke.points.push(...flat);
    drawStroke(ink, stroke, message.first);
  } else {
    return; // of a stroke that is still to come in full
  }
  if (message.author === me) confirm(message, points.length);
}

/** Those that came late lie in the order in which they were drawn. */
function sortStrokes() {
  const inOrder = [...strokes].sort(([, a], [, b]) => Number(a.number - b.number));
  strokes.clear();
  for (const [id, stroke] of inOrder) strokes.set(id, stroke);
  wantRedraw();
}

/** Of what is no more nothing will be confirmed. */
function wipePending() {
  pending.clear();
  drawing = null;
  redrawWet();
}

function onGone({ id }) {
  const stroke = strokes.get(id);
  if (!stroke) return;
  strokes.delete(id);
  if (pending.get(stroke.pen)?.isDone) pending.delete(stroke.pen);
  wantRedraw();
  showCount();
}

/** More has changed than can be told one by one: it all comes again. */
function onReset() {
  strokes.clear();
  isReady = false;
  wipePending();
  wantRedraw();
}

const colorOfPerson = (id) => `hsl(${(Number(id) * 137) % 360} 70% 28%)`;

function element(name, className, text) {
  const made = document.createElement(name);
  made.className = className;
  made.textContent = text;
  return made;
}

function placeCursor({ cursor, x, y }) {
  if (x === undefined) return;
  const shown = scale / (devicePixelRatio || 1);
  cursor.hidden = false;
  cursor.style.transform = `translate(${x * shown}px, ${y * shown}px)`;
}

function onPerson({ client: id, name }) {
  let person = people.get(id);
  if (!person) {
    person = { chip: element("li", "", ""), cursor: element("div", "cursor", ""), label: element("span", "", "") };
    person.cursor.append(person.label);
    person.cursor.hidden = true;
    for (const part of [person.chip, person.cursor]) part.style.setProperty("--who", colorOfPerson(id));
    people.set(id, person);
    find("people").append(person.chip);
    if (id !== me) find("cursors").append(person.cursor);
  }
  person.chip.textContent = id === me ? `${name} (you)` : name;
  person.label.textContent = name;
}

function onCursor({ client: id, x, y }) {
  const person = people.get(id);
  if (!person || id === me) return;
  Object.assign(person, { x, y });
  placeCursor(person);
}

function onLeft({ client: id }) {
  const person = people.get(id);
  person?.chip.remove();
  person?.cursor.remove();
  people.delete(id);
}

function forgetAll() {
  for (const id of [...people.keys()]) onLeft({ client: id });
  strokes.clear();
  pending.clear();
  drawing = null;
  wantRedraw();
}

// The pen ------------------------------------------------------------------------------------

function boardPoint(event) {
  const place = find("wet").getBoundingClientRect();
  const clamp = (value, most) => Math.max(0, Math.min(most, Math.round(value)));
  return {
    x: clamp(((event.clientX - place.left) / place.width) * board.width, board.width),
    y: clamp(((event.clientY - place.top) / place.height) * board.height, board.height),
  };
}

/** Send what was drawn since the last time, at most every `sendEveryMs`. */
function flush(isDone) {
  if (!client || !drawing) return;
  if (!isDone && (unsent.length === 0 || performance.now() - lastSentMs < sendEveryMs)) return;
  lastSentMs = performance.now();
  do {
    const part = unsent.splice(0, 64);
    client.send("board.draw", { pen: drawing.pen, color: toNumber(drawing.color), width: drawing.width }, part);
  } while (unsent.length > 0);
}

function addPoint(event) {
  const point = boardPoint(event);
  const { points } = drawing;
  if (points.length > 0 && points.at(-2) === point.x && points.at(-1) === point.y) return;
  points.push(point.x, point.y);
  unsent.push(point);
  drawStroke(wet, drawing, points.length / 2 - 1);
}

function tellCursor(event) {
  if (!client || performance.now() - lastSentMs < sendEveryMs) return;
  lastSentMs = performance.now();
  client.send("board.point", boardPoint(event));
}

find("wet").onpointerdown = (event) => {
  if (!client || event.button !== 0) return;
  find("wet").setPointerCapture(event.pointerId);
  drawing = { pen: nextPen++, color, width, points: [], confirmed: 0, isDone: false };
  pending.set(drawing.pen, drawing);
  addPoint(event);
};

find("wet").onpointermove = (event) => {
  if (!drawing) {
    tellCursor(event);
    return;
  }
  for (const part of event.getCoalescedEvents?.() ?? [event]) addPoint(part);
  flush(false);
};

function endStroke() {
  if (!drawing) return;
  drawing.isDone = true;
  if (unsent.length > 0) flush(true);
  dry(drawing);
  drawing = null;
}

find("wet").onpointerup = endStroke;
find("wet").onpointercancel = endStroke;

// Tools --------------------------------------------------------------------------------------

function makeChoices(id, entries, choose, chosen) {
  const buttons = entries.map(([label, value, size]) => {
    const button = element("button", "", "");
    button.type = "button";
    button.setAttribute("role", "radio");
    button.setAttribute("aria-label", label);
    button.title = label;
    button.style.setProperty(size ? "--size" : "--swatch", size ? `${size}px` : value);
    button.onclick = () => {
      choose(value);
      for (const other of buttons) other.setAttribute("aria-checked", String(other === button));
    };
    button.setAttribute("aria-checked", String(value === chosen));
    return button;
  });
  find(id).append(...buttons);
}

makeChoices("colors", colors, (value) => { color = value; }, color);
makeChoices("widths", widths, (value) => { width = value; }, width);
find("undo").onclick = () => client?.send("board.undo");
find("clear").onclick = () => client?.send("board.clear");
addEventListener("keydown", (event) => {
  if ((event.ctrlKey || event.metaKey) && event.key === "z" && event.target.tagName !== "INPUT") {
    event.preventDefault();
    client?.send("board.undo");
  }
});

// The connection -----------------------------------------------------------------------------

function showState(text, className) {
  find("state").textContent = text;
  find("state").className = className;
}

function showCount() {
  if (isReady) showState(`Connected, ${strokes.size} ${strokes.size === 1 ? "stroke" : "strokes"}`, "connected");
}

function showConnected(connected) {
  document.body.classList.toggle("offline", !connected);
  find("toggle").textContent = connected ? "Disconnect" : "Connect";
  find("address").disabled = connected;
  for (const id of ["undo", "clear"]) find(id).disabled = !connected;
}

const handlers = {
  "board.stroke": onStroke,
  "board.gone": onGone,
  "board.reset": onReset,
  "board.person": onPerson,
  "board.cursor": onCursor,
  "board.left": onLeft,
  "board.ready": () => {
    sortStrokes();
    isReady = true;
    showCount();
  },
  text: (text) => {
    if (!/^\[(Error|RateLimit)\]/.test(text)) return;
    showState(text, "bad");
    if (text.includes("board is full") || text.startsWith("[RateLimit]")) wipePending();
  },
  error: ({ text }) => showState(text, "bad"),
  close: ({ reason }) => {
    client = null;
    isReady = false;
    forgetAll();
    showConnected(false);
    showState(`Disconnected${reason ? `: ${reason}` : ""}`, "bad");
  },
};

async function connect() {
  showState("Connecting…", "");
  find("toggle").disabled = true;
  try {
    client = await Reef.connect(find("address").value.trim(), { protocols: ["reef.v1"], on: handlers });
    me = client.id;
    showConnected(true);
    showState("Connected, the drawing is on its way…", "connected");
    rename();
  } catch {
    showState("No whiteboard there: is the server running?", "bad");
  }
  find("toggle").disabled = false;
}

function rename() {
  const name = find("name").value.trim();
  if (client && name) client.say(`/nick ${name}`);
}

find("connect").onsubmit = (event) => {
  event.preventDefault();
  if (client) client.close();
  else void connect();
};
find("name").onchange = rename;
find("name").value = `${animals[Math.floor(Math.random() * animals.length)]} ${1 + Math.floor(Math.random() * 99)}`;
new ResizeObserver(fit).observe(find("board"));
showConnected(false);
fit();
