// Paying by oneself, from stranger to cancellation, on the stand-in for Stripe that `mcpauth dev` runs.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { mcpAuth } from "mcpAuth";
import { problemsOf } from "../support/axe.mjs";
import { assertNoComplaints, launchBrowser, newProfile } from "../support/browser.mjs";
import { createProject, signUpMember } from "../support/developer.mjs";
import { startExpress } from "../support/express_server.mjs";
import { freePort } from "../support/local_servers.mjs";
import { McpApp, SDKS } from "../support/mcp_client.mjs";
import { decide, mailedCode, signUp, stranger } from "../support/person.mjs";
import { build, startProduct } from "../support/product.mjs";

let product;
let browser;
before(async () => {
  [product, browser] = await Promise.all([startProduct(), launchBrowser()]);
});
after(async () => {
  await browser?.close();
  await product?.stopAndCheck();
});

test("free, over the limit, upgrade, invoice, failed payment, recovery, downgrade, cancel", async (t) => {
  const { page, context, complaints } = await newProfile(t, browser);
  const owner = stranger(product.canaries);
  const button = (name) => page.getByRole("button", { name, exact: true });
  const plan = page.getByTestId("plan");

  // A stranger signs up, makes a project for real people, and connects the first of them.
  await signUpMember(page, product, owner, "Harbour Software");
  const port = await freePort();
  const { secret, issuer } = await createProject(page, product, { serverUrl: `http://localhost:${port}/mcp` });
  await startExpress(t, port, (app) => app.use("/mcp", mcpAuth({ registrationSecret: secret })));
  const slug = issuer.split("/").at(-1);
  await page.getByRole("link", { name: "Launch", exact: true }).click();
  await button("Call this project production").click();
  const known = await connectedApp(t, port, stranger(product.canaries));

  await page.getByRole("link", { name: "Usage and billing", exact: true }).click();
  assert.equal(await plan.textContent(), "Free");
  assert.equal(await page.getByTestId("used").textContent(), "1");
  const billing = page.url();
  const look = async () => {
    await page.goto(billing);
    assert.deepEqual(await problemsOf(page), []);
    return page.getByRole("alert").allTextContents();
  };

  // Mails at 80 and 100 percent; beyond the grace new people wait, and nobody else.
  const crowd = (count) => product.operate([slug, String(count)], { program: build("crowd", "./internal/e2e/crowd") });
  const pass = () => product.operate(["billing", "pass"]);
  await crowd(7_999);
  await pass();
  await mailAbout(context, /Harbour Software has used 80 percent of its connected users/);
  assert.deepEqual(await look(), []);
  await crowd(2_000);
  await pass();
  await mailAbout(context, /Harbour Software has used all of its connected users/);
  assert.match((await look()).join(), /10,000 people were connected this month, and Free includes 10,000\. From 12,000 on/);
  await connectedApp(t, port, stranger(product.canaries)); // in the grace
  await crowd(1_999);
  await pass();
  await mailAbout(context, /New people have to wait at Harbour Software/);
  assert.match((await look()).join(), /New people have to wait: 12,000 people/);
  const waiting = stranger(product.canaries);
  const shutOut = await newProfile(t, browser);
  const refused = await McpApp.install(t, SDKS[1], product, `http://localhost:${port}/mcp`);
  await assert.rejects(refused.connect(async (url) => {
    await shutOut.page.goto(url);
    await shutOut.page.getByRole("button", { name: "Create an account" }).click();
    await shutOut.page.getByLabel("E-mail address").fill(waiting.email);
    await shutOut.page.getByLabel("Password").fill(waiting.password);
    await shutOut.page.getByRole("button", { name: "Create account", exact: true }).click();
    await shutOut.page.getByLabel("Code").fill(await mailedCode(shutOut.context, product, waiting.email));
    await shutOut.page.getByRole("button", { name: "Continue" }).click();
    await shutOut.page.getByRole("heading", { name: "New people have to wait" }).waitFor();
    await shutOut.page.getByRole("link", { name: /^Back to/ }).click();
    await shutOut.page.waitForURL(/error=temporarily_unavailable/);
  }));
  await known.app.refresh();
  assert.equal(await known.app.call("whoami"), known.email);

  // Upgrade: a card that is declined buys nothing, one that works does.
  await page.goto(billing);
  await page.locator('[data-plan="pro"]').getByRole("button", { name: "Choose Pro" }).click();
  await page.getByRole("heading", { name: "Checkout" }).waitFor();
  await button("Pay with a card that is declined").click();
  await page.getByRole("alert").getByText("declined").waitFor();
  await page.goto(`${billing}?checkout=done`); // catalogue 246
  assert.equal(await plan.textContent(), "Free");
  await page.locator('[data-plan="pro"]').getByRole("button", { name: "Choose Pro" }).click();
  await button("Pay with a card that works").click();
  await page.getByText(/^Free until .*, then \$29 a month\.$/).waitFor();
  assert.equal(await plan.textContent(), "Pro");
  assert.deepEqual(await look(), []);
  await connectedApp(t, port, stranger(product.canaries)); // new people come in again
  await mailAbout(context, /Harbour Software is on Pro/);

  // The trial ends: the first invoice.
  await moveClock(context, 14);
  await until(async () => (await look(), await page.locator("[data-invoice]").count()) === 1);
  assert.match(await page.locator("[data-invoice]").textContent(), /paid\s*\$29\.00/);
  await page.getByText(/^Renews on/).waitFor();

  // The next payment fails, which every page says; another card makes it good.
  await usePortal(page, "Use a card that is declined");
  await moveClock(context, 31);
  await until(async () => /Payment overdue.*Nothing changes until/.test((await look()).join()));
  assert.equal(await plan.textContent(), "Pro");
  await mailAbout(context, /A payment of Harbour Software failed/);
  await usePortal(page, "Use a card that works");
  await until(async () => (await look()).length === 0);
  await mailAbout(context, /The payment of Harbour Software arrived/);
  assert.equal(await page.locator("[data-invoice]").count(), 2);

  // A larger plan is charged for the rest of the period, a smaller one credits it.
  await page.locator('[data-plan="scale"]').getByRole("link", { name: "Change to Scale" }).click();
  assert.match(await page.getByTestId("due").textContent(), /^\$2\d\d\.\d\d is charged now/);
  await button("Change to Scale").click();
  await page.getByText("The plan is Scale now.").waitFor();
  await page.locator('[data-plan="pro"]').getByRole("link", { name: "Change to Pro" }).click();
  assert.match(await page.getByTestId("due").textContent(), /^Nothing is charged now\./);
  await page.getByText("The timeline of your projects goes back 90 days for 90 more days, and 14 days after that").waitFor();
  await button("Change to Pro").click();
  await page.getByText("The plan is Pro now.").waitFor();

  // Cancel, change one's mind, cancel again, and the period ends.
  const cancel = async () => {
    await page.getByText("Cancel at the end of the period").click();
    await button("Cancel the plan").click();
    await page.getByText("The plan ends with what is paid for.").waitFor();
  };
  await cancel();
  await button("Keep the plan").click();
  await page.getByText("The plan stays.").waitFor();
  await cancel();
  assert.match(await page.getByTestId("remark").textContent(), /^Until then nothing changes/);
  await moveClock(context, 31);
  await until(async () => (await look(), await plan.textContent()) === "Free");
  await mailAbout(context, /Harbour Software is on the Free plan/);
  assert.equal(await known.app.call("whoami"), known.email, "who was connected goes on");
  assertNoComplaints(complaints.filter((text) => !text.includes("stand-in")));
});

