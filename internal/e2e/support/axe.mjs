// What axe says of a page, in the looks that it is checked in.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const axe = readFileSync(fileURLToPath(import.meta.resolve("axe-core/axe.min.js")), "utf8");

// Whether all rules apply in every look (`make full`). Otherwise they do in the first one, and in the others those whose verdict depends
// on colours and sizes.
const everything = process.env.E2E_LOOKS === "all";
const RULES_OF_LOOKS = ["color-contrast", "link-in-text-block", "scrollable-region-focusable"];

/** Whether pictures are taken. */
export const pictures = everything;

/**
 * Shows a loaded page in each look, and returns what is wrong: what axe finds serious or critical, and whether it has to be scrolled
 * sideways. `then(name)` is called in each look.
 */
export async function problemsIn(page, looks, then = async () => {}) {
  const problems = [];
  for (const [i, { colorScheme, viewport }] of looks.entries()) {
    await page.emulateMedia({ colorScheme });
    await page.setViewportSize(viewport);
    const look = `${colorScheme}-${viewport.width}`;
    await then(look);
    problems.push(...(await problemsOf(page, i === 0 || everything)).map((text) => `${look}: ${text}`));
  }
  return problems;
}

/** What is wrong with a page as it is shown now. */
export async function problemsOf(page, allRules = true) {
  assert.equal(page.frames().length, 1, `${page.url()}: what is in a frame would not be looked at`);
  await page.evaluate(() => document.fonts.ready);
  const { needed, width } = await page.evaluate(() => ({ needed: document.documentElement.scrollWidth, width: document.documentElement.clientWidth }));
  if (!(await page.evaluate(() => Boolean(window.axe)))) await page.evaluate(axe);
  const problems = await page.evaluate(async (rules) => {
    const options = { resultTypes: ["violations"], ...(rules && { runOnly: { type: "rule", values: rules } }) };
    const { violations } = await window.axe.run(document, options);
    return violations.filter(({ impact }) => impact === "serious" || impact === "critical")
      .flatMap(({ id, impact, nodes }) => nodes.map((node) => `${impact} ${id}: ${node.target.join(" ")}: ${node.failureSummary}`));
  }, allRules ? undefined : RULES_OF_LOOKS);
  return needed > width ? [...problems, `needs ${needed} px and has ${width}`] : problems;
}
