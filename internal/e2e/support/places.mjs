// Where things are.
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** The repository. */
export const root = fileURLToPath(new URL("../../../", import.meta.url));

/** This suite's folder. */
export const suite = fileURLToPath(new URL("../", import.meta.url));

/** A folder for what a run leaves behind: screenshots, logs, programs. It is not part of the repository. */
export function results(...names) {
  const folder = join(suite, "results", ...names);
  mkdirSync(folder, { recursive: true });
  return folder;
}

/** The browser: MCPAUTH_BROWSER, else the first one found. */
export function browserPath() {
  const known = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
  const path = process.env.MCPAUTH_BROWSER || known.find(existsSync);
  if (!path) throw new Error("Chromium is missing: install it, or set MCPAUTH_BROWSER to the path of a Chromium or Chrome");
  return path;
}

/** A Node.js of at least version 22, which the conformance suite needs: this one, else the installed package of this platform. */
export function newerNode() {
  if (Number.parseInt(process.versions.node, 10) >= 22) return process.execPath;
  const platform = `${process.platform}-${process.arch}`;
  const path = [`node-${platform}`, `node-bin-${platform}`].map((name) => join(suite, "node_modules", name, "bin/node")).find(existsSync);
  if (!path) throw new Error(`Node.js 22 is missing for ${platform}: run the suite with Node.js 22 or newer`);
  return path;
}
