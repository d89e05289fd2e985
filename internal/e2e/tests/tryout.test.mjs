// The page on which a developer tests a server: the walk of a client, then the whole road in the developer's own browser.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { mcpAuth } from "mcpAuth";
import { assertNoComplaints, launchBrowser, newProfile } from "../support/browser.mjs";
import { createProject, signInMember } from "../support/developer.mjs";
import { startExpress } from "../support/express_server.mjs";
import { freePort } from "../support/local_servers.mjs";
import { decide, signUp, stranger } from "../support/person.mjs";
import { startProduct } from "../support/product.mjs";

let product;
let browser;
before(async () => {
  [product, browser] = await Promise.all([startProduct(), launchBrowser()]);
});
after(async () => {
  await browser?.close();
  await product?.stopAndCheck();
});

test("a developer walks to the server as a client, signs in as a person and sees the tools", async (t) => {
  const { page, complaints } = await newProfile(t, browser);
  const port = await freePort();
  await signInMember(page, product);
  const { secret } = await createProject(page, product, { name: "Tryout", serverUrl: `http://localhost:${port}/mcp` });

  // Nothing is there yet, and the page says so.
  await page.getByRole("link", { name: "Test", exact: true }).click();
  await page.getByRole("button", { name: "Walk there" }).click();
  await page.getByTestId("verdict").getByText("One step would stop clients").waitFor();

  await startExpress(t, port, (app) => app.use("/mcp", mcpAuth({ registrationSecret: secret })));
  await page.getByLabel("Codex").check();
  await page.getByRole("button", { name: "Walk there" }).click();
  await page.getByTestId("verdict").getByText("Clients get through to the sign-in").waitFor();
  assert.ok((await page.locator("[data-step]").count()) > 8);
  assert.equal(await page.locator("[data-step=bad]").count(), 0);
  await page.locator("[data-step] summary").first().click();
  assert.match(await page.locator("[data-step] pre").nth(1).textContent(), /401 Unauthorized[\s\S]*Bearer/);

  await page.getByRole("button", { name: "Go on as the person" }).click();
  await page.getByTestId("leave").click();
  await signUp(page, product, stranger(product.canaries));
  await decide(page, "Allow");
  await page.getByTestId("verdict").getByText("All the way to the tools").waitFor();
  assert.deepEqual(await page.locator("[data-tool] code").allTextContents(), ["whoami"]);
  assert.match(await page.getByLabel("Claims of the token").textContent(), new RegExp(`"aud": "http://localhost:${port}/mcp"`));
  assert.equal(await page.getByText("mcpauth_rt_").count(), 0); // no credential is shown

  // The answer works once, and what it led to was given back.
  await page.reload();
  await page.getByText("No test waits for this answer").waitFor();
  await page.getByRole("link", { name: "Connections", exact: true }).click();
  await page.getByRole("heading", { name: "Connections", level: 1 }).waitFor();
  assert.equal(await page.locator("tr[data-grant]").count(), 0);
  assertNoComplaints(complaints.filter((c) => !/400/.test(c)));
});

test("a developer tries an own login with the simulator before there is one", async (t) => {
  const { page, complaints } = await newProfile(t, browser);
  const port = await freePort();
  await signInMember(page, product);
  const { secret } = await createProject(page, product, { name: "Own login", serverUrl: `http://localhost:${port}/mcp` });
  await startExpress(t, port, (app) => app.use("/mcp", mcpAuth({ registrationSecret: secret })));
  await page.getByRole("link", { name: "Sign-in", exact: true }).click();
  await page.getByRole("link", { name: /own login/i }).first().click();
  await page.getByText("Try it with a simulator first").click();
  await page.getByRole("button", { name: "Use the simulator" }).click();
  await page.getByText("The simulator is your own login now.").waitFor();
  await page.getByRole("button", { name: "Walk there" }).click();
  await page.getByRole("button", { name: "Go on as the person" }).click();
  await page.getByTestId("leave").click();
  await page.getByRole("button", { name: /your site \(simulator\)/ }).click();
  await page.getByLabel("E-mail address").fill("hopper@example.com");
  await page.getByLabel("Organizations").fill("Navy, Yale");
  await page.getByRole("button", { name: "Hand over" }).click();
  assert.match(await page.getByTestId("sent").textContent(), /"email": "hopper@example.com"/);
  await page.getByTestId("redirect-to").click();
  await page.getByLabel("Acts for").selectOption({ label: "Yale" });
  await decide(page, "Allow");
  await page.getByTestId("verdict").getByText("All the way to the tools").waitFor();
  assertNoComplaints(complaints);
});
