// The main job, end to end: a stranger in a browser and real MCP clients get through, and nobody else does.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { mcpAuth } from "mcpAuth";
import { assertNoComplaints, launchBrowser, newProfile } from "../support/browser.mjs";
import { createProject, signInMember } from "../support/developer.mjs";
import { startExpress } from "../support/express_server.mjs";
import { GoClient } from "../support/go_client.mjs";
import { freePort, startCallback } from "../support/local_servers.mjs";
import { McpApp, SDKS } from "../support/mcp_client.mjs";
import { assertRefused, assertTokens, callWith, RawClient } from "../support/oauth.mjs";
import { decide, onConsent, signIn, signUp, stranger } from "../support/person.mjs";
import { startProduct } from "../support/product.mjs";

const DEMO_TOOLS = ["add_note", "list_notes", "whoami"];

let product;
let browser;
before(async () => {
  [product, browser] = await Promise.all([startProduct(), launchBrowser()]);
});
after(async () => {
  await browser?.close();
  await product?.stopAndCheck();
});

test("a developer guards an Express server with one line, and real clients get through", async (t) => {
  const port = await freePort();
  const serverUrl = `http://localhost:${port}/mcp`;
  const project = await newProject(t, "Harbour Tools", serverUrl);
  process.env.MCPAUTH_SECRET = project.secret;
  let server = await startExpress(t, port, (app) => {
    app.use("/mcp", mcpAuth({ registrationSecret: process.env.MCPAUTH_SECRET }));
  });
  const ada = stranger(product.canaries);
  const { page, complaints } = await newProfile(t, browser);

  const apps = [];
  for (const sdk of SDKS) {
    await t.test(`${sdk.name}: signs up or is signed in, consents, lists and calls a tool`, async () => {
      const app = await McpApp.install(t, sdk, product, serverUrl);
      const first = apps.length === 0;
      await app.connect(async (url) => {
        assert.ok(url.startsWith(`${project.issuer}/oauth/authorize?`), "the SDK found the project's issuer"); // C1, R1..R4
        assert.equal(new URL(url).searchParams.get("resource"), serverUrl); // C3
        await page.goto(url);
        await (first ? signUp(page, product, ada) : onConsent(page, ada.email)); // consent is asked for anew for another client (A20)
        assert.equal((await page.locator("h1").innerText()).replace(/\s+/g, " "), `${sdk.name} wants to use Harbour Tools`); // A19
        await decide(page, "Allow");
        await page.waitForURL(/^http:\/\/127\.0\.0\.1:/);
      });
      assert.deepEqual(await app.tools(), ["whoami"]);
      assert.equal(await app.call("whoami"), ada.email);
      apps.push(app);
    });
  }
  assertNoComplaints(complaints);

  await t.test("mcpauth doctor finds nothing to complain about, at both guards, and says of another address what differs", async () => {
    for (const url of [serverUrl, product.dev.mcp_server_url]) {
      const { status, report } = await product.doctor("--register", url);
      assert.deepEqual(report.steps.flatMap((step) => step.findings.map((finding) => [step.request, finding])), []);
      assert.ok(status === 0 && report.passed && report.steps.length >= 15);
    }
    const { status, report } = await product.doctor(`${serverUrl}/`);
    const differences = report.steps.flatMap((step) => step.findings.map((finding) => finding.difference));
    assert.ok(status === 1 && !report.passed && differences.some((text) => text.includes("trailing slash")), differences.join("\n"));
  });

  await t.test("without a token, with a foreign one or a broken one nobody gets through (R5, R7)", async () => {
    for (const token of ["x", `${apps[0].tokens.access_token.slice(0, -4)}AAAA`, project.secret]) {
      assert.equal((await callWith(serverUrl, token)).status, 401);
    }
    const { status } = await fetch(serverUrl, { method: "POST" });
    assert.equal(status, 401);
    assert.equal((await callWith(product.dev.mcp_server_url, apps[0].tokens.access_token)).status, 401, "a token works at its own server only");
  });

  await server.close();
  server = await startExpress(t, port, (app) => {
    app.use("/mcp", mcpAuth({ registrationSecret: process.env.MCPAUTH_SECRET, cacheSeconds: 0 }));
  });

  for (const app of apps) {
    await t.test(`${app.name}: refreshes; revoked, the next call is refused`, async () => {
      await app.refresh(); // A25
      assert.equal(await app.call("whoami"), ada.email);
      const client = new RawClient(product, await product.metadata(project.issuer), app.clientId, app.callback.url);
      const { access_token: accessToken, refresh_token: refreshToken } = app.tokens;
      assert.equal((await client.revoke(refreshToken)).status, 200); // RFC 7009
      const refused = await callWith(serverUrl, accessToken);
      assert.equal(refused.status, 401);
      assert.match(refused.challenge, /error="invalid_token"/);
      assertRefused(await client.refresh(refreshToken), "invalid_grant"); // A23
      await assert.rejects(app.call("whoami"), app.UnauthorizedError);
    });
  }

  const bystander = await grantWithoutSdk(t, page, project, serverUrl, ada);
  await t.test("a replayed code is refused and ends what it gave (catalogue 156)", async () => {
    const { client, code, request, tokens } = await grantWithoutSdk(t, page, project, serverUrl, ada);
    assert.equal((await callWith(serverUrl, tokens.access_token)).status, 200);
    assertRefused(await client.redeem(code, { verifier: `${request.verifier.slice(0, -4)}AAAA` }), "invalid_grant");
    assert.equal((await callWith(serverUrl, tokens.access_token)).status, 200, "a replay without the verifier changes nothing (catalogue 157)");
    assertRefused(await client.redeem(code, request), "invalid_grant");
    assert.equal((await callWith(serverUrl, tokens.access_token)).status, 401);
    assertRefused(await client.refresh(tokens.refresh_token), "invalid_grant");
  });

  await t.test("an old refresh token ends the grant; the last one is forgiven for a moment (P10, A25)", async () => {
    const { client, tokens: first } = await grantWithoutSdk(t, page, project, serverUrl, ada);
    const second = assertTokens(await client.refresh(first.refresh_token));
    const third = assertTokens(await client.refresh(second.refresh_token));
    const again = assertTokens(await client.refresh(second.refresh_token));
    assert.equal(again.refresh_token, third.refresh_token, "a lost answer is repeated: the same successor");
    assert.equal((await callWith(serverUrl, third.access_token)).status, 200);
    assertRefused(await client.refresh(first.refresh_token), "invalid_grant");
    assertRefused(await client.refresh(third.refresh_token), "invalid_grant");
    for (const { access_token: accessToken } of [first, third, again]) assert.equal((await callWith(serverUrl, accessToken)).status, 401);
  });
  assert.equal((await callWith(serverUrl, bystander.tokens.access_token)).status, 200, "other grants of the same person live on");
});

