// Opens every page that a page leads to, as somebody who is signed in, and says what was found there.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "./places.mjs";

const MOST = 1_500; // addresses of one crawl: more means that pages lead to ever new ones

/**
 * Crawls one origin with the cookies of a browser profile, from some addresses on. `within(url)` says which addresses belong to the crawl.
 * Returns a map from address to what was there: status, where it was found, ids, red words and forms that export.
 */
export async function crawl(context, starts, within = () => true) {
  const { origin } = new URL(starts[0]);
  const reader = await context.newPage(); // takes apart what was fetched; no page is loaded in it
  const found = new Map(starts.map((url) => [new URL(url).href, { from: "the start" }]));
  const fragments = [];
  const add = (text, base, from) => {
    const url = URL.parse(text, base);
    if (!url || url.origin !== origin || !within(url)) return;
    if (url.hash.length > 1) fragments.push({ url: url.href, from });
    url.hash = "";
    if (!found.has(url.href)) found.set(url.href, { from });
    assert.ok(found.size < MOST, `pages lead to ever new addresses, such as ${url.href}`);
  };
  for (const [url, page] of found) {
    const response = await context.request.get(url, { maxRedirects: 0 });
    page.status = response.status();
    const headers = response.headers();
    if (headers.location) add(headers.location, url, url);
    if (!headers["content-type"]?.startsWith("text/html")) continue;
    const { links, ...rest } = await reader.evaluate(readPage, await response.text());
    Object.assign(page, rest);
    for (const link of links) add(link, url, url);
  }
  await reader.close();
  return { pages: found, broken: fragments.filter(({ url }) => !hasFragment(found, url)) };
}

/** What did not answer as a link should: with a page, or with the way to one. */
export function badAnswers({ pages, broken }) {
  return [
    ...[...pages].filter(([, { status }]) => status >= 400).map(([url, { status, from }]) => `${status} ${url}, linked at ${from}`),
    ...broken.map(({ url, from }) => `no such place ${url}, linked at ${from}`),
  ];
}

/** The red words of all pages, each with a page that has it. */
export function redWords({ pages }) {
  const words = new Map();
  for (const [url, { red = [] }] of pages) for (const word of red) words.set(word, words.get(word) ?? url);
  return words;
}

/** The dashboard's pages that a crawl did not come by, of those that dashboard/pages.go lists. */
export function neverOpened({ pages }) {
  const paths = Object.fromEntries([...source("paths.go").matchAll(/^\s*(path\w+)\s*=\s*(.+)$/gm)].map(([, name, value]) => [name, value.split(" //")[0]]));
  const pathOf = (name) => paths[name].split(" + ").map((part) => (part.startsWith('"') ? JSON.parse(part) : pathOf(part))).join("");
  const opened = [...pages.keys()].map((url) => new URL(url).pathname);
  const fixed = new Set([...source("pages.go").matchAll(/MethodGet, path: (path\w+)/g)].map(([, name]) => pathOf(name)));
  assert.ok(fixed.size > 50, "the table of pages was read");
  return [...fixed].filter((path) => {
    const pattern = new RegExp(`^${path.split("/").map((part) => (part.startsWith(":") ? "[^/]+" : part.replace(/[.]/g, "\\."))).join("/")}$`);
    return !opened.some((pathname) => pattern.test(pathname) && (fixed.has(pathname) ? pathname === path : true));
  });
}

function source(name) {
  return readFileSync(join(root, "dashboard", name), "utf8");
}

function hasFragment(pages, url) {
  const target = new URL(url);
  const fragment = decodeURIComponent(target.hash.slice(1));
  target.hash = "";
  return pages.get(target.href)?.ids?.includes(fragment);
}

/** Runs in the browser: takes a page apart. */
function readPage(html) {
  const page = new DOMParser().parseFromString(html, "text/html");
  const links = [];
  for (const element of page.querySelectorAll("*")) {
    if (element.matches("form, button, input")) continue;
    for (const { name, value } of element.attributes) {
      if (["href", "src"].includes(name) || (value.startsWith("/") && !name.startsWith("hx-post"))) links.push(value);
    }
  }
  for (const form of page.querySelectorAll('form:not([method="post"])')) links.push(form.getAttribute("action") ?? "");
  for (const act of page.querySelectorAll(".text-bad.group-open\\:hidden")) act.remove(); // a dangerous act is red, and nothing is wrong
  const red = [...page.querySelectorAll(".text-bad, .border-bad-line:not(form)")].filter((element) => !element.closest("[hidden]") && !element.querySelector(".text-bad")).map((element) => element.textContent.replace(/\s+/g, " ").trim());
  const exports = [...page.querySelectorAll('form[method="post"]')]
    .map((form) => ({
      action: form.getAttribute("action"),
      fields: Object.fromEntries([...form.querySelectorAll("input[type=hidden], select")].map((field) => [field.name, field.value])),
      formats: [...form.querySelectorAll("button[type=submit]")].map((button) => button.value),
    }))
    .filter(({ action }) => /\/(export|people)$/.test(action));
  return { links, red: red.filter(Boolean), exports, ids: [...page.querySelectorAll("[id], a[name]")].map((element) => element.id || element.name), title: page.title };
}
