// What is around you in a Reef world: open spatial.html twice and walk.
//
// The server says "hello <id>", "pos <id> x y" and "gone <id>"; this page says "/move x y".
// It knows only what comes: who is out of range is not hidden here, the server never told.
"use strict";

const metresAcross = 400;
const speed = 60; // metres a second
const moveEveryMs = 50;

const find = (id) => document.getElementById(id);
const view = find("view").getContext("2d");

/** id → {x, y, shownX, shownY}, those in range and oneself. */
const others = new Map();
const keys = new Set();
let client = null;
let me = null;
let here = { x: 0, y: 0 };
let target = null;
let updates = 0;
let frameMs = 0;
let movedMs = 0;

function log(text, className = "") {
  const line = document.createElement("div");
  line.textContent = text;
  line.className = className;
  find("log").append(line);
  if (find("log").children.length > 200) find("log").firstChild.remove();
  find("log").scrollTop = find("log").scrollHeight;
}

// Messages -----------------------------------------------------------------------------------

function onPosition(id, x, y) {
  updates += 1;
  if (id === me) {
    here = { x, y };
    find("place").textContent = `${x.toFixed(1)}, ${y.toFixed(1)}`;
    return;
  }
  const other = others.get(id);
  if (other) Object.assign(other, { x, y });
  else {
    others.set(id, { x, y, shownX: x, shownY: y });
    log(`${id} came into range`);
  }
  find("count").textContent = String(others.size);
}

function onGone(id) {
  if (others.delete(id)) log(`${id} is out of range`);
  find("count").textContent = String(others.size);
}

function onText(text) {
  const [word, id, ...rest] = text.split(" ");
  if (word === "pos") onPosition(id, ...rest.map(Number));
  else if (word === "gone") onGone(id);
  else if (word === "hello") {
    me = id;
    find("me").textContent = id;
    move({ x: Math.random() * 100 - 50, y: Math.random() * 100 - 50 });
  } else if (text.startsWith("[")) log(text, text.startsWith("[System]") ? "" : "error");
}

function move({ x, y }) {
  here = { x, y };
  movedMs = performance.now();
  client?.say(`/move ${x.toFixed(2)} ${y.toFixed(2)}`);
}

// Walking ------------------------------------------------------------------------------------

const directions = {
  ArrowUp: [0, 1], KeyW: [0, 1], ArrowDown: [0, -1], KeyS: [0, -1],
  ArrowLeft: [-1, 0], KeyA: [-1, 0], ArrowRight: [1, 0], KeyD: [1, 0],
};

function walk(now) {
  const seconds = (now - movedMs) / 1000;
  if (!client || me === null || now - movedMs < moveEveryMs) return;
  const way = [...keys].reduce(([x, y], key) => [x + directions[key][0], y + directions[key][1]], [0, 0]);
  const length = Math.hypot(...way);
  const step = speed * Math.min(seconds, 0.1);
  if (length > 0) {
    target = null;
    move({ x: here.x + (way[0] / length) * step, y: here.y + (way[1] / length) * step });
  } else if (target) {
    const [dx, dy] = [target.x - here.x, target.y - here.y];
    const left = Math.hypot(dx, dy);
    if (left <= step) {
      move(target);
      target = null;
    } else move({ x: here.x + (dx / left) * step, y: here.y + (dy / left) * step });
  }
}

find("view").onkeydown = (event) => {
  if (!(event.code in directions)) return;
  keys.add(event.code);
  event.preventDefault();
};
addEventListener("keyup", (event) => keys.delete(event.code));
addEventListener("blur", () => keys.clear());
find("view").onpointerdown = (event) => {
  const place = find("view").getBoundingClientRect();
  const scale = place.width / metresAcross;
  target = {
    x: here.x + (event.clientX - place.left - place.width / 2) / scale,
    y: here.y - (event.clientY - place.top - place.height / 2) / scale,
  };
};

// The view -----------------------------------------------------------------------------------

function drawGrid(scale, width, height) {
  const every = 50 * scale;
  view.strokeStyle = "rgb(128 150 155 / 25%)";
  view.lineWidth = 1;
  view.beginPath();
  for (let x = (width / 2 - here.x * scale) % every; x < width; x += every) {
    view.moveTo(x, 0);
    view.lineTo(x, height);
  }
  for (let y = (height / 2 + here.y * scale) % every; y < height; y += every) {
    view.moveTo(0, y);
    view.lineTo(width, y);
  }
  view.stroke();
}

function drawDot(x, y, radius, color, label) {
  view.fillStyle = color;
  view.beginPath();
  view.arc(x, y, radius, 0, 2 * Math.PI);
  view.fill();
  view.fillText(label, x + radius + 3, y + 4);
}

function draw(now) {
  const density = devicePixelRatio || 1;
  const { clientWidth: width, clientHeight: height } = view.canvas;
  const scale = width / metresAcross;
  const styles = getComputedStyle(document.documentElement);
  const near = Math.min(1, (now - frameMs) / 80);
  frameMs = now;
  if (view.canvas.width !== Math.round(width * density)) view.canvas.width = Math.round(width * density);
  if (view.canvas.height !== Math.round(height * density)) view.canvas.height = Math.round(height * density);
  view.setTransform(density, 0, 0, density, 0, 0);
  view.clearRect(0, 0, width, height);
  view.font = "12px system-ui, sans-serif";
  drawGrid(scale, width, height);
  view.strokeStyle = styles.getPropertyValue("--accent");
  view.setLineDash([6, 6]);
  view.beginPath();
  view.arc(width / 2, height / 2, Number(find("radius").value) * scale, 0, 2 * Math.PI);
  view.stroke();
  view.setLineDash([]);
  for (const [id, other] of others) {
    other.shownX += (other.x - other.shownX) * near;
    other.shownY += (other.y - other.shownY) * near;
    drawDot(width / 2 + (other.shownX - here.x) * scale, height / 2 - (other.shownY - here.y) * scale, 6,
      `hsl(${(Number(id) * 137) % 360} 60% 48%)`, id);
  }
  if (me !== null) drawDot(width / 2, height / 2, 8, styles.getPropertyValue("--text"), "you");
  walk(now);
  requestAnimationFrame(draw);
}

// The connection -----------------------------------------------------------------------------

function show(text, className) {
  find("state").textContent = text;
  find("state").className = className;
}

function onClose({ reason }) {
  client = me = target = null;
  others.clear();
  find("me").textContent = "–";
  find("count").textContent = "0";
  find("toggle").textContent = "Connect";
  show(`Disconnected${reason ? `: ${reason}` : ""}`, "bad");
}

async function connect() {
  show("Connecting…", "");
  try {
    const handlers = { text: onText, close: onClose };
    client = await Reef.connect(find("address").value.trim(), { protocols: [], on: handlers });
    find("toggle").textContent = "Disconnect";
    show("Connected", "connected");
  } catch {
    show("No connection: is the server running?", "bad");
  }
}

find("connect").onsubmit = (event) => {
  event.preventDefault();
  if (client) client.close();
  else void connect();
};
setInterval(() => {
  find("rate").textContent = String(updates);
  updates = 0;
}, 1000);
requestAnimationFrame(draw);
