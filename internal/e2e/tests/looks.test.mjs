// Every page in every state: nothing serious for axe in both colour schemes, usable at 360 px without scrolling sideways, and light.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { gzipSync } from "node:zlib";
import { problemsIn } from "../support/axe.mjs";
import { launchBrowser } from "../support/browser.mjs";
import { servePreview } from "../support/preview.mjs";

const LOOKS = [
  { colorScheme: "light", viewport: { width: 1280, height: 900 } },
  { colorScheme: "dark", viewport: { width: 360, height: 740 } },
];
const MOST_BYTES = 150_000; // of a page with everything it loads, as it is sent
const TABS = 2;

let preview;
let browser;
before(async () => {
  [preview, browser] = await Promise.all([servePreview(), launchBrowser()]);
});
after(async () => {
  await browser?.close();
  preview?.close();
});

test(`in ${LOOKS.map(({ colorScheme, viewport }) => `${colorScheme} with ${viewport.width} px`).join(" and ")} axe finds nothing serious, and nothing is cut off`, async () => {
  const context = await browser.newContext({ reducedMotion: "reduce" });
  const left = [...preview.names].filter((name) => !name.startsWith("mail-"));
  const problems = [];
  const work = async () => {
    const page = await context.newPage();
    for (let name = left.shift(); name; name = left.shift()) problems.push(...(await inspect(page, name)));
  };
  await Promise.all(Array.from({ length: TABS }, work));
  await context.close();
  assert.deepEqual(problems, []);
});

test("no page weighs more than 150 KB with everything it loads", () => {
  const heavy = preview.names.map((name) => ({ name, bytes: weight(name) })).filter(({ bytes }) => bytes > MOST_BYTES);
  assert.deepEqual(heavy, []);
});

async function inspect(page, name) {
  await page.goto(`${preview.origin}/${name}.html`);
  // What a frame shows is a sample of its own, and no script runs in it: axe would wait for its answer for ever.
  await page.evaluate(() => document.querySelectorAll("iframe").forEach((frame) => frame.remove()));
  return (await problemsIn(page, LOOKS)).map((text) => `${name} ${text}`);
}

/** The page itself, and what it names: style sheets and scripts as they are compressed, fonts as they are. */
function weight(name) {
  const html = readFileSync(join(preview.folder, `${name}.html`));
  const assets = new Set(html.toString().match(/\/static\/[a-z0-9.-]+/g));
  for (const path of [...assets].filter((path) => path.endsWith(".css"))) {
    const css = readFileSync(join(preview.folder, path)).toString();
    for (const [, font] of css.matchAll(/url\(([a-z0-9.-]+\.woff2)\)/g)) assets.add(`/static/${font}`);
  }
  const sizes = [...assets].map((path) => {
    const content = readFileSync(join(preview.folder, path));
    return path.endsWith(".woff2") ? content.length : gzipSync(content).length;
  });
  return sizes.reduce((sum, size) => sum + size, html.length);
}
