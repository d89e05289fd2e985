// The pages as people meet them: in both colour schemes, on a desktop and on a phone, by keyboard, without JavaScript.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { assertNoComplaints, launchBrowser, newProfile } from "../support/browser.mjs";
import { createProject, signInMember } from "../support/developer.mjs";
import { pressTo } from "../support/keyboard.mjs";
import { serve, startCallback } from "../support/local_servers.mjs";
import { Inspection } from "../support/looks.mjs";
import { assertTokens, RawClient } from "../support/oauth.mjs";
import { decide, fillAccount, mailedCode, mailedLink, onConsent, signIn, signUp, stranger } from "../support/person.mjs";
import { startProduct } from "../support/product.mjs";

const APP_REDIRECT = "cursor://anysphere.cursor-mcp/oauth/callback"; // a private-use scheme (RFC 8252 section 7.1; P4)
const FLOW_PAGES = [
  "sign-in", "sign-in-wrong", "sign-up", "sign-up-refused", "code", "code-wrong", "consent-app", "leave-app", "consent-loopback",
  "leave-denied", "message-unknown-app", "message-from-app", "account", "account-refused", "signed-out", "reset", "new-password",
  "new-password-refused", "sign-in-code", "link", "link-elsewhere",
];
const MEMBER_PAGES = [
  "landing", "member-sign-in", "member-sign-in-wrong", "member-sign-up", "member-code", "projects-empty", "new-project",
  "new-project-refused", "project-with-secret", "project", "projects", "not-found", "mail",
];

let product;
let browser;
before(async () => {
  [product, browser] = await Promise.all([startProduct(), launchBrowser()]);
});
after(async () => {
  await browser?.close();
  await product?.stopAndCheck();
});

