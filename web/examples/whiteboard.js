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

const { find, element, makeConnection } = Page;
const ink = find("ink").getContext("2d");
const wet = find("wet").getContext("2d");

/** id → {number, color, width, points: [x, y, …]} as the server told. */
const strokes = new Map();
/** pen → {pen, color, width, points, confirmed, isDone}: ours, not yet told in full. */
const pending = new Map();
/** client id → {name, cursor, chip}. */
const people = new Map();

let me = null;
let color = colors[0][1];
let width = widths[1][1];
let nextPen = 1;
let drawing = null;
let isByHand = false; // it is the keyboard's
let hand = { x: board.width / 2, y: board.height / 2 };
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
  if (!find("hand").hidden) showHand();
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
  isByHand = false;
  unsent = [];
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
  wipePending();
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
  if (!connection.client || !drawing) return;
  if (!isDone && (unsent.length === 0 || performance.now() - lastSentMs < sendEveryMs)) return;
  lastSentMs = performance.now();
  do {
    const part = unsent.splice(0, 64);
    connection.send("board.draw", { pen: drawing.pen, color: toNumber(drawing.color), width: drawing.width }, part);
  } while (unsent.length > 0);
}

function addPoint(point) {
  const { points } = drawing;
  if (points.length > 0 && points.at(-2) === point.x && points.at(-1) === point.y) return;
  points.push(point.x, point.y);
  unsent.push(point);
  drawStroke(wet, drawing, points.length / 2 - 1);
}

function tellCursor(point) {
  if (!connection.client || performance.now() - lastSentMs < sendEveryMs) return;
  lastSentMs = performance.now();
  connection.send("board.point", point);
}

function beginStroke(point) {
  drawing = { pen: nextPen++, color, width, points: [], confirmed: 0, isDone: false };
  pending.set(drawing.pen, drawing);
  addPoint(point);
}

find("wet").onpointerdown = (event) => {
  if (!connection.client || event.button !== 0) return;
  endStroke(); // one that the keyboard began
  find("wet").setPointerCapture(event.pointerId);
  beginStroke(boardPoint(event));
};

find("wet").onpointermove = (event) => {
  if (!drawing || isByHand) {
    tellCursor(boardPoint(event));
    return;
  }
  const parts = event.getCoalescedEvents?.() ?? [];
  for (const part of parts.length > 0 ? parts : [event]) addPoint(boardPoint(part));
  flush(false);
};

function endStroke() {
  if (!drawing) return;
  drawing.isDone = true;
  if (unsent.length > 0) flush(true);
  dry(drawing);
  drawing = null;
  isByHand = false;
}

find("wet").onpointerup = endStroke;
find("wet").onpointercancel = endStroke;

// By keyboard: arrows move the pen, with Shift in small steps; Space sets it down and lifts it.

const arrows = { ArrowUp: [0, -1], ArrowDown: [0, 1], ArrowLeft: [-1, 0], ArrowRight: [1, 0] };

function showHand() {
  placeCursor({ cursor: find("hand"), ...hand });
}

function moveHand([dx, dy], step) {
  const clamp = (value, most) => Math.max(0, Math.min(most, value));
  hand = { x: clamp(hand.x + dx * step, board.width), y: clamp(hand.y + dy * step, board.height) };
  showHand();
  if (!drawing) tellCursor(hand);
  else {
    addPoint(hand);
    flush(false);
  }
}

find("wet").onkeydown = (event) => {
  if (!connection.client) return;
  if (event.key in arrows) moveHand(arrows[event.key], event.shiftKey ? 10 : 50);
  else if (event.key === " " && !drawing) {
    isByHand = true;
    beginStroke(hand);
  } else if (event.key === " ") endStroke();
  else return;
  event.preventDefault();
};
find("wet").onfocus = () => {
  if (find("wet").matches(":focus-visible")) showHand();
};
find("wet").onblur = () => {
  if (isByHand) endStroke();
  find("hand").hidden = true;
};

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
      for (const other of buttons) {
        other.setAttribute("aria-checked", String(other === button));
        other.tabIndex = other === button ? 0 : -1;
      }
      button.focus();
    };
    button.setAttribute("aria-checked", String(value === chosen));
    button.tabIndex = value === chosen ? 0 : -1;
    return button;
  });
  find(id).append(...buttons);
  find(id).onkeydown = ({ key }) => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[key];
    const at = buttons.indexOf(document.activeElement);
    if (step) buttons[(at + step + buttons.length) % buttons.length].click();
  };
}

makeChoices("colors", colors, (value) => { color = value; }, color);
makeChoices("widths", widths, (value) => { width = value; }, width);
find("undo").onclick = () => connection.send("board.undo");
find("clear").onclick = () => connection.send("board.clear");
addEventListener("keydown", (event) => {
  if ((event.ctrlKey || event.metaKey) && event.key === "z" && event.target.tagName !== "INPUT") {
    event.preventDefault();
    connection.send("board.undo");
  }
});

// The connection -----------------------------------------------------------------------------

function showCount() {
  const count = `${strokes.size} ${strokes.size === 1 ? "stroke" : "strokes"}`;
  if (isReady) connection.show(`Connected, ${count}`, "connected");
}

function rename() {
  const name = find("name").value.trim();
  if (name) connection.say(`/nick ${name}`);
}

const connection = makeConnection({
  protocols: ["reef.v1"],
  absent: "No whiteboard there",
  on: {
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
      connection.show(text, "bad");
      if (text.includes("board is full") || text.startsWith("[RateLimit]")) wipePending();
    },
  },
  opened: (client) => {
    if (!client.messages.has("board.draw")) {
      connection.end("No whiteboard there, but another server", "bad");
      return;
    }
    me = client.id;
    connection.show("Connected, the drawing is on its way…", "connected");
    rename();
  },
  closed: () => {
    isReady = false;
    forgetAll();
  },
});

find("name").onchange = rename;
find("name").value = `${animals[Math.floor(Math.random() * animals.length)]} ${1 + Math.floor(Math.random() * 99)}`;
new ResizeObserver(fit).observe(find("board"));
fit();
