// Pages of other websites against the consent page and the dashboard, in a real browser.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launchBrowser, newProfile } from "../support/browser.mjs";
import { signInMember } from "../support/developer.mjs";
import { serve, startCallback } from "../support/local_servers.mjs";
import { assertTokens, RawClient } from "../support/oauth.mjs";
import { decide, onConsent, signIn } from "../support/person.mjs";
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

/** Where attackers have their pages, and what the browser says about requests from there. */
const ATTACKERS = {
  "a sibling of the same site": { host: "localhost", fetchSite: "same-site" },
  "another site": { host: "evil.localhost", fetchSite: "cross-site" },
};

for (const [who, { host, fetchSite }] of Object.entries(ATTACKERS)) {
  test(`${who} cannot decide for a person, even with everything the consent page holds (catalogue 139, 261)`, async (t) => {
    const { page } = await newProfile(t, browser);
    const { client, callback, request } = await toConsent(t, page);
    const form = await readForm(page, "Allow");
    assert.ok(form.fields.request && form.fields.approval);
    const attacker = await page.context().newPage();
    const response = await postFrom(t, attacker, host, { ...form, fields: { ...form.fields, decision: "allow" } });
    assert.equal((await response.request().allHeaders())["sec-fetch-site"], fetchSite, "the browser tells where the form came from");
    assert.equal(response.status(), 403);
    assert.equal(await attacker.locator("#continue").count(), 0, "no way on to the app");
    assert.equal(callback.unread, 0);

    const [returned] = await Promise.all([callback.arrival(), decide(page, "Allow")]); // the same form works on its own page
    assertTokens(await client.redeem(client.codeFrom(returned, request), request));
  });

  test(`${who} cannot sign a person in or a member out (catalogue 139, 261)`, async (t) => {
    const { dev } = product;
    const { page, context } = await newProfile(t, browser);
    const client = await RawClient.register(product, dev.issuer, "http://127.0.0.1:43103/callback");
    await page.goto(client.authorize().url);
    const form = await readForm(page, "Sign in");
    const fields = { ...form.fields, email: dev.user_email, password: dev.user_password };
    const before = await sessionCookies(context);
    assert.equal((await postFrom(t, await context.newPage(), host, { ...form, fields })).status(), 403);
    assert.deepEqual(await sessionCookies(context), before);

    const member = await newProfile(t, browser);
    await signInMember(member.page, product);
    const signOut = await readForm(member.page, "Sign out");
    const forged = await postFrom(t, await member.context.newPage(), host, signOut);
    assert.equal(forged.status(), 403);
    await member.page.reload();
    await member.page.getByRole("heading", { name: "Projects", level: 1 }).waitFor();
  });

  test(`${who} cannot show a page in a frame (catalogue 140)`, async (t) => {
    const { page } = await newProfile(t, browser);
    const { request } = await toConsent(t, page);
    await signInMember(page, product);
    for (const url of [request.url, product.dev.dashboard_url, product.dev.mail_url]) {
      const { origin } = await serveAt(t, host, `<iframe id="victim" src="${escapeHtml(url)}" width="800" height="600"></iframe>`);
      const refused = page.waitForEvent("console", (message) => /frame-ancestors|X-Frame-Options/.test(message.text()));
      await page.goto(origin);
      await refused;
      const frame = await (await page.locator("#victim").elementHandle()).contentFrame();
      assert.equal(frame.url(), "chrome-error://chromewebdata/", url);
      assert.equal(await frame.getByRole("button").count(), 0);
    }
  });
}

/** A person who is signed in looks at the consent page. */
async function toConsent(t, page, signedIn = false) {
  const callback = await startCallback(t);
  const client = await RawClient.register(product, product.dev.issuer, callback.url);
  const request = client.authorize();
  await page.goto(request.url);
  if (!signedIn) await signIn(page, { email: product.dev.user_email, password: product.dev.user_password });
  await page.goto(request.url); // the page as a returning person gets it
  await onConsent(page, product.dev.user_email);
  return { callback, client, request };
}

/** What the form around a button would send, and where. */
function readForm(page, button) {
  return page.getByRole("button", { name: button, exact: true }).evaluate((element) => ({
    action: element.form.action,
    fields: Object.fromEntries(new FormData(element.form)),
  }));
}

/** Serves an attacker's page that sends a form by itself, opens it, and returns the answer to the form. */
async function postFrom(t, page, host, { action, fields }) {
  const inputs = Object.entries(fields).map(([name, value]) => `<input type="hidden" name="${name}" value="${escapeHtml(value)}">`);
  const { origin } = await serveAt(t, host, `<form method="post" action="${escapeHtml(action)}">${inputs.join("")}</form><script>document.forms[0].submit()</script>`);
  const [response] = await Promise.all([page.waitForResponse(action), page.goto(origin)]);
  await page.waitForLoadState();
  return response;
}

async function serveAt(t, host, html) {
  const { port } = await serve(t, (_, response) => response.writeHead(200, { "Content-Type": "text/html" }).end(`<!doctype html>${html}`));
  return { origin: `http://${host}:${port}/` };
}

async function sessionCookies(context) {
  const cookies = await context.cookies();
  return cookies.filter(({ name }) => name.includes("session")).map(({ value }) => value);
}

function escapeHtml(text) {
  return text.replace(/[&"<>]/g, (character) => `&#${character.charCodeAt(0)};`);
}

test("two tabs finish independently, and signing out in one of them stops the other (catalogue 133, 146, 148)", async (t) => {
  const { page, context } = await newProfile(t, browser);
  const other = await context.newPage();
  const first = await toConsent(t, page);
  const second = await toConsent(t, other, true);
  await decide(page, "Allow");
  assert.ok((await first.callback.arrival()).get("code"));
  await decide(other, "Allow");
  assert.ok((await second.callback.arrival()).get("code"));

  const third = await toConsent(t, page, true);
  await other.goto(`${product.dev.issuer}/account`);
  await other.getByRole("button", { name: "Sign out everywhere" }).click();
  await other.getByRole("heading", { name: "You are signed out" }).waitFor();
  await decide(page, "Allow");
  await page.getByText("You are no longer signed in").waitFor();
  assert.equal(third.callback.unread, 0);
});
