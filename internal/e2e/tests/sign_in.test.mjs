// Every way to sign in with its real peer: Chromium's virtual authenticator, an OpenID Connect provider, the samples of an own login;
// every kind of redirect; and the pages in brands that try to be hard to read.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import Provider from "oidc-provider";
import { assertNoComplaints, launchBrowser, newProfile } from "../support/browser.mjs";
import { freePort, serve, startCallback } from "../support/local_servers.mjs";
import { Inspection } from "../support/looks.mjs";
import { McpApp, SDKS } from "../support/mcp_client.mjs";
import { RawClient } from "../support/oauth.mjs";
import { decide, fillAccount, mailedCode, onConsent, signUp, stranger } from "../support/person.mjs";
import { root } from "../support/places.mjs";
import { build, startProduct } from "../support/product.mjs";

const PAGE_MAX = 60 << 10; // bytes, everything that a page loads

let product;
let browser;
before(async () => {
  [product, browser] = await Promise.all([startProduct(), launchBrowser()]);
});
after(async () => {
  await browser?.close();
  await product?.stopAndCheck();
});

test("a stranger signs up, makes a passkey, consents, and the MCP client has a token; next time the passkey is enough (catalogue 126)", async (t) => {
  await product.project("sign-in", ["passkey", "password", "email_code", "totp"]);
  const { page, context, complaints } = await newProfile(t, browser);
  const devtools = await context.newCDPSession(page);
  await devtools.send("WebAuthn.enable");
  await devtools.send("WebAuthn.addVirtualAuthenticator", {
    options: { protocol: "ctap2", transport: "internal", hasResidentKey: true, hasUserVerification: true, isUserVerified: true, automaticPresenceSimulation: true },
  });
  const inspection = new Inspection(page);
  const ada = stranger(product.canaries);
  const [sdk] = SDKS;
  const app = await McpApp.install(t, sdk, product, product.dev.mcp_server_url);
  await app.connect(async (url) => {
    await page.goto(url);
    await page.getByRole("button", { name: "Sign in with a passkey" }).waitFor();
    await page.getByRole("button", { name: "Create an account" }).click();
    await fillAccount(page, ada, "Create account");
    await page.getByLabel("Code").fill(await mailedCode(context, product, ada.email));
    await page.getByRole("button", { name: "Continue" }).click();
    await page.getByRole("heading", { name: "Sign in faster next time" }).waitFor();
    await inspection.see("offer-passkey");
    await page.getByRole("button", { name: "Create a passkey" }).click();
    await onConsent(page, ada.email);
    await decide(page, "Allow");
    await page.waitForURL(/^http:\/\/127\.0\.0\.1:/);
  });
  assert.ok((await app.call("whoami")).startsWith(`Hello ${ada.email}.`));

  await context.clearCookies();
  const again = await RawClient.register(product, product.dev.issuer, "https://client.example/callback", "Another client");
  await page.goto(again.authorize().url);
  await page.getByRole("button", { name: "Sign in with a passkey" }).click();
  await onConsent(page, ada.email);
  await page.goto(`${product.dev.issuer}/account`);
  await page.getByRole("heading", { name: "Passkeys" }).waitFor();
  await inspection.see("account-with-passkey");
  await page.getByRole("button", { name: "Set up two-step sign-in" }).click();
  await page.getByRole("img", { name: /QR code/ }).waitFor();
  await inspection.see("two-step");
  await page.goto(`${product.dev.issuer}/account`);
  await page.getByRole("button", { name: /^Remove/ }).click();
  await page.getByText("does not work here any more").waitFor();
  await context.clearCookies();
  await page.goto(again.authorize().url);
  await page.getByRole("button", { name: "Sign in with a passkey" }).click();
  await page.getByText("This passkey was not accepted").waitFor();

  const plain = await newProfile(t, browser, { javaScriptEnabled: false }); // without a script there is no button that does nothing
  await plain.page.goto(again.authorize().url);
  assert.equal(await plain.page.getByRole("button", { name: "Sign in with a passkey" }).isVisible(), false);
  inspection.finish(["offer-passkey", "account-with-passkey", "two-step"]);
  assertNoComplaints(complaints);
});

