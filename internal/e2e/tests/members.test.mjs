// How members of the dashboard prove who they are in a real browser: with a passkey, and with codes by mail; and the dashboard by keyboard.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { assertNoComplaints, launchBrowser, newProfile } from "../support/browser.mjs";
import { signUpMember } from "../support/developer.mjs";
import { pressTo } from "../support/keyboard.mjs";
import { stranger } from "../support/person.mjs";
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

test("a member without a password signs up, adds a passkey and signs in with it", async (t) => {
  const { page, context, complaints } = await newProfile(t, browser);
  const devtools = await context.newCDPSession(page);
  await devtools.send("WebAuthn.enable");
  await devtools.send("WebAuthn.addVirtualAuthenticator", {
    options: { protocol: "ctap2", transport: "internal", hasResidentKey: true, hasUserVerification: true, isUserVerified: true, automaticPresenceSimulation: true },
  });
  const ada = stranger(product.canaries);
  await signUpMember(page, product, { email: ada.email }, "Harbour");
  await page.goto(new URL("/dashboard/account", product.dev.dashboard_url).href);
  await page.getByRole("button", { name: "Add a passkey" }).click();
  await page.getByText("The passkey signs you in from now on.").waitFor();
  await page.getByRole("button", { name: "Sign out", exact: true }).click();

  await page.getByRole("button", { name: "Sign in with a passkey" }).click();
  await page.getByRole("heading", { name: "Projects", level: 1 }).waitFor();
  await page.goto(new URL("/dashboard/account", product.dev.dashboard_url).href);
  await page.getByText(ada.email).first().waitFor();
  assertNoComplaints(complaints);
});

test("who clicks twice does it once", async (t) => {
  const { page, complaints } = await newProfile(t, browser);
  await signUpMember(page, product, stranger(product.canaries), "Hasty");
  const projects = page.url();
  await page.getByRole("link", { name: "Create project" }).click();
  await page.getByLabel("URL of the MCP server").fill("http://localhost:43298/mcp");
  await page.getByRole("button", { name: "Create project" }).dblclick();
  product.canaries.note("registration secret", await page.getByTestId("secret").textContent());
  await page.goto(projects);
  await page.getByRole("heading", { name: "Projects", level: 1 }).waitFor();
  const made = await page.locator("main a").evaluateAll((links) => links.map((link) => /projects\/([0-9a-f-]{36})/.exec(link.href)?.[1]).filter(Boolean));
  assert.equal(new Set(made).size, 1);
  assertNoComplaints(complaints);
});

test("the dashboard works by keyboard alone, from sign-in to a project and what is in it", async (t) => {
  const { page, complaints } = await newProfile(t, browser);
  const { keyboard } = page;
  await page.goto(product.dev.dashboard_url);
  await page.waitForFunction(() => document.activeElement?.name === "email"); // the first field has the focus
  await keyboard.type(product.dev.member_email);
  await pressTo(page, "Password");
  await keyboard.type(product.dev.member_password);
  await keyboard.press("Enter");
  await page.getByRole("heading", { name: "Projects", level: 1 }).waitFor();

  await pressTo(page, "Skip to the content");
  await keyboard.press("Enter");
  assert.equal(await page.evaluate(() => document.activeElement.id), "main");
  await pressTo(page, "Create project");
  await keyboard.press("Enter");
  await page.getByRole("heading", { name: "Create a project" }).waitFor();
  await pressTo(page, "URL of the MCP server");
  await keyboard.type("http://localhost:43299/mcp");
  await pressTo(page, "Create project");
  await keyboard.press("Enter");
  await page.getByTestId("secret").waitFor();
  product.canaries.note("registration secret", await page.getByTestId("secret").textContent());

  // Every entry of the rail is reached and opened; a dangerous act is behind a disclosure that opens and closes.
  for (const entry of ["Activity", "Clients", "Branding", "Domains", "Test", "Launch", "Settings"]) {
    await pressTo(page, entry);
    await keyboard.press("Enter");
    await page.getByRole("heading", { level: 1 }).waitFor();
    await page.waitForLoadState();
    assert.equal(await page.locator("nav [aria-current=page]").first().textContent().then((text) => text.trim()), entry);
  }
  await page.goto(`${page.url()}/danger`);
  await pressTo(page, "Suspend the project");
  await keyboard.press("Enter");
  await pressTo(page, "Suspend");
  await keyboard.press("Enter");
  await page.getByText("The project is suspended.").waitFor();
  assertNoComplaints(complaints);
});
