// The browser under test and what must not happen in it.
//
// Chromium is the system's own: $CHROMIUM, or `chromium` on the PATH.  When it is missing the
// tests fail; a page that nobody opened is not a page that works.
import { accessSync, constants, mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { delimiter, join } from "node:path";
import { chromium } from "playwright-core";

const axeSource = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

const launchArguments = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function findChromium() {
  const named = process.env.CHROMIUM;
  const places = named
    ? [named]
    : (process.env.PATH ?? "").split(delimiter).map((folder) => join(folder, "chromium"));
  const found = places.find(isExecutable);
  if (found) return found;
  throw new Error(
    named
      ? `CHROMIUM=${named} is not an executable file`
      : "no `chromium` on the PATH: install the package chromium, or set CHROMIUM",
  );
}

/** A browser with an empty profile, and further `args`; the caller closes it. */
export function launchBrowser(args = []) {
  return chromium.launch({
    executablePath: findChromium(),
    headless: true,
    args: [...launchArguments, ...args],
  });
}

/** A page in a context of its own, with `problems`: every error it showed, as text. */
export async function openPage(browser, options = {}) {
  const context = await browser.newContext({
    viewport: { width: 1440, height: 900 },
    reducedMotion: "reduce",
    ...options,
  });
  const page = await context.newPage();
  const problems = [];
  page.on("pageerror", (error) => problems.push(`uncaught: ${error.message}`));
  page.on("console", (message) => {
    if (message.type() === "error") problems.push(`console: ${message.text()}`);
  });
  page.on("request", (request) => {
    const { protocol, hostname } = new URL(request.url());
    const local = hostname === "127.0.0.1" || /^(file|data|blob):$/.test(protocol);
    if (!local) problems.push(`request off the origin: ${request.url()}`);
  });
  await page.exposeFunction("reportViolation", (text) => problems.push(`CSP: ${text}`));
  await page.addInitScript(() => {
    addEventListener("securitypolicyviolation", (event) => {
      window.reportViolation(`${event.violatedDirective} ${event.blockedURI}`);
    });
  });
  return { page, context, problems };
}

/** The serious findings of axe on what the page shows now, as text.  It is not to load the
 *  style sheets again, which a page from a file may not. */
export async function findBarriers(page) {
  await page.evaluate(axeSource);
  const results = await page.evaluate(() => window.axe.run(document, { preload: false }));
  return results.violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id, nodes }) => `${id}: ${nodes.map((n) => `${n.html} ${n.failureSummary}`).join("; ")}`);
}

/** Keep a picture of the page in $REEF_SCREENSHOTS, if set. */
export async function takePicture(page, name) {
  const folder = process.env.REEF_SCREENSHOTS;
  if (!folder) return;
  mkdirSync(folder, { recursive: true });
  await page.screenshot({ path: join(folder, `${name}.png`) });
}