test("the pages of a flow look right and everybody can use them (A19, P4, P8)", async (t) => {
  const { context, complaints, ...first } = await newProfile(t, browser);
  let { page } = first;
  const inspection = new Inspection(page);
  const see = (name) => inspection.see(name);
  const app = await RawClient.register(product, product.dev.issuer, APP_REDIRECT, "Cursor");
  const ada = stranger(product.canaries);

  await page.goto(app.authorize({ scope: "mcp:tools notes:write offline_access" }).url);
  await see("sign-in");
  await fillAccount(page, { ...ada, password: `${ada.password}, mistyped` }, "Sign in");
  await page.getByRole("alert").waitFor();
  await see("sign-in-wrong");
  await page.getByRole("button", { name: "Create an account" }).click();
  await see("sign-up");
  await fillAccount(page, { ...ada, password: "short" }, "Create account");
  await page.locator("#password-error").waitFor();
  await see("sign-up-refused");
  await fillAccount(page, ada, "Create account");
  const code = await mailedCode(page.context(), product, ada.email);
  await see("code");
  await page.getByLabel("Code").fill(String((Number(code) + 1) % 1e6).padStart(6, "0"));
  await page.getByRole("button", { name: "Continue" }).click();
  await page.locator("#code-error").waitFor();
  await see("code-wrong");
  await page.getByLabel("Code").fill(code);
  await page.getByRole("button", { name: "Continue" }).click();
  await onConsent(page, ada.email);
  await see("consent-app");
  await decide(page, "Allow");
  await page.getByRole("heading", { name: "Taking you back to Cursor" }).waitFor();
  assert.match(await page.locator("#continue").getAttribute("href"), /^cursor:\/\/anysphere\.cursor-mcp\/oauth\/callback\?code=/);
  await see("leave-app");

  await page.close(); // and with it the browser's question whether to open the app; unanswered it takes every click in that tab
  page = inspection.page = await context.newPage();
  const silent = await serve(t, (_, response) => response.writeHead(204).end(), { host: "127.0.0.1" }); // the page before it stays
  const loopback = await RawClient.register(product, product.dev.issuer, `${silent.origin}/callback`, "Claude Code (demo)");
  await page.goto(loopback.authorize().url);
  await onConsent(page, ada.email);
  await see("consent-loopback");
  await decide(page, "Deny");
  await page.getByText("You did not allow access.").waitFor();
  await see("leave-denied");

  await page.goto(loopback.authorize({ client_id: "unknown" }).url);
  await page.getByRole("heading", { name: "This app is not known here" }).waitFor();
  await see("message-unknown-app");
  const web = await RawClient.register(product, product.dev.issuer, "https://client.example/callback", "Web client");
  await page.goto(web.authorize({ scope: "no:such" }).url);
  await page.getByRole("link", { name: "Back to Web client" }).waitFor(); // never an open redirector (catalogue 93)
  await see("message-from-app");

  await page.goto(`${product.dev.issuer}/account`);
  await page.getByRole("heading", { name: "Connected apps" }).waitFor();
  const tab = await page.context().newPage(); // goes back to the page after the sign-out
  await tab.goto(`${product.dev.issuer}/account`);
  await see("account");
  await page.getByLabel("New password").fill("short");
  await page.getByRole("button", { name: "Set a new password" }).click();
  await page.locator("#password-error").waitFor();
  await see("account-refused");
  await page.getByRole("button", { name: "Sign out everywhere" }).click();
  await page.getByRole("heading", { name: "You are signed out" }).waitFor();
  await see("signed-out");
  await tab.goto("about:blank");
  await tab.goBack(); // the browser kept nothing to show (catalogue 133)
  await tab.getByRole("heading", { name: "Sign in" }).waitFor();
  await tab.close();
  await page.getByRole("link", { name: "Sign in again" }).click();
  await page.getByRole("heading", { name: "Sign in" }).waitFor();

  await page.getByRole("button", { name: "Forgot your password?" }).click();
  await see("reset");
  await page.getByLabel("E-mail address").fill(ada.email);
  await page.getByRole("button", { name: "Send the code" }).click();
  await see("new-password");
  await page.getByLabel("Code").fill(await mailedCode(page.context(), product, ada.email));
  await page.getByLabel("Password").fill("password123");
  await page.getByRole("button", { name: "Save and continue" }).click();
  await page.locator("#password-error").waitFor();
  await see("new-password-refused");

  await page.goto(loopback.authorize().url);
  await page.getByLabel("E-mail address").fill(ada.email);
  await page.getByRole("button", { name: "E-mail me a code" }).click(); // the password may stay empty
  await page.getByLabel("Code").waitFor();
  await see("sign-in-code");
  const link = await mailedLink(page.context(), product, ada.email);
  const elsewhere = await newProfile(t, browser); // another browser has no way on (catalogue 112, 142)
  await elsewhere.page.goto(link);
  await elsewhere.page.getByRole("heading", { name: "Type this code where you started" }).waitFor();
  assert.equal(await elsewhere.page.locator("form").count(), 0);
  const other = new Inspection(elsewhere.page);
  await other.see("link-elsewhere");
  await page.goto(link);
  await see("link");
  await page.getByRole("button", { name: "Continue" }).click();
  await onConsent(page, ada.email);

  inspection.include(other);
  inspection.finish(FLOW_PAGES);
  assertNoComplaints(complaints);
});

test("the dashboard's pages look right and everybody can use them", async (t) => {
  const { page, complaints } = await newProfile(t, browser);
  const inspection = new Inspection(page);
  const see = (name) => inspection.see(name);
  const { dev } = product;
  const member = stranger(product.canaries);

  await page.goto(new URL("/", dev.dashboard_url).href);
  await see("landing");
  await page.goto(dev.dashboard_url);
  await see("member-sign-in");
  await fillAccount(page, member, "Sign in");
  await page.getByRole("alert").waitFor();
  await see("member-sign-in-wrong");
  await page.getByRole("link", { name: "Create an account" }).click();
  await see("member-sign-up");
  await page.getByLabel("Organization").fill("Harbour Software");
  await fillAccount(page, member, "Create account");
  const code = await mailedCode(page.context(), product, member.email);
  await see("member-code");
  await page.getByLabel("Code").fill(code);
  await page.getByRole("button", { name: "Continue" }).click();
  await page.getByRole("heading", { name: "Guard your first MCP server" }).waitFor();
  await see("projects-empty");
  await page.getByRole("link", { name: "Create project" }).click();
  await see("new-project");
  await page.getByLabel("URL of the MCP server").fill("http://tools.example.com/mcp");
  await page.locator("#check").getByText("Use https://").waitFor(); // said while it is typed
  await page.getByRole("button", { name: "Create project" }).click();
  await page.locator("[aria-invalid=true]").waitFor();
  await see("new-project-refused");
  await page.getByRole("link", { name: "Cancel" }).click();
  await createProject(page, product, { name: "Harbour Tools", serverUrl: "https://tools.example.com/mcp" });
  await see("project-with-secret");
  await page.goto(dev.dashboard_url);
  await page.getByRole("cell", { name: "https://tools.example.com/mcp" }).waitFor();
  await see("projects");
  await page.locator("main").getByRole("link", { name: "Harbour Tools" }).click();
  await page.getByTestId("issuer").waitFor();
  assert.equal(await page.getByTestId("secret").count(), 0, "the secret is shown once");
  await see("project");
  for (const entry of ["Activity", "MCP servers", "Clients", "Users", "Connections", "Sign-in", "Keys and secrets", "Settings"]) {
    await page.setViewportSize({ width: 1280, height: 900 });
    await page.getByRole("navigation", { name: "Dashboard" }).getByRole("link", { name: entry }).click();
    await page.getByRole("heading", { name: entry, level: 1 }).waitFor();
  }
  await page.goto(`${page.url()}/nothing/here`);
  await see("not-found");
  await page.goto(dev.mail_url);
  await see("mail");

  inspection.finish(MEMBER_PAGES);
  assertNoComplaints(complaints);
});

