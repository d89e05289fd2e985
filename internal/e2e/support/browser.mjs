// The browser, and a check that every page keeps to its own content security policy.
import assert from "node:assert/strict";
import { chromium } from "playwright-core";
import { browserPath } from "./places.mjs";

const ACTION_TIMEOUT = 15_000; // milliseconds; for what waits on a server that hashes passwords on a busy machine

/** Starts the browser. Nothing of it calls home. */
export function launchBrowser() {
  const asRoot = process.getuid?.() === 0 ? ["--no-sandbox"] : [];
  return chromium.launch({
    executablePath: browserPath(), headless: true,
    args: [
      ...asRoot, "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update",
      "--disable-sync", "--disable-dev-shm-usage",
    ],
  });
}

/** A browser profile of its own, for the time of a test. `complaints` collects what the browser had to object to in our pages. */
export async function newProfile(t, browser, options = {}) {
  const context = await browser.newContext({ reducedMotion: "reduce", ...options });
  t.after(() => context.close());
  context.setDefaultTimeout(ACTION_TIMEOUT);
  const complaints = [];
  context.on("console", (message) => {
    if (/content security policy|refused to/i.test(message.text())) complaints.push(message.text());
  });
  context.on("weberror", (error) => complaints.push(String(error.error())));
  return { context, complaints, page: await context.newPage() };
}

/** Requires that the browser had nothing to object to. */
export function assertNoComplaints(complaints) {
  assert.deepEqual(complaints, [], "the pages run no script of others and break no policy of their own");
}
