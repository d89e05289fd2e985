// Local verification of access tokens: the key decides the algorithm, and every claim that matters is compared.
import assert from "node:assert/strict";
import { createHmac, generateKeyPairSync, sign } from "node:crypto";
import { createRequire } from "node:module";
import { test } from "node:test";

const require = createRequire(import.meta.url);
const { readKeySet, verifyToken } = require("../dist/jwt.js");

const NOW = 1_700_000_000;
const expected = { issuers: ["https://demo.example", "https://alias.example"], resource: "https://tools.example/mcp" };
const pairs = {
  ES256: generateKeyPairSync("ec", { namedCurve: "P-256" }),
  EdDSA: generateKeyPairSync("ed25519"),
  RS256: generateKeyPairSync("rsa", { modulusLength: 2048 }),
};
const published = Object.entries(pairs).map(([alg, { publicKey }]) => ({ ...publicKey.export({ format: "jwk" }), kid: alg, alg, use: "sig" }));
const keys = readKeySet({ keys: published });
const claims = { iss: "https://demo.example", aud: expected.resource, exp: NOW + 60, sid: "grant-1", client_id: "client-1", sub: "ada", scope: "mcp:tools" };
const encode = (value) => Buffer.from(typeof value === "string" ? value : JSON.stringify(value)).toString("base64url");

function token({ alg = "ES256", header = {}, body = {}, signer } = {}) {
  const input = `${encode({ typ: "at+jwt", alg, kid: alg, ...header })}.${encode({ ...claims, ...body })}`;
  const key = pairs[alg]?.privateKey;
  const make = signer ?? ((text) => sign(alg === "EdDSA" ? null : "sha256", Buffer.from(text), alg === "ES256" ? { key, dsaEncoding: "ieee-p1363" } : key));
  return `${input}.${make(input).toString("base64url")}`;
}

const check = (text, set = keys) => verifyToken(text, set, expected, NOW * 1000);

test("tokens of every algorithm, issuer alias and tolerated time are verified", () => {
  for (const given of [
    {}, { alg: "EdDSA" }, { alg: "RS256" }, { body: { iss: "https://alias.example" } }, { body: { aud: [expected.resource] } },
    { header: { typ: "application/at+jwt" } }, { body: { exp: NOW - 29 } }, { body: { nbf: NOW + 30 } },
  ]) {
    const answer = check(token(given));
    assert.equal(answer.kind, "verified", JSON.stringify([given, answer]));
    assert.equal(answer.claims.sid, "grant-1");
  }
});

test("the published key cannot be used with another algorithm", () => {
  const pem = pairs.RS256.publicKey.export({ type: "spki", format: "pem" });
  const hmac = (text) => createHmac("sha256", pem).update(text).digest();
  for (const kid of ["ES256", "EdDSA", "RS256"]) {
    assert.match(check(token({ header: { alg: "HS256", kid }, signer: hmac })).reason, /wrong algorithm/);
    for (const alg of ["none", "None", "", undefined]) {
      assert.match(check(token({ header: { alg, kid }, signer: () => Buffer.from("x") })).reason, /wrong algorithm/);
    }
  }
  assert.match(check(token({ alg: "RS256", header: { kid: "ES256" } })).reason, /wrong algorithm/);
  assert.match(check(token().replace(/[^.]+$/, "")).reason, /malformed/);
});

test("wrong type, issuer, audience, time and signature are refused", () => {
  const cases = [
    [{ header: { typ: "JWT" } }, /not an access token/],
    [{ header: { typ: undefined } }, /not an access token/],
    [{ header: { crit: ["b64"], b64: false } }, /malformed/],
    [{ body: { iss: "https://demo.example/" } }, /another issuer/],
    [{ body: { iss: undefined } }, /another issuer/],
    [{ body: { aud: "https://tools.example/mcp/" } }, /another server/],
    [{ body: { aud: [expected.resource, "https://other.example"] } }, /another server/],
    [{ body: { aud: [] } }, /another server/],
    [{ body: { exp: NOW - 30 } }, /expired/],
    [{ body: { exp: String(NOW + 60) } }, /expired/],
    [{ body: { nbf: NOW + 31 } }, /not valid yet/],
    [{ body: { sid: undefined } }, /no sid/],
    [{ body: { client_id: "" } }, /no client_id/],
    [{ signer: () => Buffer.alloc(64) }, /signature/],
  ];
  for (const [given, reason] of cases) {
    const answer = check(token(given));
    assert.equal(answer.kind, "bad", JSON.stringify(given));
    assert.match(answer.reason, reason);
  }
  for (const text of ["", "opaque", "a.b", "a.b.c", "....", `${token()}.x`, `${encode("[]")}.e30.eA`]) assert.equal(check(text).kind, "bad", text);
});

test("a key that is not published is left to the issuer", () => {
  for (const kid of ["new", undefined, 7, "__proto__"]) assert.equal(check(token({ header: { kid } })).kind, "unknown-key");
});

test("only public signing keys of a known kind are taken from the set, and no more than fifty", () => {
  const [ec] = published;
  const small = generateKeyPairSync("rsa", { modulusLength: 1024 }).publicKey.export({ format: "jwk" });
  const p384 = generateKeyPairSync("ec", { namedCurve: "P-384" }).publicKey.export({ format: "jwk" });
  for (const jwk of [
    null, "key", [], { ...ec, kid: undefined }, { ...ec, kid: "" }, { ...ec, use: "enc" }, { ...ec, alg: "HS256" }, { ...ec, x: "AA" },
    { ...pairs.ES256.privateKey.export({ format: "jwk" }), kid: "private" }, { kty: "oct", k: "c2VjcmV0", kid: "oct" }, { ...small, kid: "small" }, { ...p384, kid: "p384" },
  ]) assert.equal(readKeySet({ keys: [jwk] }).size, 0, JSON.stringify(jwk));
  assert.equal(readKeySet({ keys: [ec, { ...published[1], kid: ec.kid }] }).size, 0, "a key id used twice says nothing");
  assert.equal(readKeySet({ keys: Array.from({ length: 80 }, (_, n) => ({ ...ec, kid: `k${n}` })) }).size, 50);
  assert.equal(readKeySet({}).size, 0);
});