test("everything works by keyboard alone, and Allow is never where the first key goes", async (t) => {
  const { page } = await newProfile(t, browser);
  const { keyboard } = page;
  const callback = await startCallback(t);
  const client = await RawClient.register(product, product.dev.issuer, callback.url);
  const ada = stranger(product.canaries);
  const request = client.authorize();

  await page.goto(request.url);
  await pressTo(page, "Create an account");
  await keyboard.press("Enter");
  await page.getByRole("heading", { name: "Create an account" }).waitFor();
  await keyboard.type(ada.email); // the first field has the focus
  await pressTo(page, "Password");
  await keyboard.type(ada.password);
  await keyboard.press("Enter");
  await page.getByRole("heading", { name: "Check your mail" }).waitFor();
  await keyboard.type(await mailedCode(page.context(), product, ada.email));
  await keyboard.press("Enter");
  await onConsent(page, ada.email);
  assert.equal(await page.evaluate(() => document.activeElement?.tagName), "BODY", "nothing is decided by a key pressed too early");
  await pressTo(page, "Deny");
  await pressTo(page, "Allow");
  const [returned] = await Promise.all([callback.arrival(), keyboard.press("Enter")]);
  assertTokens(await client.redeem(client.codeFrom(returned, request), request));
});

test("everything works without JavaScript, up to the redirect", async (t) => {
  const { page } = await newProfile(t, browser, { javaScriptEnabled: false });
  const callback = await startCallback(t);
  const client = await RawClient.register(product, product.dev.issuer, callback.url);
  const ada = stranger(product.canaries);
  const request = client.authorize();
  await page.goto(request.url);
  await signUp(page, product, ada);
  const [returned] = await Promise.all([callback.arrival(), decide(page, "Allow")]);
  assertTokens(await client.redeem(client.codeFrom(returned, request), request));

  const another = await newProfile(t, browser, { javaScriptEnabled: false });
  const second = client.authorize();
  await another.page.goto(second.url);
  await signIn(another.page, ada);
  const [denied] = await Promise.all([callback.arrival(), decide(another.page, "Deny")]);
  assert.equal(denied.get("error"), "access_denied");

  const member = await newProfile(t, browser, { javaScriptEnabled: false });
  await signInMember(member.page, product);
  await createProject(member.page, product, { name: "No scripts", serverUrl: "http://localhost:43102/mcp" });
});

test("who denies sends the app away with an error and nothing else (A15, A16)", async (t) => {
  const { page } = await newProfile(t, browser);
  const callback = await startCallback(t);
  const client = await RawClient.register(product, product.dev.issuer, callback.url);
  const request = client.authorize();
  await page.goto(request.url);
  await signIn(page, { email: product.dev.user_email, password: product.dev.user_password });
  const [returned] = await Promise.all([callback.arrival(), decide(page, "Deny")]);
  const { error_description: description, ...rest } = Object.fromEntries(returned);
  assert.deepEqual(rest, { error: "access_denied", state: request.state, iss: product.dev.issuer });
});
