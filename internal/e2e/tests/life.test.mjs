// One whole life of a project, and then every page as everybody who may come: what people did is told as it was, nothing is red that
// went well, every link leads to a page, and nobody sees an error that is ours.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { mcpAuth } from "mcpAuth";
import { launchBrowser, newProfile } from "../support/browser.mjs";
import { badAnswers, crawl, neverOpened, redWords } from "../support/crawl.mjs";
import { createProject, signUpMember } from "../support/developer.mjs";
import { startExpress } from "../support/express_server.mjs";
import { freePort, startCallback } from "../support/local_servers.mjs";
import { McpApp, SDKS } from "../support/mcp_client.mjs";
import { assertRefused, assertTokens, callWith, RawClient } from "../support/oauth.mjs";
import { decide, fillAccount, onConsent, signUp, stranger } from "../support/person.mjs";
import { startProduct } from "../support/product.mjs";

const ROLES = ["admin", "developer", "viewer"];

// GET pages of the dashboard that no link leads to, or that a crawl must not follow.
const NOT_LINKED = {
  "/dashboard/sign-in/github": "this installation has no application at GitHub",
  "/dashboard/sign-in/github/callback": "GitHub sends people there",
  "/dashboard/sign-in/code": "follows a form",
  "/dashboard/sign-up/code": "follows a form",
  "/.well-known/security.txt": "read by programs",
  "/robots.txt": "read by programs",
  "/dashboard/:organization/projects/check": "asked by the form of a new project",
  "/dashboard/:organization/projects/:project/sign-in/own/simulator": "an issuer sends people there while it is the external login",
  "/dashboard/:organization/projects/:project/test/callback": "the test page's own client comes back there",
};

