import { linkOf } from "../../cli/index.ts";
import type { SignatureAlgorithm } from "../../crypto/index.ts";
import {
	createHome,
	createHomeKey,
	type DevicePolicySettings,
} from "../../device/home/index.ts";
import { type DeviceRole, parseChain } from "../../identity/index.ts";
import type { SuiteName } from "../../session/index.ts";
import { PLACES, type Place } from "../../tetrad/index.ts";
import { placeSeenFrom } from "./custody.ts";
import type { KeyPlan, KeyRoom } from "./key-room.ts";
import type { StageAuthority } from "./stage-authority.ts";

/** What all devices of a stage have in common. */
export interface Recipe {
	readonly room: KeyRoom;
	readonly authorities: Readonly<Record<DeviceRole, StageAuthority>>;
	readonly algorithm: SignatureAlgorithm;
	readonly suite: SuiteName;
	/** Whether the keys are in tokens, and devices demand that of each other. */
	readonly inTokens: boolean;
}

type Demands = NonNullable<DevicePolicySettings["demands"]>;

/** Makes the home of one device, with its key where the plan says. */
export async function makeStageHome(
	{ authorities, algorithm, suite }: Recipe,
	{
		path,
		name,
		role,
		plan: { location, level },
		demands,
	}: {
		readonly path: string;
		readonly name: string;
		readonly role: DeviceRole;
		readonly plan: KeyPlan;
		readonly demands: Demands;
	},
): Promise<void> {
	const chain = await createHomeKey(path, location, algorithm, (key) =>
		authorities[role].certify(name, key, level),
	);
	await createHome(path, {
		role,
		name,
		key: location,
		certificates: parseChain(chain),
		agencies: [authorities.agent.root],
		banks: [authorities.module.root],
		policy: {
			accept: {
				suites: [suite],
				// The stage shows every choice, the unsafe ones included; a run asks for one of them.
				roots: ["transcript", "unsafe-xor"],
				links: [linkOf("paired"), linkOf("open")],
			},
			demands,
		},
	});
}

/** Keys at least in a token, of each of the other three. */
export function demandsOfTokens(place: Place): Demands {
	return Object.fromEntries(
		PLACES.filter((other) => other !== place).map((other) => [
			placeSeenFrom(place, other),
			{ tamperResistance: "token" as const },
		]),
	);
}
