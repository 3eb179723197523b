// Starts and stops the real server in a directory of its own.
//
// The ports are picked by the kernel and read from the log: nothing here sleeps or assumes
// a number.  $REEFD names the binary; $REEFD_LOG=1 shows its log while the tests run.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

const contentTypes = { PATCH: "application/merge-patch+json" };
const startDeadlineMs = 20_000;
const token = "browser-test-token-0123456789abcdef0123456789abcdef";

/** A directory for one test's database; call `remove` when done. */
export function makeDirectory() {
  const path = mkdtempSync(join(tmpdir(), "reef-browser-"));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

function binary() {
  const path = process.env.REEFD;
  if (!path) throw new Error("REEFD is not set: it must name the reefd to test");
  return path;
}

function settingsOf(directory, settings) {
  const all = {
    "websocket.listen": "127.0.0.1:0",
    "admin.listen": "127.0.0.1:0",
    "snapshot.path": join(directory, "reef.db"),
    "demo.entities": "300",
    "admin.token": token,
    "rate_limit.max_messages": "10000000", // tests send as fast as they can
    "rate_limit.max_bytes": "0",
    ...settings,
  };
  return Object.entries(all)
    .filter(([, value]) => value !== null)
    .flatMap(([key, value]) => ["--set", `${key}=${value}`]);
}

class Server {
  #child;
  #log = [];
  #exited;
  websocketUrl = "";
  adminUrl = "";
  httpUrl = ""; // of the application's routes, where it has any
  loginUrl = "";
  token = token;

  constructor(child) {
    this.#child = child;
    this.#exited = new Promise((resolve) => child.once("exit", resolve));
  }

  /** The address of each listener and the login link, read from what it prints. */
  async ready(hasRoutes) {
    let timer;
    const announced = new Promise((resolve, reject) => {
      const see = () => {
        const isWhole = this.websocketUrl && this.adminUrl && this.loginUrl;
        if (isWhole && (this.httpUrl || !hasRoutes)) resolve();
      };
      createInterface({ input: this.#child.stderr }).on("line", (line) => {
        this.#keep(line);
        const addr = /\baddr="?([^\s"]+)/.exec(line)?.[1];
        if (!/\bmsg="?listening\b/.test(line) || !addr) return;
        if (/\btransport=websocket\b/.test(line)) this.websocketUrl = `ws://${addr}`;
        if (/\btransport=http\b/.test(line)) this.httpUrl = `http://${addr}`;
        if (/\btransport=admin\b/.test(line)) this.adminUrl = `http://${addr}`;
        see();
      });
      createInterface({ input: this.#child.stdout }).on("line", (line) => {
        this.#keep(line);
        this.loginUrl ||= /http:\/\/\S+\/#login=\S+/.exec(line)?.[0] ?? "";
        see();
      });
      const fail = (why) => reject(new Error(`${why}\n${this.#log.join("\n")}`));
      this.#child.once("error", (error) => fail(`reefd did not start: ${error.message}`));
      this.#exited.then(() => fail("reefd ended before it was listening"));
      timer = setTimeout(() => fail("reefd was not listening in time"), startDeadlineMs);
    });
    try {
      await announced;
    } finally {
      clearTimeout(timer);
    }
    return this;
  }

  #keep(line) {
    this.#log.push(line);
    if (process.env.REEFD_LOG) console.error(`reefd: ${line}`);
  }

  /** End it with `signal` and wait until it is gone; the exit code, null after a kill. */
  async stop(signal = "SIGTERM") {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      this.#child.kill(signal);
    }
    await this.#exited;
    return this.#child.exitCode;
  }

  /** A request as a machine makes it, by bearer token; the parsed reply. */
  async api(method, path, body) {
    const response = await fetch(`${this.adminUrl}/api/v1${path}`, {
      method,
      headers: {
        Authorization: `Bearer ${token}`,
        ...(body === undefined ? {} : { "Content-Type": contentTypes[method] ?? "application/json" }),
        "If-Match": "*",
      },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return text === "" ? null : JSON.parse(text);
  }
}

/** Start it with its files in `directory`; `settings` override the usual ones, null omits one. */
export async function startServer(directory, settings = {}) {
  const child = spawn(binary(), settingsOf(directory, settings), {
    cwd: directory,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const server = new Server(child);
  try {
    return await server.ready("http.listen" in settings);
  } catch (error) {
    if (child.pid !== undefined) await server.stop("SIGKILL");
    throw error;
  }
}