test("the go-sdk's client and both TypeScript clients step up at the guarded Go server (R8, C7)", async (t) => {
  const { dev } = product;
  const user = { email: dev.user_email, password: dev.user_password };
  const { page, complaints } = await newProfile(t, browser);
  const asked = [];
  const allow = async (url) => {
    asked.push(new URL(url).searchParams.get("scope").split(" ").filter((scope) => scope !== "offline_access").sort());
    await page.goto(url);
    if (await page.getByRole("heading", { name: "Sign in" }).isVisible()) await signIn(page, user);
    else await onConsent(page, user.email);
    await decide(page, "Allow");
    await page.waitForURL(/^http:\/\/(127\.0\.0\.1|localhost):\d+\/callback/);
    product.canaries.note("authorization code", new URL(page.url()).searchParams.get("code"));
  };
  const install = {
    "go-sdk": () => GoClient.connect(t, dev.mcp_server_url, allow),
    ...Object.fromEntries(SDKS.map((sdk) => [sdk.name, async () => {
      const keepsRefreshToken = sdk !== SDKS[0]; // the first generation refreshes where it should step up, and gives up (P20)
      const app = await McpApp.install(t, sdk, product, dev.mcp_server_url, { keepsRefreshToken });
      await app.connect(allow);
      return { tools: () => app.tools(), call: (tool, args) => app.call(tool, args, allow) };
    }])),
  };
  for (const [name, connect] of Object.entries(install)) {
    await t.test(name, async () => {
      asked.length = 0;
      const client = await connect();
      assert.deepEqual(await client.tools(), DEMO_TOOLS);
      assert.match(await client.call("whoami"), new RegExp(`^Hello ${user.email.replace(".", "\\.")}`));
      assert.deepEqual(asked, [["mcp:tools"]], "at first only what every call needs");
      await client.call("add_note", { text: `a note by ${name}` });
      assert.deepEqual(asked.slice(1), [["mcp:tools", "notes:write"]], "then one step up, with what was there before");
      assert.match(await client.call("list_notes"), new RegExp(`a note by ${name.replace(/[./]/g, "\\$&")}`));
      if (name !== "go-sdk") return;
      await client.refresh(); // A25
      await client.call("whoami");
      await client.revoke(); // RFC 7009
      await client.call("whoami");
      assert.deepEqual(asked.slice(2), [["mcp:tools", "notes:write"]], "a revoked approval is asked for anew");
    });
  }
  assertNoComplaints(complaints);
});

/** A developer signs in to the dashboard and creates a project there. */
async function newProject(t, name, serverUrl) {
  const { page, complaints, context } = await newProfile(t, browser);
  await signInMember(page, product);
  const project = await createProject(page, product, { name, serverUrl });
  assertNoComplaints(complaints);
  await context.close();
  return project;
}

/** A grant of a client that speaks the protocol itself, for a person who is signed in. */
async function grantWithoutSdk(t, page, project, resource, person) {
  const callback = await startCallback(t);
  const client = await RawClient.register(product, project.issuer, callback.url);
  const request = client.authorize({ resource, scope: "mcp:tools" });
  const tab = await page.context().newPage(); // a tab of its own: the one before may still be on its way back to its app
  await tab.goto(request.url);
  await onConsent(tab, person.email);
  const [returned] = await Promise.all([callback.arrival(), decide(tab, "Allow")]);
  await tab.close();
  const code = client.codeFrom(returned, request);
  return { client, code, request, tokens: assertTokens(await client.redeem(code, request)) };
}
