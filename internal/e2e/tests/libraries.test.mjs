// Certified and strict OAuth client libraries, which know nothing of MCP, against the product.
import "../support/resolve_localhost.cjs";
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import * as oauth from "oauth4webapi";
import * as openid from "openid-client";
import { launchBrowser, newProfile } from "../support/browser.mjs";
import { serve, startCallback } from "../support/local_servers.mjs";
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

const native = (redirectUri) => ({
  client_name: "Library", redirect_uris: [redirectUri], grant_types: ["authorization_code", "refresh_token"], response_types: ["code"],
  token_endpoint_auth_method: "none", application_type: "native",
});

/** Sends a stranger through the flow and returns the address they come back to. */
async function visit(t, url, callback) {
  const { page } = await newProfile(t, browser);
  await page.goto(url.href);
  await signUp(page, product, stranger(product.canaries));
  const arrival = callback.arrival();
  await decide(page, "Allow");
  const returned = await arrival;
  product.canaries.note("authorization code", returned.get("code"));
  return new URL(`${callback.url}?${returned}`);
}

test("openid-client registers, redeems, refreshes and revokes (A2, A3, A15, A21, A25, A30)", async (t) => {
  const callback = await startCallback(t);
  const options = { algorithm: "oauth2", execute: [openid.allowInsecureRequests] }; // http on this computer
  const config = await openid.dynamicClientRegistration(new URL(product.dev.issuer), native(callback.url), openid.None(), options);
  await useOpenidClient(t, config, callback);
});

test("openid-client comes with a metadata document and without registration (A6, A42, A43, P19, P25)", async (t) => {
  const callback = await startCallback(t);
  let document;
  const site = await serve(t, (_, response) => response.writeHead(200, { "Content-Type": "application/json" }).end(JSON.stringify(document)), { host: "127.0.0.1" });
  document = { ...native(callback.url), client_id: `${site.origin}/client.json`, redirect_uris: ["http://127.0.0.1/callback"] }; // without port (P3)
  const config = await openid.discovery(new URL(product.dev.issuer), document.client_id, undefined, openid.None(),
    { algorithm: "oauth2", execute: [openid.allowInsecureRequests] });
  assert.equal(config.serverMetadata().client_id_metadata_document_supported, true);
  await useOpenidClient(t, config, callback, site.close);
});

/** Connects, and uses the connection after `connected`. */
async function useOpenidClient(t, config, callback, connected = () => {}) {
  const verifier = product.canaries.note("PKCE verifier", openid.randomPKCECodeVerifier());
  const state = openid.randomState();
  const url = openid.buildAuthorizationUrl(config, {
    redirect_uri: callback.url, scope: "mcp:tools offline_access", resource: product.dev.mcp_server_url, state, code_challenge_method: "S256",
    code_challenge: await openid.calculatePKCECodeChallenge(verifier),
  });
  const returned = await visit(t, url, callback);
  await connected();
  const tokens = await openid.authorizationCodeGrant(config, returned, { pkceCodeVerifier: verifier, expectedState: state },
    { resource: product.dev.mcp_server_url });
  product.canaries.noteTokens(tokens);
  const fresh = await openid.refreshTokenGrant(config, tokens.refresh_token, { resource: product.dev.mcp_server_url });
  product.canaries.noteTokens(fresh);
  assert.ok(fresh.access_token && fresh.refresh_token && fresh.refresh_token !== tokens.refresh_token);
  await openid.tokenRevocation(config, fresh.refresh_token);
  await assert.rejects(openid.refreshTokenGrant(config, fresh.refresh_token), (error) => error.error === "invalid_grant");
}

for (const [form, issuerOf] of Object.entries({ path: (dev) => dev.issuer, host: (dev) => dev.issuer_alias })) {
  test(`oauth4webapi discovers the ${form} form, gets RFC 9068 tokens, refreshes and revokes (A2, A3, A15, A16, A21, A27)`, async (t) => {
    const insecure = { [oauth.allowInsecureRequests]: true };
    const issuer = new URL(issuerOf(product.dev));
    const callback = await startCallback(t);
    const as = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, { algorithm: "oauth2", ...insecure }));
    const client = await oauth.processDynamicClientRegistrationResponse(
      await oauth.dynamicClientRegistrationRequest(as, native(callback.url), insecure));

    const verifier = product.canaries.note("PKCE verifier", oauth.generateRandomCodeVerifier());
    const state = oauth.generateRandomState();
    const url = new URL(as.authorization_endpoint);
    url.search = new URLSearchParams({
      response_type: "code", client_id: client.client_id, redirect_uri: callback.url, scope: "mcp:tools", state, resource: product.dev.mcp_server_url,
      code_challenge: await oauth.calculatePKCECodeChallenge(verifier), code_challenge_method: "S256",
    });
    const parameters = oauth.validateAuthResponse(as, client, await visit(t, url, callback), state);

    const tokens = await oauth.processAuthorizationCodeResponse(as, client, await oauth.authorizationCodeGrantRequest(
      as, client, oauth.None(), parameters, callback.url, verifier, insecure));
    product.canaries.noteTokens(tokens);
    const call = new Request(product.dev.mcp_server_url, { headers: { Authorization: `Bearer ${tokens.access_token}` } });
    const claims = await oauth.validateJwtAccessToken(as, call, product.dev.mcp_server_url, insecure);
    assert.equal(claims.client_id, client.client_id);

    const fresh = await oauth.processRefreshTokenResponse(as, client, await oauth.refreshTokenGrantRequest(
      as, client, oauth.None(), tokens.refresh_token, insecure));
    product.canaries.noteTokens(fresh);
    await oauth.processRevocationResponse(await oauth.revocationRequest(as, client, oauth.None(), fresh.access_token, insecure));
    const refused = await oauth.refreshTokenGrantRequest(as, client, oauth.None(), fresh.refresh_token, insecure);
    await assert.rejects(oauth.processRefreshTokenResponse(as, client, refused), (error) => error.error === "invalid_grant");
  });
}