test("an account at an OpenID Connect provider signs in, and consent is asked for all the same (catalogue 118, 143)", async (t) => {
  const port = await freePort();
  const issuer = `http://localhost:${port}`;
  const secret = crypto.randomUUID();
  const provider = new Provider(issuer, {
    clients: [{ client_id: "mcpauth", client_secret: secret, redirect_uris: [`${product.dev.issuer}/oauth/sign-in/upstream/callback`] }],
    claims: { openid: ["sub"], email: ["email", "email_verified"] },
    conformIdTokenClaims: false,
    pkce: { required: () => true },
    findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id, email: `${id}@upstream.example`, email_verified: !id.startsWith("unverified") }) }),
  });
  const server = createServer(provider.callback()).listen(port, "localhost");
  await once(server, "listening");
  t.after(() => (server.closeAllConnections(), server.close()));
  await product.project("provider", ["--kind", "oidc", "--name", "Upstream", "--issuer", issuer, "--client-id", "mcpauth"], secret);
  await product.project("sign-in", ["password", "email_code", "upstream"]);

  for (const [login, expected] of [["grace", "consent"], ["unverified", "refused"], ["grace", "consent"]]) {
    const { page } = await newProfile(t, browser);
    const callback = await startCallback(t);
    const app = await RawClient.register(product, product.dev.issuer, callback.url, "Upstream test");
    await page.goto(app.authorize().url);
    await page.getByRole("button", { name: "Continue with Upstream" }).click();
    await page.waitForURL((url) => url.port === String(port)); // the page that leaves goes by itself
    await page.locator("input[name=login]").fill(login);
    await page.locator("input[name=password]").fill("any");
    await page.getByRole("button", { name: "Sign-in" }).click();
    await page.getByRole("button", { name: "Continue" }).click();
    if (expected === "refused") {
      await page.getByText("does not vouch for your e-mail address").waitFor();
      continue;
    }
    await onConsent(page, `${login}@upstream.example`);
    assert.doesNotMatch(page.url(), /code=/); // 138
    await decide(page, "Allow");
    assert.ok((await callback.arrival()).get("code"));
  }
});

test("the simulator of an own login signs in whoever is typed, and says what is wrong", async (t) => {
  const { page, complaints } = await newProfile(t, browser);
  const inspection = new Inspection(page);
  const callback = await startCallback(t);
  const app = await RawClient.register(product, product.dev.issuer, callback.url, "Simulator test");
  await product.project("sign-in", ["password", "own"]);
  await page.goto(app.authorize().url);
  await page.getByRole("button", { name: "Continue with your own site (simulator)" }).click();
  await page.getByRole("heading", { name: "Who is signed in at your site?" }).waitFor();
  await inspection.see("dev-login");
  await page.getByLabel("Your id of the person").fill(`u-${"x".repeat(300)}`);
  await page.getByRole("button", { name: "Hand over" }).click();
  await page.getByText("Expected your own, unchanging id of the person").waitFor();
  await page.getByLabel("Your id of the person").fill("u-7");
  await page.getByLabel("E-mail address").fill("ada@own.example");
  await page.getByRole("button", { name: "Hand over" }).click();
  await onConsent(page, "ada@own.example");
  await page.getByLabel("Acts for").selectOption("Yale");
  await decide(page, "Allow");
  assert.ok((await callback.arrival()).get("code"));
  inspection.finish(["dev-login"]);
  assertNoComplaints(complaints);
});

