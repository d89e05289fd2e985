// Builds the SDK for TypeScript, which the guarded servers of this suite use as its users do: as an installed package.
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const cwd = fileURLToPath(new URL("../../../sdk/typescript", import.meta.url));
const installed = existsSync(`${cwd}/node_modules/.package-lock.json`);
for (const args of installed ? [["run", "build"]] : [["ci"], ["run", "build"]]) {
  execFileSync("npm", [...args, "--silent"], { cwd, stdio: "inherit" });
}
