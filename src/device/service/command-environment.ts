import { agentStorePlace } from "../purse/index.ts";
import { modulesOf, type SecretPlaces, type Side } from "../side/index.ts";
import type { Environment } from "../trade/index.ts";

/**
 * What commands that make goods find of this process: they work on a stranger's text, and have no
 * variable in which a secret of any device of the side stands, or the address of the server that
 * the agent of `home` has its store in, which has a password. Throws `home-unusable`.
 */
export async function commandEnvironment(
	home: string,
	side: Pick<Side, "module" | "furtherModules" | "secrets"> | undefined,
	environment: Environment = process.env,
): Promise<Environment> {
	const places: readonly SecretPlaces[] =
		side === undefined
			? []
			: [side.secrets.agent, ...modulesOf(side).map(({ secrets }) => secrets)];
	return withoutVariables(environment, [
		...places.flatMap(({ passphrase, pin }) => [passphrase, pin]),
		await databaseOf(home),
	]);
}

async function databaseOf(home: string) {
	const place = await agentStorePlace(home);
	return place.kind === "postgres" ? place.database : undefined;
}

/** Without the variables of what stands in one. */
function withoutVariables(
	environment: Environment,
	places: readonly ({ readonly env: string } | object | undefined)[],
): Environment {
	const names = new Set(
		places.map((place) => place && "env" in place && place.env),
	);
	return Object.fromEntries(
		Object.entries(environment).filter(([name]) => !names.has(name)),
	);
}
