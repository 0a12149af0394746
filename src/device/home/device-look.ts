import { join } from "node:path";
import { nodeCrypto } from "../../crypto/index.ts";
import {
	type CertifiedDevice,
	ChainVerdicts,
	type DeviceRole,
	encodeChain,
} from "../../identity/index.ts";
import type { KeyLocation } from "../../keys/index.ts";
import type { Policy } from "../../tetrad/index.ts";
import { DeviceClock } from "../runtime/index.ts";
import { readCertificates } from "./files.ts";
import { readDeviceFile } from "./home.ts";
import { HomeState } from "./home-state.ts";
import { readPolicy } from "./policy-file.ts";

/** What a home says of its device, read beside one that may be running; its key stays closed. */
export interface DeviceLook {
	readonly home: string;
	readonly role: DeviceRole;
	readonly name: string;
	readonly key: KeyLocation;
	readonly policy: Policy;
	/** What its chain says, also when that has expired or is on a list. */
	readonly own: CertifiedDevice;
	/** Its verdicts, with the lists that it holds. */
	readonly verdicts: ChainVerdicts;
	/** Throws `clock-wrong` when this time is not to be believed, and `chain-refused` when the certificate is not valid then. */
	requireTime(now: number): void;
}

/** Throws `home-unusable`, and `chain-refused` for a chain that none of its own roots certified. */
export async function lookAtDevice(
	home: string,
	role?: DeviceRole,
): Promise<DeviceLook> {
	const device = await readDeviceFile(home, role);
	const [policy, certificates, state] = await Promise.all([
		readPolicy(home),
		readCertificates(join(home, device.chain)),
		HomeState.read(home),
	]);
	const lists = state.restored(policy);
	const verdicts = new ChainVerdicts(nodeCrypto, policy, lists);
	const own = verdicts.certified(encodeChain(certificates), device.role);
	return {
		home,
		role: device.role,
		name: device.name,
		key: device.key,
		policy,
		own,
		verdicts,
		requireTime(now) {
			state.requireForward(policy, now);
			const { lastSeen } = state.clock(() => now);
			const clock = new DeviceClock({ now: () => now, lastSeen });
			clock.believable(own, lists);
		},
	};
}
