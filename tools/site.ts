/*
 * Builds the site of the documents, into site/dist: `npm run site`. What it needs is a package of
 * its own, which is installed when it is not there; a link that leads nowhere ends the build.
 */
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const SITE = fileURLToPath(new URL("../site", import.meta.url));

const npm = (...args: readonly string[]): void => {
	execFileSync("npm", args, { cwd: SITE, stdio: "inherit" });
};

if (!existsSync(join(SITE, "node_modules", "vitepress")))
	npm("ci", "--no-fund", "--no-audit");
npm("run", "build");
