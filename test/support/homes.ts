/* A folder with the homes of four devices, as their owners would have made them. */
import { cpSync, rmSync } from "node:fs";
import { join } from "node:path";
import { nodeCrypto } from "../../src/crypto/index.ts";
import { readRoots } from "../../src/device/authority/authority-home.ts";
import {
	createAuthorityHome,
	issueDeviceHome,
} from "../../src/device/authority/issue-device-home.ts";
import { readHome } from "../../src/device/home/home.ts";
import { writePairing } from "../../src/device/home/pairings.ts";
import type { DevicePolicySettings } from "../../src/device/home/policy-file.ts";
import { makeDevice } from "../../src/device/runtime/identity.ts";
import { PLACES, type Place } from "../../src/tetrad/index.ts";

const NAMES: Readonly<Record<Place, string>> = {
	A: "alice",
	X: "alice-purse",
	B: "bob",
	Y: "bob-till",
};

/** Two authorities and the homes of four devices, each agent paired with its module. */
export class Homes {
	readonly folder: string;
	#spares = 0;

	private constructor(folder: string) {
		this.folder = folder;
	}

	static async make(
		folder: string,
		policy?: DevicePolicySettings,
	): Promise<Homes> {
		const homes = new Homes(folder);
		const [agency, bank] = await Promise.all([
			createAuthorityHome(homes.at("agency"), "agency", "Test Agency", "P-256"),
			createAuthorityHome(homes.at("bank"), "bank", "Test Bank", "P-256"),
		]);
		for (const place of PLACES) {
			const isAgent = place === "A" || place === "B";
			await issueDeviceHome(isAgent ? agency : bank, {
				home: homes.of(place),
				name: NAMES[place],
				algorithm: "P-256",
				trust: await readRoots(homes.at(isAgent ? "bank" : "agency")),
				...(policy === undefined ? {} : { policy }),
			});
		}
		await homes.pair("A", "X");
		await homes.pair("B", "Y");
		return homes;
	}

	at(...names: string[]): string {
		return join(this.folder, ...names);
	}

	of(place: Place): string {
		return this.at(NAMES[place]);
	}

	/** A copy of a home, for a second process of that device: one home is for one. */
	spare(place: Place): string {
		const home = this.at(`spare-${++this.#spares}`);
		for (let tries = 1; ; tries++)
			try {
				cpSync(this.of(place), home, { recursive: true });
				return home;
			} catch (thrown) {
				// A device that runs may replace a file between its listing and its copying.
				const { code } = thrown as NodeJS.ErrnoException;
				if (code !== "ENOENT" || tries === 5) throw thrown;
				rmSync(home, { recursive: true, force: true });
			}
	}

	/** Where a module listens, or anything else. */
	socket(name: string): string {
		return `unix:${this.at(`${name}.sock`)}`;
	}

	/** Pairs two devices as the command `pair` would, without its processes. */
	async pair(agent: "A" | "B", module: "X" | "Y"): Promise<void> {
		const key = nodeCrypto.random(32);
		const id = async (place: Place) => {
			const role = place === agent ? "agent" : "module";
			await using home = await readHome(this.of(place), role);
			return makeDevice(role, home).context.own.deviceId;
		};
		const [agentId, moduleId] = [await id(agent), await id(module)];
		await writePairing(
			this.of(agent),
			{ peerDeviceId: moduleId, key },
			NAMES[module],
		);
		await writePairing(
			this.of(module),
			{ peerDeviceId: agentId, key },
			NAMES[agent],
		);
	}
}