// Red words about the two attempts of this life that failed: what, where, and how it is told.
const TRUTHS = [
  /^Failed$/, /^Got$/, /^(Code for token|Refresh|Guard), refused$/, /^\d+ [A-Z][a-z]+: 4$/,
  /^(1 of the latest attempts failed: )?(The refresh token was used before|The code_verifier does not belong to the code_challenge)/,
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

test("after a whole life every page of every role is true", async (t) => {
  const life = await live(t);

  await t.test("every attempt is told by its end", async () => {
    assert.deepEqual(await attemptsOf(life), [
      "Old refresh token: Failed: The refresh token was used before. The connection is revoked",
      "Gave it back: Ended: The app gave its access back",
      "Wrong verifier: Failed: The code_verifier does not belong to the code_challenge of the authorization request",
      "No thanks: Denied: The person chose Deny",
      "Mistyped once: Working", // stepped up
      "Mistyped once: Working",
      "First of all: Working",
      "A client that did not say who it is: On its way", // our own test page, which looked
    ]);
  });

  for (const role of ["owner", ...ROLES]) {
    await t.test(`as ${role}`, async () => {
      const { context } = life.members[role];
      const visit = await crawl(context, [life.projects, ...life.site], (url) => belongs(url, life));
      assert.deepEqual(badAnswers(visit), []);
      assert.deepEqual([...redWords(visit)].filter(([word]) => !TRUTHS.some((truth) => truth.test(word))), []);
      if (role !== "owner") return;
      assert.deepEqual(neverOpened(visit).filter((path) => !(path in NOT_LINKED)), []);
      await assertExports(context, visit);
    });
  }

  await t.test("as somebody who is not signed in", async () => {
    const { context } = await newProfile(t, browser);
    const visit = await crawl(context, life.site);
    assert.deepEqual(badAnswers(visit), []);
    assert.deepEqual([...redWords(visit)], []);
  });

  await t.test("as the person who was connected", async () => {
    const visit = await crawl(life.person.context, [`${life.issuer}/account`]);
    assert.deepEqual(badAnswers(visit), []);
    assert.deepEqual([...redWords(visit)], []);
  });
});

/** What happens in a life. */
async function live(t) {
  const owner = await newMember(t, "Harbour");
  const { page } = owner;
  const projects = page.url();
  const port = await freePort();
  const { secret, issuer } = await createProject(page, product, { name: "Tools", serverUrl: `http://localhost:${port}/mcp` });
  const start = () => startExpress(t, port, (app) => app.use("/mcp", mcpAuth({ registrationSecret: secret, cacheSeconds: 0 })));
  const life = {
    issuer, projects, project: page.url().replace(/\/servers\/.*$/, ""), serverUrl: `http://localhost:${port}/mcp`, server: await start(), start, members: { owner },
  };
  life.site = ["/", "/llms.txt", "/llms-full.txt", "/.well-known/security.txt", "/robots.txt"].map((path) => new URL(path, projects).href);
  await page.goto(`${life.project}/launch`);
  await page.getByRole("button", { name: "Call this project production", exact: true }).click();
  await page.getByText("production").first().waitFor();
  await page.getByRole("link", { name: "Test", exact: true }).click();
  await page.getByRole("button", { name: "Walk there" }).click();
  await page.getByTestId("verdict").getByText("Clients get through to the sign-in").waitFor();
  await connectPeople(t, life);
  await raw(t, life);
  await changeEverything(page, life);
  for (const role of ROLES) life.members[role] = await invite(t, life, role);
  return life;
}

/** People connect clients: at the first try, at the second, to a tool that needs more, and not at all. */
async function connectPeople(t, life) {
  const ada = { ...stranger(product.canaries), ...(await newProfile(t, browser)) };
  life.person = ada;
  await connect(t, life, "First of all", ada.page, () => signUp(ada.page, product, ada));
  const elsewhere = await newProfile(t, browser);
  const app = await connect(t, life, "Mistyped once", elsewhere.page, async () => {
    await fillAccount(elsewhere.page, { ...ada, password: "something else entirely" }, "Sign in");
    await elsewhere.page.getByRole("alert").waitFor();
    await fillAccount(elsewhere.page, ada, "Sign in");
    await onConsent(elsewhere.page, ada.email);
  });
  await app.refresh();

  // The tool comes to need more: the client is refused there, and steps up.
  const { page } = life.members.owner;
  await page.goto(`${life.project}/scopes/new`);
  await page.getByLabel("Name", { exact: true }).fill("people:read");
  await page.getByLabel("What a person allows").fill("See who is calling.");
  await page.getByLabel("Tools that need it").fill("whoami");
  await page.getByRole("button", { name: "Save scope" }).click();
  await page.getByText("people:read").first().waitFor();
  await life.server.close();
  await life.start();
  let asked = "";
  await app.call("whoami", {}, (url) => {
    asked = new URL(url).searchParams.get("scope");
    return allow(ada.page, url, () => onConsent(ada.page, ada.email));
  });
  assert.match(asked, /people:read/, "the client stepped up");
}

/** What clients do that SDKs do not, each in a connection of its own. */
async function raw(t, life) {
  const callback = await startCallback(t);
  const { page, email } = life.person;
  const ask = async (name, decision) => {
    const client = await RawClient.register(product, life.issuer, callback.url, name);
    const request = client.authorize({ resource: life.serverUrl, scope: "mcp:tools people:read" });
    await page.goto(request.url);
    await onConsent(page, email);
    const [returned] = await Promise.all([callback.arrival(), decide(page, decision), page.waitForURL(`${callback.url}?*`)]);
    return { client, request, returned };
  };
  const granted = async (name) => {
    const { client, request, returned } = await ask(name, "Allow");
    const tokens = assertTokens(await client.redeem(client.codeFrom(returned, request), request));
    assert.equal((await callWith(life.serverUrl, tokens.access_token)).status, 200);
    return { client, tokens };
  };
  assert.equal((await ask("No thanks", "Deny")).returned.get("error"), "access_denied");
  const wrong = await ask("Wrong verifier", "Allow");
  assertRefused(await wrong.client.redeem(wrong.client.codeFrom(wrong.returned, wrong.request), { verifier: "A".repeat(43) }), "invalid_grant");
  const gone = await granted("Gave it back");
  assert.equal((await gone.client.revoke(gone.tokens.refresh_token)).status, 200);
  assert.equal((await callWith(life.serverUrl, gone.tokens.access_token)).status, 401);
  const { client, tokens } = await granted("Old refresh token");
  const next = assertTokens(await client.refresh(tokens.refresh_token));
  assertTokens(await client.refresh(next.refresh_token));
  assertRefused(await client.refresh(tokens.refresh_token), "invalid_grant");
  assert.equal((await callWith(life.serverUrl, tokens.access_token)).status, 401);
  assert.equal((await callWith(life.serverUrl, `${tokens.access_token.slice(0, -4)}AAAA`)).status, 401); // nobody's
}

/** The owner changes what can be changed: brand, domain, provider, client, plan, what the project is for; and stops it for a while. */
async function changeEverything(page, { project, projects }) {
  const button = (name) => page.getByRole("button", { name, exact: true });
  const organization = projects.replace(/\/projects$/, "");
  await page.goto(`${project}/branding`);
  await page.getByLabel("Heading above the sign-in").fill("Harbour");
  await page.getByLabel("Logo", { exact: true }).setInputFiles({ name: "logo.png", mimeType: "image/png", buffer: await page.screenshot() });
  await button("Publish").click();
  await page.getByRole("status").first().waitFor();
  await page.goto(`${project}/domains`);
  await page.getByLabel("Domain", { exact: true }).fill("auth.harbour.example");
  await button("Add the domain").click();
  await page.locator('[data-domain="auth.harbour.example"]').waitFor();
  await page.goto(`${project}/sign-in/providers/new`);
  await page.getByLabel("Provider", { exact: true }).selectOption("github");
  await page.getByLabel("Client id").fill("Iv1.example");
  await page.getByLabel("Client secret").fill(product.canaries.note("secret of a provider", `provider ${crypto.randomUUID()}`));
  await button("Save provider").click();
  await page.getByRole("table", { name: "Providers" }).waitFor();
  await page.goto(`${organization}/billing`);
  await page.locator('[data-plan="pro"]').getByRole("button", { name: "Choose Pro" }).click();
  await button("Pay with a card that works").click();
  await page.getByText(/^Free until .*, then \$29 a month\.$/).waitFor();
  await page.goto(`${project}/settings/danger`);
  await page.getByText("Suspend the project").click();
  await button("Suspend").click();
  await page.getByText("The project is suspended.").waitFor();
  await button("Resume the project").click();
  await page.getByText("Suspend the project").waitFor();
}

/** A member who signed up. */
async function newMember(t, organization) {
  const member = { ...stranger(product.canaries), ...(await newProfile(t, browser)) };
  await signUpMember(member.page, product, member, organization);
  return member;
}

/** Somebody who is invited, and joins. */
async function invite(t, { members: { owner }, projects }, role) {
  const member = await newMember(t, `Alone as ${role}`);
  await owner.page.goto(projects.replace(/projects$/, "team"));
  await owner.page.getByLabel("E-mail address").fill(member.email);
  await owner.page.getByLabel("Role", { exact: true }).selectOption(role);
  await owner.page.getByRole("button", { name: "Send invitation" }).click();
  await owner.page.locator("[data-invitation]").waitFor();
  await member.page.goto(new URL("/dashboard/invitations", projects).href);
  await member.page.getByRole("button", { name: "Join" }).click();
  await member.page.getByRole("heading", { name: "Projects", level: 1 }).waitFor();
  return member;
}

/** A client under a name of its own, connected with what the person does before the consent. */
async function connect(t, { serverUrl }, name, page, signIn) {
  const app = await McpApp.install(t, SDKS[1], product, serverUrl);
  app.name = name;
  await app.connect((url) => allow(page, url, signIn));
  assert.ok(await app.call("whoami"));
  return app;
}

async function allow(page, url, before) {
  await page.goto(url);
  await before();
  await decide(page, "Allow");
  await page.waitForURL(/^http:\/\/127\.0\.0\.1:/);
}

/** What the page of activity says of each attempt, the latest first. */
async function attemptsOf({ members: { owner: { page } }, project }) {
  await page.goto(`${project}/activity?show=all`);
  return page.locator("main details.group:has(> summary bdi)").evaluateAll((rows) => rows.map((row) => {
    const text = (selector) => row.querySelector(`summary ${selector}`)?.textContent.replace(/\s+/g, " ").trim();
    return [text("bdi"), text(".w-44"), text("[data-why]")].filter(Boolean).join(": ");
  }));
}

/** Exports that pages offer give what happened. */
async function assertExports(context, { pages }) {
  const offered = {};
  for (const [url, { exports = [] }] of pages) {
    for (const { action, fields, formats } of exports) {
      const target = new URL(action, url);
      for (const format of formats) offered[`${target.pathname.split("/").slice(3).join("/")} ${format}`.trim()] ??= { target, form: { ...fields, format } };
    }
  }
  assert.deepEqual(Object.keys(offered).sort(), ["audit/export csv", "audit/export jsonl", "billing/people"]);
  for (const [name, { target, form }] of Object.entries(offered)) {
    const response = await context.request.post(target.href, { form, headers: { Origin: target.origin } });
    const text = await response.text();
    assert.equal(response.status(), 200, `${name}: ${text.slice(0, 300)}`);
    for (const what of name === "billing/people" ? ["ada."] : ["project.created", "brand.published", "grant.approved", "grant.refresh_reused", "project.suspended"]) {
      assert.ok(text.includes(what), `${name} has ${what}`);
    }
  }
}

/** The role's crawl keeps to the organization, the member's own pages and the site. */
function belongs(url, { projects }) {
  const organization = new URL(projects).pathname.replace(/projects$/, "");
  return !url.pathname.startsWith("/t/") && (url.pathname.startsWith(organization) || !/^\/dashboard\/[0-9a-f-]{36}\//.test(url.pathname));
}
