// A client that speaks the protocol itself, for what the SDKs' clients would never do.
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";

const random = () => randomBytes(32).toString("base64url");

/** One public client of one issuer. */
export class RawClient {
  constructor(product, metadata, clientId, redirectUri) {
    Object.assign(this, { product, metadata, clientId, redirectUri });
  }

  /** Registers (RFC 7591) with what native clients send. */
  static async register(product, issuer, redirectUri, name = "Raw client") {
    const metadata = await product.metadata(issuer);
    const response = await fetch(metadata.registration_endpoint, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({
        client_name: name, redirect_uris: [redirectUri], grant_types: ["authorization_code", "refresh_token"], response_types: ["code"],
        token_endpoint_auth_method: "none", application_type: "native",
      }),
    });
    const registered = await response.json();
    assert.equal(response.status, 201, JSON.stringify(registered));
    return new RawClient(product, metadata, registered.client_id, redirectUri);
  }

  /** A new authorization request. */
  authorize(parameters = {}) {
    const verifier = this.product.canaries.note("PKCE verifier", random());
    const state = random();
    const url = new URL(this.metadata.authorization_endpoint);
    url.search = new URLSearchParams({
      response_type: "code", client_id: this.clientId, redirect_uri: this.redirectUri, state, code_challenge_method: "S256",
      code_challenge: createHash("sha256").update(verifier).digest("base64url"), ...parameters,
    });
    return { url: url.href, state, verifier };
  }

  /** Checks what came back (A15, A16) and returns the code. */
  codeFrom(returned, { state }) {
    assert.deepEqual([...returned.keys()].sort(), ["code", "iss", "state"]);
    assert.equal(returned.get("state"), state);
    assert.equal(returned.get("iss"), this.metadata.issuer);
    return this.product.canaries.note("authorization code", returned.get("code"));
  }

  redeem(code, { verifier }) {
    return this.#post(this.metadata.token_endpoint, { grant_type: "authorization_code", code, code_verifier: verifier, redirect_uri: this.redirectUri });
  }

  refresh(refreshToken) {
    return this.#post(this.metadata.token_endpoint, { grant_type: "refresh_token", refresh_token: refreshToken });
  }

  revoke(token) {
    return this.#post(this.metadata.revocation_endpoint, { token });
  }

  async #post(endpoint, form) {
    const response = await fetch(endpoint, { method: "POST", body: new URLSearchParams({ ...form, client_id: this.clientId }) });
    const text = await response.text();
    const body = text === "" ? undefined : JSON.parse(text);
    this.product.canaries.noteTokens(body);
    return { status: response.status, headers: response.headers, body };
  }
}

/** Requires a token response (A21) and returns it. */
export function assertTokens({ status, headers, body }) {
  assert.equal(status, 200, `token endpoint: ${body?.error}`);
  assert.match(headers.get("cache-control"), /no-store/);
  assert.equal(body.token_type, "Bearer");
  assert.ok(body.access_token && body.refresh_token && body.expires_in > 0);
  return body;
}

/** Requires a refusal in OAuth's words (A22). */
export function assertRefused({ status, body }, error, expectedStatus = 400) {
  assert.deepEqual({ status, error: body?.error }, { status: expectedStatus, error });
}

/** Calls an MCP server with nothing but a token and returns the status of the answer. */
export async function callWith(serverUrl, accessToken) {
  const response = await fetch(serverUrl, {
    method: "POST",
    headers: { Authorization: `Bearer ${accessToken}`, "Content-Type": "application/json", Accept: "application/json, text/event-stream" },
    body: JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/list" }),
  });
  await response.arrayBuffer();
  return { status: response.status, challenge: response.headers.get("www-authenticate") };
}
