// Texts of strangers and of members, full of markup, on every page of the dashboard in a real browser (catalogue 223).
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { assertNoComplaints, launchBrowser, newProfile } from "../support/browser.mjs";
import { createProject, signInMember } from "../support/developer.mjs";
import { decide, signUp, stranger } from "../support/person.mjs";
import { startProduct } from "../support/product.mjs";

// Each begins with a mark, so that a page that shows none of them is noticed.
const PAYLOADS = [
  `pwn<img src=x onerror="window.pwned=1">`,
  `pwn"><script>window.pwned=1</script>`,
  `pwn' onmouseover='window.pwned=1' style='position:fixed;inset:0' x='`,
  `pwn<svg/onload=window.pwned=1>`,
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

test("no text that is stored runs or marks anything up on a page of the dashboard", async (t) => {
  const { page, complaints } = await newProfile(t, browser);
  await signInMember(page, product);
  const { secret, issuer } = await createProject(page, product, { name: PAYLOADS[0], serverUrl: "http://localhost:43211/mcp" });
  const base = new URL(page.url()).origin;
  const project = new URL(await page.getByRole("link", { name: "Overview", exact: true }).getAttribute("href"), base).href;

  await fillAndSend(page, `${project}/scopes/new`, { "Name": "notes:write", "What a person allows": PAYLOADS[1] });
  await strangers(t, { issuer, secret });
  const organization = project.replace(/\/projects\/.*/, "");
  await page.goto(`${organization}/settings`);
  await page.getByLabel("Name", { exact: true }).fill(PAYLOADS[3]); // and with it a detail of the log
  await page.getByRole("button", { name: "Rename" }).click();

  const seen = new Set();
  const waiting = [project, `${organization}/projects`, `${organization}/audit`, `${organization}/team`];
  let marked = 0;
  for (let path = waiting.shift(); path && seen.size < 120; path = waiting.shift()) {
    if (seen.has(path)) continue;
    seen.add(path);
    const response = await page.goto(path);
    if (response.status() !== 200 || !/html/.test(response.headers()["content-type"] ?? "")) continue;
    const found = await page.evaluate(() => {
      for (const details of document.querySelectorAll("details")) details.open = true;
      const own = [...document.querySelectorAll("script")].filter((s) => !s.src.startsWith(`${location.origin}/static/`)).length;
      return {
        pwned: window.pwned, injected: document.querySelectorAll("img[src=x], svg[onload], [onerror], [onmouseover], [style*=fixed]").length + own,
        marked: document.body.innerText.includes("pwn"), links: [...document.links].map((a) => a.href.split("#")[0]),
      };
    });
    assert.equal(found.pwned, undefined, path);
    assert.equal(found.injected, 0, path);
    marked += found.marked;
    for (const link of found.links) if (link.startsWith(`${organization}/`) && !/\.(md|json|csv)$/.test(link)) waiting.push(link);
  }
  assert.ok(seen.size > 25, `${seen.size} pages were visited`);
  assert.ok(marked > 20, `${marked} pages showed a payload`);
  assertNoComplaints(complaints);

  // A person who signs in at the project and a client with such a name, on the pages of the issuer.
  const person = await newProfile(t, browser);
  const registered = await register(issuer, { client_name: PAYLOADS[2] });
  await person.page.goto(authorize(issuer, registered));
  await signUp(person.page, product, stranger(product.canaries));
  assert.equal(await person.page.evaluate(() => window.pwned), undefined);
  assert.ok((await person.page.textContent("body")).includes(`pwn' onmouseover`), "the consent page shows the name as it is");
  await decide(person.page, "Deny");
  assertNoComplaints(person.complaints);
});

async function fillAndSend(page, path, fields) {
  await page.goto(path);
  for (const [label, value] of Object.entries(fields)) await page.getByLabel(label).first().fill(value);
  await page.locator("main form button[type=submit]").first().click();
  await page.waitForLoadState();
}

/** What a program that nobody knows leaves behind: clients, attempts and failures with names, agents and parameters of its own. */
async function strangers(t, { issuer, secret }) {
  for (const payload of PAYLOADS) {
    const agent = { "User-Agent": `Evil/1.0 ${payload}` };
    const client = await register(issuer, { client_name: payload, client_uri: `https://evil.example/${encodeURIComponent(payload)}`, software_id: payload, software_version: payload }, agent);
    await fetch(`${issuer}/.well-known/oauth-authorization-server`, { headers: agent }).catch(() => {});
    await fetch(authorize(issuer, client), { headers: agent, redirect: "manual" });
    for (const wrong of ["redirect_uri", "scope", "resource", "code_challenge_method", "client_id"]) {
      const url = new URL(authorize(issuer, client));
      url.searchParams.set(wrong, wrong === "redirect_uri" ? `http://127.0.0.1:1/${payload}` : payload);
      await fetch(url, { headers: agent, redirect: "manual" });
    }
    await fetch(`${issuer}/api/oauth/token`, {
      method: "POST", headers: { ...agent, "Content-Type": "application/x-www-form-urlencoded" },
      body: new URLSearchParams({ grant_type: "authorization_code", code: payload, client_id: client.client_id, redirect_uri: payload, code_verifier: payload }),
    });
    await fetch(`${issuer}/api/oauth/server`, { headers: { ...agent, Authorization: `Bearer ${secret}` } });
  }
}

async function register(issuer, members, headers = {}) {
  const response = await fetch(`${issuer}/api/oauth/register`, {
    method: "POST", headers: { ...headers, "Content-Type": "application/json" },
    body: JSON.stringify({ redirect_uris: ["http://127.0.0.1/callback"], token_endpoint_auth_method: "none", ...members }),
  });
  assert.equal(response.status, 201, await response.clone().text());
  return response.json();
}

function authorize(issuer, client) {
  return `${issuer}/oauth/authorize?${new URLSearchParams({
    response_type: "code", client_id: client.client_id, redirect_uri: "http://127.0.0.1:43212/callback", code_challenge: "A".repeat(43), code_challenge_method: "S256",
    resource: "http://localhost:43211/mcp", scope: "mcp:tools", state: "s",
  })}`;
}
