// Every page in every state, rendered from samples (templates/samples_*_test.go) and served on a free port of this computer.
import { execFileSync } from "node:child_process";
import { readdirSync, rmSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { join } from "node:path";
import { results, root } from "./places.mjs";

const TYPES = { html: "text/html; charset=utf-8", css: "text/css", js: "text/javascript", svg: "image/svg+xml", woff2: "font/woff2", png: "image/png" };

/** Renders and serves the pages. `names` are those of the samples, `brands` those of the style sheets that `?brand=` lays over a page. */
export async function servePreview() {
  const folder = results("preview");
  rmSync(folder, { recursive: true, force: true });
  execFileSync("go", ["test", "./templates", "-count=1", "-run", "^TestPreview$"], {
    cwd: root, stdio: "inherit", env: { ...process.env, TEMPLATES_PREVIEW_DIR: folder },
  });
  const files = readdirSync(folder);
  const site = createServer((request, response) => answer(folder, new URL(request.url, "http://localhost"), response));
  await new Promise((listening) => site.listen(0, "127.0.0.1", listening));
  return {
    folder,
    origin: `http://127.0.0.1:${site.address().port}`,
    names: files.filter((name) => name.endsWith(".html")).map((name) => name.slice(0, -5)).sort(),
    brands: files.filter((name) => /^brand-.*\.css$/.test(name)).map((name) => name.slice("brand-".length, -".css".length)),
    close: () => site.close(),
  };
}

async function answer(folder, url, response) {
  const path = decodeURIComponent(url.pathname);
  try {
    let body = await readFile(join(folder, path));
    if (path.endsWith(".html")) {
      body = body.toString().replace(/<meta http-equiv="refresh"[^>]*>/, ""); // a page that leaves stays
      const brand = url.searchParams.get("brand");
      if (brand) body = body.replace("</head>", `<link rel="stylesheet" href="/brand-${brand}.css"></head>`);
    }
    response.writeHead(200, { "Content-Type": TYPES[path.split(".").pop()] ?? "application/octet-stream" }).end(body);
  } catch {
    response.writeHead(404).end();
  }
}
