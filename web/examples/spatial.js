// What is around you in a Reef world: open spatial.html twice and walk.
//
// Where the server speaks reef.v1, this page says spatial.move and hears spatial.update;
// otherwise "/move x y", "pos <id> x y" and "gone <id>".  It knows only what comes: who is out
// of range is not hidden here, the server never told.  Of three axes it shows x and y.
"use strict";

const metresAcross = 400;
const speed = 60; // metres a second
const moveEveryMs = 50;
const settleMs = 300; // without a move, after which the server's word for it is taken

const { find, addLine, makeConnection } = Page;
const view = find("view").getContext("2d");

/** id → {x, y, shownX, shownY}, those in range. */
const others = new Map();
const keys = new Set();
let me = null;
let here = { x: 0, y: 0 }; // where we go, ahead of the server
let accepted = null; // where the server has us
let target = null;
let isRefused = false;
let axes = 2; // of the texts
let updates = 0;
let frameMs = 0;
let movedMs = 0;

function log(text, className = "") {
  addLine(find("log"), className, text);
}

// Messages -----------------------------------------------------------------------------------

function onPosition(id, x, y) {
  updates += 1;
  if (id === me) {
    accepted = { x, y };
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

function onUpdate(update, items) {
  for (const { id, gone, x, y } of items) {
    if (gone) onGone(String(id));
    else onPosition(String(id), x, y);
  }
}

function begin(id) {
  me = id;
  find("me").textContent = id;
  move({ x: Math.random() * 100 - 50, y: Math.random() * 100 - 50 });
}

/** Back to where the server has us, and no further until a key is pressed anew. */
function onRefused(reason) {
  isRefused = true;
  log(reason, "error");
  connection.show(reason, "bad");
  here = accepted ?? here;
  target = null;
  keys.clear();
}

function onText(text) {
  const [, id, place] = /^pos (\d+)((?: [-+.\de]+){2,3})$/.exec(text) ?? [];
  const gone = /^gone (\d+)$/.exec(text);
  const hello = /^hello (\d+)$/.exec(text);
  if (id) onPosition(id, ...place.slice(1).split(" ").map(Number));
  else if (gone) onGone(gone[1]);
  else if (hello && me === null) begin(hello[1]);
  else if (text === "[Error] Usage: /move x y z" && axes === 2) {
    axes = 3;
    move(here);
  } else if (/^\[Error\] /.test(text)) onRefused(text.slice(8));
  else log(text);
}

function move({ x, y }) {
  const { client } = connection;
  if (!client) return;
  here = { x, y };
  movedMs = performance.now();
  if (client.messages.has("spatial.move")) {
    const hasZ = client.messages.get("spatial.move").fields.length === 3;
    client.send("spatial.move", hasZ ? { x, y, z: 0 } : { x, y });
  } else {
    client.say(`/move ${x.toFixed(2)} ${y.toFixed(2)}${axes === 3 ? " 0" : ""}`);
  }
}

// Walking ------------------------------------------------------------------------------------

const directions = {
  ArrowUp: [0, 1], KeyW: [0, 1], ArrowDown: [0, -1], KeyS: [0, -1],
  ArrowLeft: [-1, 0], KeyA: [-1, 0], ArrowRight: [1, 0], KeyD: [1, 0],
};

function walk(now) {
  const seconds = (now - movedMs) / 1000;
  if (me === null || now - movedMs < moveEveryMs) return;
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
  } else if (accepted && now - movedMs > settleMs) {
    here = accepted; // somebody else may have moved us
  }
}

/** What was refused before is of no interest any more. */
function setOff(go) {
  if (isRefused) connection.show("Connected", "connected");
  isRefused = false;
  go();
}

find("view").onkeydown = (event) => {
  if (!(event.code in directions)) return;
  if (!event.repeat) setOff(() => keys.add(event.code));
  event.preventDefault();
};
addEventListener("keyup", (event) => keys.delete(event.code));
addEventListener("blur", () => keys.clear());
find("view").onpointerdown = (event) => {
  if (me === null) return;
  const place = find("view").getBoundingClientRect();
  const scale = place.width / metresAcross;
  setOff(() => {
    target = {
      x: here.x + (event.clientX - place.left - place.width / 2) / scale,
      y: here.y - (event.clientY - place.top - place.height / 2) / scale,
    };
  });
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

function drawDot(x, y, radius, color, ink, label) {
  view.fillStyle = color;
  view.beginPath();
  view.arc(x, y, radius, 0, 2 * Math.PI);
  view.fill();
  view.fillStyle = ink;
  view.fillText(label, x + radius + 3, y + 4);
}

function draw(now) {
  const density = devicePixelRatio || 1;
  const { clientWidth: width, clientHeight: height } = view.canvas;
  const scale = width / metresAcross;
  const styles = getComputedStyle(document.documentElement);
  const ink = styles.getPropertyValue("--text");
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
  view.arc(width / 2, height / 2, Math.max(0, Number(find("radius").value)) * scale, 0, 2 * Math.PI);
  view.stroke();
  view.setLineDash([]);
  for (const [id, other] of others) {
    other.shownX += (other.x - other.shownX) * near;
    other.shownY += (other.y - other.shownY) * near;
    drawDot(width / 2 + (other.shownX - here.x) * scale, height / 2 - (other.shownY - here.y) * scale, 6,
      `hsl(${(Number(id) * 137) % 360} 60% 48%)`, ink, id);
  }
  if (me !== null) drawDot(width / 2, height / 2, 8, ink, ink, "you");
  walk(now);
  requestAnimationFrame(draw);
}

// The connection -----------------------------------------------------------------------------

const connection = makeConnection({
  on: { text: onText, "spatial.update": onUpdate },
  opened: (client) => {
    find("profile").textContent = client.profile === "text" ? "texts" : client.profile;
    if (client.id !== null) begin(String(client.id));
    find("view").focus();
  },
  closed: () => {
    me = accepted = target = null;
    isRefused = false;
    axes = 2;
    here = { x: 0, y: 0 };
    others.clear();
    for (const id of ["me", "place", "profile"]) find(id).textContent = "–";
    find("count").textContent = "0";
  },
});

setInterval(() => {
  find("rate").textContent = String(updates);
  updates = 0;
}, 1000);
requestAnimationFrame(draw);
