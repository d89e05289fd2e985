// Builds what the files of this suite share, before two of them run at a time: the product, and the SDK for TypeScript, which the guarded
// servers use as its users do: as an installed package.
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build } from "./product.mjs";

const cwd = fileURLToPath(new URL("../../../sdk/typescript", import.meta.url));
const installed = existsSync(`${cwd}/node_modules/.package-lock.json`);
for (const args of installed ? [["run", "build"]] : [["ci"], ["run", "build"]]) {
  execFileSync("npm", [...args, "--silent"], { cwd, stdio: "inherit" });
}
build("mcpauth", "./cmd/mcpauth");
