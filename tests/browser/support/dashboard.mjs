// Steps of somebody who uses the dashboard, and what they would wait for.
import assert from "node:assert/strict";

async function waitForOverview(page) {
  await page.getByRole("heading", { name: "Overview", level: 1 }).waitFor();
  await page.getByText("Live", { exact: true }).waitFor();
}

/** Log in by the link that the server printed; it works once in a server's life. */
export async function logInByLink({ page }, server) {
  await page.goto(server.loginUrl);
  await waitForOverview(page);
  assert.ok(!page.url().includes("login="), "the login code is still in the address");
}

/** Show the login page; the refusal that leads there is the only error there may be. */
export async function openLogin({ page, problems }, server) {
  await page.goto(server.adminUrl);
  await page.getByLabel("Access token").waitFor();
  const others = problems.splice(0).filter((text) => !text.includes("401"));
  assert.deepEqual(others, []);
}

export async function logInByToken(opened, server) {
  await openLogin(opened, server);
  await opened.page.getByLabel("Access token").fill(server.token);
  await opened.page.getByRole("button", { name: "Log in" }).click();
  await waitForOverview(opened.page);
}

export async function openView(page, title) {
  await page.getByRole("navigation", { name: "Views" }).getByRole("link", { name: title }).click();
  await page.getByRole("heading", { name: title, level: 1 }).waitFor();
}

/** Open the entity's editor by its row in the list. */
export async function openEntity(page, id) {
  await openView(page, "Entities");
  await page.locator(`a[href="#/entities/${id}"]`).first().click();
  await page.getByRole("textbox", { name: "name.value" }).waitFor();
}

/** Type a value as a person does and wait until the server has applied it. */
export async function editField(page, label, value) {
  const field = page.getByRole("textbox", { name: label });
  await field.fill(value);
  await field.press("Enter");
  const result = page.locator(`[id="${label}-result"]`);
  await result.getByText("applied at tick").waitFor();
}

/** Wait until the text that `locator` shows is another one than now. */
export async function waitForChange(page, locator) {
  const element = await locator.elementHandle();
  const before = await element.evaluate((node) => node.value ?? node.textContent);
  await page.waitForFunction(
    ([node, old]) => (node.value ?? node.textContent) !== old,
    [element, before],
  );
}

/** Some entity of the demo: one with a name, a position and a velocity. */
export async function findDemoEntity(server) {
  const list = await server.api("GET", "/entities?query=name,position_2d,velocity_2d&limit=10");
  assert.ok(list.items.length > 0, "the demo has spawned nothing");
  return list.items[0];
}
