// How an answer differs from what a row of the contract expects, as sdk/go/contract_compare_test.go says it.
import assert from "node:assert/strict";

export const expandText = (text, vars) => text.replace(/\{([^{}"]+)\}/g, (whole, name) => vars[name] ?? whole);

/** Puts variables in place of {name} in every text of a value. */
export function expand(value, vars) {
  if (typeof value === "string") return expandText(value, vars);
  if (Array.isArray(value)) return value.map((one) => expand(one, vars));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, expand(one, vars)]));
}

/** The members of the one challenge without its description, which is there exactly when it has an error; null without a challenge. */
export function parseStrictly(values) {
  if (values === undefined) return null;
  assert.equal(values.length, 1, `got ${values}, want one challenge`);
  assert.match(values[0], /^Bearer (\w+="[^"\\]*")(, \w+="[^"\\]*")*$/);
  const { error_description: description, ...members } = Object.fromEntries([...values[0].matchAll(/(\w+)="([^"]*)"/g)].map(([, name, value]) => [name, value]));
  assert.equal(description !== undefined, members.error !== undefined, values[0]);
  return members;
}

const say = (got, want) => `got ${JSON.stringify(got)}, want ${JSON.stringify(want)}`;
const MATCHERS = {
  any: () => true,
  begins: (text, value) => text.startsWith(value),
  length: (text, value) => [...text].length === value,
  has: (text, parts) => parts.every((part) => text.toLowerCase().includes(part.toLowerCase())),
};

/** Says how a value is not what was expected, "" when it is. */
export function differs(want, got) {
  if (want === null) return got === null || got === undefined || got === "" ? "" : say(got, want);
  if (Array.isArray(want)) return differsList(want, got);
  if (typeof want !== "object") return want === got ? "" : say(got, want);
  const names = Object.keys(want);
  if (names.length > 0 && names.every((name) => name in MATCHERS)) {
    const there = got !== undefined && got !== null && got !== "";
    return there && names.every((name) => MATCHERS[name](String(got), want[name])) ? "" : say(got, want);
  }
  if (typeof got !== "object" || got === null) return say(got, want);
  if (want.status !== undefined && want.status !== got.status) return `status: ${say(got.status, want.status)}; answer ${JSON.stringify(got)}`;
  for (const [name, value] of Object.entries(want)) {
    const found = got[name] ?? got[name.toLowerCase()];
    if (name === "challenge") {
      const sorted = (members) => JSON.stringify(members && Object.entries(members).sort());
      if (sorted(value) !== sorted(found)) return `challenge: ${say(found, value)}`;
      continue;
    }
    const difference = differs(value, found);
    if (difference) return `${name}: ${difference}; answer ${JSON.stringify(got).slice(0, 600)}`;
  }
  return "";
}

/** Any order, nothing left over. */
function differsList(want, got) {
  const left = Array.isArray(got) ? [...got] : [];
  for (const one of want) {
    const at = left.findIndex((other) => differs(one, other) === "");
    if (at < 0) return say(got, want);
    left.splice(at, 1);
  }
  return left.length === 0 ? "" : say(got, want);
}