/** A client of a new person's, connected through the browser. */
async function connectedApp(t, port, person) {
  const { page } = await newProfile(t, browser);
  const app = await McpApp.install(t, SDKS[1], product, `http://localhost:${port}/mcp`);
  await app.connect(async (url) => {
    await page.goto(url);
    await signUp(page, product, person);
    await decide(page, "Allow");
    await page.waitForURL(/^http:\/\/127\.0\.0\.1:/);
  });
  assert.equal(await app.call("whoami"), person.email);
  return { app, email: person.email };
}

/** Does one thing in Stripe's portal, and comes back. */
async function usePortal(page, act) {
  await page.getByRole("button", { name: /^(Cards, tax ids and invoices|Use another card)$/ }).click();
  await page.getByRole("button", { name: act, exact: true }).click();
  await page.getByRole("link", { name: "Back to mcpauth" }).click();
  await page.getByRole("heading", { name: "Usage and billing" }).waitFor();
}

/** Moves Stripe's clock. */
async function moveClock(context, days) {
  const page = await context.newPage();
  await page.goto(product.dev.stripe_url);
  await page.getByRole("button", { name: `Move ${days} days on` }).click();
  await page.getByRole("heading", { name: "Clock" }).waitFor();
  await page.close();
}

/** Waits for a mail whose subject is this. */
async function mailAbout(context, subject) {
  const page = await context.newPage();
  await until(async () => {
    await page.goto(product.dev.mail_url);
    return subject.test(await page.getByRole("main").textContent());
  });
  await page.close();
}

/** Looks again until something holds: events, mails and pages come by different ways. */
async function until(holds) {
  for (let tries = 0; !(await holds()); tries += 1) assert.ok(tries < 200, `still waiting for ${holds}`);
}
