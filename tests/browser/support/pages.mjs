// The example pages, opened from files as a newcomer does.
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { findBarriers, openPage } from "./browser.mjs";

/** Where an example page is, for goto(). */
export function fileOf(name) {
  return `file://${fileURLToPath(new URL(`../../../web/examples/${name}.html`, import.meta.url))}`;
}

/** What startServer() is given for an example that has neither of these plugins. */
export const bareSettings = {
  "demo.entities": null,
  "snapshot.path": null,
  "rate_limit.max_messages": null,
  "rate_limit.max_bytes": null,
};

/** A window that shows the page, not connected. */
export async function openExample(browser, name, options) {
  const opened = await openPage(browser, options);
  await opened.page.goto(fileOf(name));
  return opened;
}

/** A window that is connected. */
export async function enterExample(browser, name, url, options) {
  const opened = await openExample(browser, name, options);
  await connect(opened.page, url);
  return opened;
}

export async function connect(page, url) {
  await page.getByLabel("Server").fill(url);
  await page.getByRole("button", { name: "Connect", exact: true }).click();
  await page.locator("#state.connected").waitFor();
}

/** Nobody is kept out of what the page shows now, in light and in dark. */
export async function assertAccessible(page) {
  for (const colorScheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme });
    assert.deepEqual(await findBarriers(page), [], colorScheme);
  }
  await page.emulateMedia({ colorScheme: "light" });
}
