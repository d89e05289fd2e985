// From stranger to a working connection with what the pages offer: after the front page no address, no API and no SQL of ours.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { mcpAuth } from "mcpAuth";
import { assertNoComplaints, launchBrowser, newProfile } from "../support/browser.mjs";
import { startExpress } from "../support/express_server.mjs";
import { freePort } from "../support/local_servers.mjs";
import { McpApp, SDKS } from "../support/mcp_client.mjs";
import { mailedCode, stranger } from "../support/person.mjs";
import { startProduct } from "../support/product.mjs";
import { Tally } from "../support/tally.mjs";

const MOST_CLICKS = 12;
const TICKS = ["metadata", "client", "authorize", "sign-in", "consent", "token", "call"];

let product;
let browser;
before(async () => {
  [product, browser] = await Promise.all([startProduct(), launchBrowser()]);
});
after(async () => {
  await browser?.close();
  await product?.stopAndCheck();
});

test("a stranger comes to the front page and ends with a tool call through a guarded server", async (t) => {
  const { page, context, complaints } = await newProfile(t, browser);
  const tally = new Tally(page);
  const button = (name) => page.getByRole("button", { name, exact: true });
  const port = await freePort();
  const serverUrl = `http://localhost:${port}/mcp`;
  const ada = stranger(product.canaries);

  await page.goto(new URL("/", product.dev.dashboard_url).href);
  await tally.click(page.getByRole("main").getByRole("link", { name: "Create an account" }).first(), "Create an account");
  await signUpMember(tally, page, context, ada);
  await tally.click(page.getByRole("link", { name: "Create project" }), "Create project");
  await tally.fill(page.getByLabel("URL of the MCP server"), serverUrl, "URL of the MCP server");
  await page.locator("#check").getByText("No answer from this address yet").waitFor(); // looked at while it was typed
  await tally.click(button("Create project"), "Create project");

  process.env.MCPAUTH_SECRET = product.canaries.note("registration secret", await page.getByTestId("secret").textContent());
  const panel = page.getByTestId("panel");
  await panel.getByText("Waiting for a client.").waitFor();
  assert.deepEqual(await ticked(panel), []);
  const [, line] = /^(app\.use\(.*\);)$/m.exec(await page.getByTestId("snippet").first().textContent());
  await startExpress(t, port, (app) => new Function("app", "mcpAuth", line)(app, mcpAuth)); // the line as it is copied

  const app = await McpApp.install(t, SDKS[1], product, await page.getByTestId("server-url").textContent());
  const person = await newProfile(t, browser); // the client opens the browser, where the developer is their own first user
  const second = new Tally(person.page);
  second.clicks = tally.clicks;
  second.fields = tally.fields;
  await app.connect(async (url) => {
    await waitForTicks(panel, 2); // the page follows while the client works
    await person.page.goto(url);
    await waitForTicks(panel, 3);
    await signUpUser(second, person, ada);
    await waitForTicks(panel, 4);
    await second.click(person.page.getByRole("button", { name: "Allow", exact: true }), "Allow");
    await person.page.waitForURL(/^http:\/\/127\.0\.0\.1:/);
  });
  assert.equal(await app.call("whoami"), ada.email);
  await panel.getByText("Connected.").waitFor();
  assert.deepEqual(await ticked(panel), TICKS, "all seven ticked while the page stayed open");
  assert.equal(await panel.getByTestId("failure").count(), 0);

  tally.pages.push(...second.pages);
  tally.atMost(t, MOST_CLICKS);
  assertNoComplaints(complaints);
  assertNoComplaints(person.complaints);
});

test("when a step fails, the panel says which parameter, what was expected and what to do", async (t) => {
  const { page } = await newProfile(t, browser);
  const ada = stranger(product.canaries);
  const tally = new Tally(page);
  await page.goto(new URL("/", product.dev.dashboard_url).href);
  await page.getByRole("main").getByRole("link", { name: "Create an account" }).first().click();
  await signUpMember(tally, page, page.context(), ada);
  await page.getByRole("link", { name: "Create project" }).click();
  await page.getByLabel("URL of the MCP server").fill("http://localhost:43199/mcp");
  await page.getByRole("button", { name: "Create project", exact: true }).click();
  const issuer = await page.getByTestId("issuer").textContent();
  product.canaries.note("registration secret", await page.getByTestId("secret").textContent());
  const registered = await fetch(`${issuer}/api/oauth/register`, {
    method: "POST", headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ client_name: "Careless client", redirect_uris: ["http://127.0.0.1/callback"], token_endpoint_auth_method: "none" }),
  }).then((response) => response.json());
  const query = new URLSearchParams({
    response_type: "code", client_id: registered.client_id, redirect_uri: "http://127.0.0.1:4711/elsewhere", code_challenge: "x".repeat(43), code_challenge_method: "S256",
    resource: "http://localhost:43199/mcp", scope: "mcp:tools", state: "s",
  });
  assert.ok((await fetch(`${issuer}/oauth/authorize?${query}`)).status >= 400);
  const failure = page.getByTestId("panel").getByTestId("failure");
  await failure.getByText("redirect_uri").first().waitFor();
  assert.match(await failure.textContent(), /not one that this app registered.*Authorization request.*elsewhere.*http:\/\/127\.0\.0\.1\/callback/s);
});

/** Signs up as a member: an account, and the code that came by mail. */
async function signUpMember(tally, page, context, member) {
  const organization = page.getByLabel("Organization");
  if (await organization.isVisible()) await tally.fill(organization, "Harbour Software", "Organization");
  await tally.fill(page.getByLabel("E-mail address"), member.email, "E-mail address");
  const password = page.getByLabel("Password");
  if (await password.isVisible()) await tally.fill(password, member.password, "Password");
  await tally.click(page.locator("main form button[type=submit]").first(), "Create account");
  await page.getByLabel("Code").waitFor();
  await tally.fill(page.getByLabel("Code"), await mailedCode(context, product, member.email), "Code");
  await tally.click(page.getByRole("button", { name: "Continue" }), "Continue");
  await page.getByRole("link", { name: "Create project" }).waitFor();
}

/** Signs up as a user of the project, as its people do. */
async function signUpUser(tally, { page, context }, user) {
  await tally.click(page.getByRole("button", { name: "Create an account" }), "Create an account");
  await tally.fill(page.getByLabel("E-mail address"), user.email, "E-mail address");
  await tally.fill(page.getByLabel("Password"), user.password, "Password");
  await tally.click(page.getByRole("button", { name: "Create account" }), "Create account");
  await page.getByLabel("Code").waitFor();
  await tally.fill(page.getByLabel("Code"), await mailedCode(context, product, user.email), "Code");
  await tally.click(page.getByRole("button", { name: "Continue" }), "Continue");
  await page.getByRole("button", { name: "Allow", exact: true }).waitFor();
}

/** The ids of the ticks that are done, in their order. */
const ticked = (panel) => panel.locator("[data-done]").evaluateAll((items) => items.map((item) => item.dataset.tick));

/** Waits until the panel, which asks for itself again and again, has so many ticks. */
async function waitForTicks(panel, count) {
  await panel.locator(`[data-tick=${TICKS[count - 1]}][data-done]`).waitFor();
  assert.deepEqual(await ticked(panel), TICKS.slice(0, count));
}
