import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** The package of what others wrote, each in one version. Programs that use it stand in it. */
export const STOCK: string = fileURLToPath(
	new URL("../../stock/", import.meta.url),
);

interface Manifest {
	readonly version: string;
	readonly dependencies: Readonly<Record<string, string>>;
}

const manifestIn = (folder: string): Manifest =>
	JSON.parse(readFileSync(`${STOCK}${folder}package.json`, "utf8"));

/** Which version of each package of stock/ runs, by its name. */
export function stockVersions(): Readonly<Record<string, string>> {
	return Object.fromEntries(
		Object.keys(manifestIn("").dependencies).map((name) => [
			name,
			manifestIn(`node_modules/${name}/`).version,
		]),
	);
}

/**
 * `false` when all of stock/ is installed in the versions that it names, else why the tests that
 * need it skip; under `CI=true` it throws instead.
 */
export function skipUnlessStock(): string | false {
	const missing = Object.entries(manifestIn("").dependencies).filter(
		([name, version]) =>
			!existsSync(`${STOCK}node_modules/${name}/package.json`) ||
			manifestIn(`node_modules/${name}/`).version !== version,
	);
	if (missing.length === 0) return false;
	const names = missing.map((each) => each.join("@")).join(", ");
	const message = `NO STOCK PACKAGES: ${names} missing; npm ci --prefix stock installs them`;
	if (process.env["CI"] === "true") throw new Error(message);
	return message;
}
