// Using a page by keyboard.
import assert from "node:assert/strict";

const MOST_KEYS = 40;

/** Presses Tab until the control with this name has the focus, and requires that the focus can be seen there. */
export async function pressTo(page, name) {
  for (let pressed = 0; pressed <= MOST_KEYS; pressed += 1) {
    const focused = await page.evaluate(describeFocus);
    if (focused?.name === name) {
      assert.ok(focused.visible, `the focus on "${name}" can be seen`);
      return;
    }
    await page.keyboard.press("Tab");
  }
  assert.fail(`"${name}" cannot be reached by keyboard`);
}

/** Runs in the page. */
function describeFocus() {
  const element = document.activeElement;
  if (!element || element === document.body) return undefined;
  const label = element.labels?.[0]?.textContent ?? element.getAttribute("aria-label") ?? element.innerText;
  const { outlineStyle, outlineWidth } = getComputedStyle(element);
  return { name: label.trim(), visible: outlineStyle !== "none" && Number.parseFloat(outlineWidth) >= 2 };
}