test("the samples of an own login hand over who is signed in", async (t) => {
  const secretOf = async (port) => product.canaries.note("secret of an own login", await product.project("own-login", ["--name", "Acme", "--url", `http://localhost:${port}/login`]));
  const samples = join(root, "samples", "own-login");
  await product.project("sign-in", ["password", "own"]);
  for (const [name, program, args] of [
    ["Node", process.execPath, [join(samples, "node.mjs")]], ["Python", "python3", [join(samples, "python.py")]], ["Go", build("own-login", "./samples/own-login/go"), []],
  ]) {
    await t.test(name, async (t) => {
      const port = await freePort();
      const sample = spawn(program, [...args, String(port)], {
        env: { PATH: process.env.PATH, MCPAUTH_LOGIN_SECRET: await secretOf(port), MCPAUTH_ISSUERS: product.dev.issuer }, stdio: "inherit",
      });
      t.after(() => sample.kill());
      await listening(port);
      const { page } = await newProfile(t, browser);
      const callback = await startCallback(t);
      const app = await RawClient.register(product, product.dev.issuer, callback.url, "Own login test");
      await page.goto(app.authorize().url);
      await page.getByRole("button", { name: "Continue with Acme" }).click();
      await onConsent(page, "grace@acme.example");
      assert.equal(await page.locator(".acts").innerText(), "Acts for Navy");
      await decide(page, "Allow");
      assert.ok((await callback.arrival()).get("code"));
    });
  }
});

test("people come back to https, to loopback by name and by both families, and to a private-use scheme (A15, P4, catalogue 154)", async (t) => {
  await product.project("sign-in", ["password", "email_code"]);
  const { context, complaints } = await newProfile(t, browser);
  const ada = stranger(product.canaries);
  await context.route("https://client.example/**", (route) => route.fulfill({ status: 200, contentType: "text/plain", body: "Back in the app." }));
  const local = async (host) => (await serve(t, (_, response) => response.end("Back in the app."), { host })).port;
  const redirects = [
    "https://client.example/callback", `http://localhost:${await local("localhost")}/callback`, `http://127.0.0.1:${await local("127.0.0.1")}/callback`,
    `http://[::1]:${await local("::1")}/callback`, "cursor://anysphere.cursor-mcp/oauth/callback",
  ];
  for (const [i, redirect] of redirects.entries()) {
    for (const decision of ["Deny", "Allow"]) {
      const app = await RawClient.register(product, product.dev.issuer, redirect, "Redirect test");
      const page = await context.newPage(); // the browser's question whether to open an app belongs to a tab
      await page.goto(app.authorize().url);
      if (i === 0 && decision === "Deny") await signUp(page, product, ada);
      else await onConsent(page, ada.email);
      await decide(page, decision);
      const carries = (url) => url.startsWith(`${redirect}?`) && new URL(url).searchParams.has(decision === "Deny" ? "error" : "code");
      if (redirect.startsWith("cursor:")) {
        assert.ok(carries(await page.locator("#continue").getAttribute("href")));
      } else {
        await page.waitForURL((url) => carries(url.href));
      }
      await page.close();
    }
  }
  assertNoComplaints(complaints);
});

const BRANDS = {
  white: { accent: "#ffffff", page: "#ffffff", page_dark: "#ffffff", radius: 0, font: "serif" },
  black: { accent: "#000000", page: "#000000", page_dark: "#000000", radius: 24, font: "mono" },
  yellow: { accent: "#ffff00", page: "#fff200", page_dark: "#333300", radius: 24, font: "rounded", title: "W".repeat(60), text: "Lorem ipsum dolor ".repeat(13).trim() },
  grey: { accent: "#777777", page: "#767676", page_dark: "#7f7f7f", radius: 2, font: "geometric" },
  card: { accent: "#13161d", page: "#ff00ff", page_dark: "#00ffff", radius: 12, font: "slab", support_url: "mailto:help@acme.example", terms_url: "https://acme.example/t", privacy_url: "https://acme.example/p" },
};

