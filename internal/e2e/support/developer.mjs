// What a developer does in the dashboard.
import assert from "node:assert/strict";
import { mailedCode } from "./person.mjs";

/** Signs in as the seeded member. */
export async function signInMember(page, { dev }) {
  await page.goto(dev.dashboard_url);
  await page.getByLabel("E-mail address").fill(dev.member_email);
  await page.getByLabel("Password").fill(dev.member_password);
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await page.getByRole("heading", { name: "Projects", level: 1 }).waitFor();
}

/** Signs up with an organization of one's own; ends on its projects. */
export async function signUpMember(page, product, { email, password }, organization) {
  await page.goto(new URL("/dashboard/sign-up", product.dev.dashboard_url).href);
  await page.getByLabel("Organization").fill(organization);
  await page.getByLabel("E-mail address").fill(email);
  if (password) await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Create account" }).click();
  await page.getByLabel("Code").fill(await mailedCode(page.context(), product, email));
  await page.getByRole("button", { name: "Continue", exact: true }).click();
  await page.getByRole("link", { name: "Create project" }).waitFor();
}

/** Creates a project on the dashboard's pages, and reads from the set-up page what is shown once. */
export async function createProject(page, product, { name, serverUrl }) {
  await page.getByRole("link", { name: "Create project" }).click();
  await page.getByLabel("URL of the MCP server").fill(serverUrl);
  if (name) {
    await page.getByText("Choose the name").click();
    await page.getByLabel("Name", { exact: true }).fill(name);
  }
  await page.getByRole("button", { name: "Create project" }).click();
  await page.getByRole("heading", { name: "Your registration secret" }).waitFor();
  const secret = product.canaries.note("registration secret", await page.getByTestId("secret").textContent());
  assert.match(secret, /^mcpauth_rs_[A-Za-z0-9_-]+\.[A-Za-z0-9_-]{43}$/);
  return { secret, issuer: await page.getByTestId("issuer").textContent() };
}
