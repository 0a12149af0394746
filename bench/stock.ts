import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** The package of what others wrote. */
export const STOCK: string = fileURLToPath(
	new URL("../stock/", import.meta.url),
);

/** Installs it where something of it is not there: nothing but some benches and tests needs it. */
export function installStock(): void {
	const { dependencies } = JSON.parse(
		readFileSync(`${STOCK}package.json`, "utf8"),
	);
	const isThere = (name: string) =>
		existsSync(`${STOCK}node_modules/${name}/package.json`);
	if (!Object.keys(dependencies).every(isThere))
		execFileSync("npm", ["ci", "--prefix", STOCK], { stdio: "ignore" });
}