test("in brands that try to be hard to read everything can be read, nothing is hidden, and pages stay light (catalogue 149 to 152)", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "mcpauth-brands-"));
  t.after(() => rm(folder, { recursive: true }));
  const picture = join(folder, "logo.png");
  const { page, context, complaints } = await newProfile(t, browser);
  await page.setContent(`<canvas width=640 height=200></canvas>`);
  const drawn = await page.locator("canvas").evaluate((canvas) => {
    const pen = canvas.getContext("2d");
    for (let x = 0; x < 640; x += 4) for (let y = 0; y < 200; y += 4) (pen.fillStyle = `hsl(${x * y} 80% 50%)`, pen.fillRect(x, y, 4, 4));
    return canvas.toDataURL("image/png").split(",")[1];
  });
  await writeFile(picture, Buffer.from(drawn, "base64"));
  const ada = stranger(product.canaries);
  const inspection = new Inspection(page);
  const seen = [];
  const origins = new Set();
  page.on("request", (request) => origins.add(new URL(request.url()).origin));
  const web = await RawClient.register(product, product.dev.issuer, "https://evil.example/callback", "Claude");
  let signedUp = false;
  for (const [name, brand] of Object.entries(BRANDS)) {
    const file = join(folder, `${name}.json`);
    await writeFile(file, JSON.stringify(brand));
    await product.project("brand", ["--file", file, "--logo", picture]);
    const see = async (what) => {
      seen.push(`brand-${name}-${what}`);
      await inspection.see(`brand-${name}-${what}`);
    };
    await context.clearCookies();
    await shown(page, web.authorize().url, brand);
    assert.ok((await weight(page)) < PAGE_MAX, `${await weight(page)} bytes`);
    await see("sign-in");
    if (signedUp) await fillAccount(page, ada, "Sign in");
    else await signUp(page, product, ada);
    signedUp = true;
    await onConsent(page, ada.email);
    assert.match(await page.locator(".warning").first().innerText(), /belongs to evil\.example/);
    for (const button of ["Deny", "Allow"]) assert.ok(await page.getByRole("button", { name: button, exact: true }).isVisible());
    const [deny, allow] = await Promise.all(["Deny", "Allow"].map((button) => page.getByRole("button", { name: button, exact: true }).boundingBox()));
    assert.deepEqual([deny.width, deny.height], [allow.width, allow.height]);
    await see("consent");
    await page.goto(web.authorize({ scope: "no:such" }).url);
    await see("message");
    await page.goto(`${product.dev.issuer}/account`);
    assert.ok((await weight(page)) < PAGE_MAX);
    await see("account");
  }
  origins.delete("null");
  assert.deepEqual([...origins], [new URL(product.dev.issuer).origin], "nothing is loaded from elsewhere");
  await product.project("brand", ["--show", "0"]);
  inspection.finish(seen);
  assertNoComplaints(complaints);
});

/** Loads a page until it has the brand: nodes learn of it within a moment. */
async function shown(page, url, brand) {
  for (let i = 0; i < 50; i += 1) {
    await page.goto(url);
    const styles = await page.locator('link[href*="/oauth/brand/"]').getAttribute("href", { timeout: 500 }).catch(() => undefined);
    if (styles && (await (await page.request.get(styles)).text()).includes(`--radius:${brand.radius}px`)) return;
    await pause(100);
  }
  assert.fail("the brand is not shown");
}

/** What a page and everything on it weigh, in bytes before compression. */
async function weight(page) {
  const html = Buffer.byteLength(await page.content());
  const files = await page.evaluate(() => performance.getEntriesByType("resource").map((entry) => entry.name));
  const sizes = await Promise.all(files.map(async (file) => (await (await page.request.get(file)).body()).length));
  return sizes.reduce((sum, size) => sum + size, html);
}

/** Waits until a program listens. */
async function listening(port) {
  for (let i = 0; i < 100; i += 1) {
    if (await fetch(`http://localhost:${port}/`).then(() => true, () => false)) return;
    await pause(100);
  }
  assert.fail("the sample does not listen");
}
