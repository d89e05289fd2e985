// Renders every page to contact sheets: on a desktop and on a phone, in light and in dark; those at an issuer in three brands, of which one
// is ours. `make sheets`; ARGS="project brand" takes only pages whose names begin so, fewer on each sheet.
import { join } from "node:path";
import { launchBrowser } from "./support/browser.mjs";
import { results } from "./support/places.mjs";
import { servePreview } from "./support/preview.mjs";

const wanted = process.argv.slice(2);
const PER_SHEET = wanted.length > 0 ? 3 : 6;
const SIZES = { phone: { width: 390, height: 844 }, desktop: { width: 1120, height: 860 } };

const preview = await servePreview();
const names = preview.names.filter((name) => wanted.length === 0 || wanted.some((start) => name.startsWith(start)));
const browser = await launchBrowser();
try {
  for (const [size, viewport] of Object.entries(SIZES)) {
    for (const colorScheme of ["light", "dark"]) {
      for (const brand of ["", ...preview.brands]) await sheetsOf(size, viewport, colorScheme, brand);
    }
  }
} finally {
  await browser.close();
  preview.close();
}

async function sheetsOf(size, viewport, colorScheme, brand) {
  const context = await browser.newContext({ viewport, colorScheme, reducedMotion: "reduce" });
  const page = await context.newPage();
  const shots = [];
  for (const name of names) {
    await page.goto(`${preview.origin}/${name}.html?brand=${brand}`);
    if (brand && (await page.locator('link[href*="flow."]').count()) === 0) continue; // no page of an issuer
    await page.evaluate(() => document.fonts.ready);
    shots.push({ name, image: (await page.screenshot({ fullPage: true })).toString("base64") });
  }
  for (let i = 0; i < shots.length; i += PER_SHEET) {
    const file = join(results("sheets"), `${[size, colorScheme, brand].filter(Boolean).join("-")}-${1 + i / PER_SHEET}.png`);
    await compose(context, shots.slice(i, i + PER_SHEET), file);
    console.log(file);
  }
  await context.close();
}

async function compose(context, shots, file) {
  const sheet = await context.newPage();
  await sheet.setViewportSize({ width: 1800, height: 100 });
  const figures = shots.map(({ name, image }) => `<figure><figcaption>${name}</figcaption><img src="data:image/png;base64,${image}"></figure>`);
  await sheet.setContent(`<style>body{margin:16px;display:grid;grid-template-columns:repeat(${PER_SHEET},1fr);gap:16px;background:#777;font:14px sans-serif}
    figure{margin:0}img{width:100%;display:block}figcaption{padding:4px 0;color:#fff}</style>${figures.join("")}`);
  await sheet.screenshot({ path: file, fullPage: true });
  await sheet.close();
}
