/* What each device of a side needs for itself. */
import { stat } from "node:fs/promises";
import { TetradError } from "../../errors.ts";
import {
	cipherBetween,
	type LinkCipher,
	MAX_PAIRING_TRIES,
} from "../../tetrad/index.ts";
import { sameBytes } from "../../wire/index.ts";
import {
	type DeviceLook,
	isThere,
	lookAtDevice,
	readPairingTries,
	requireHome,
	requirePrivate,
	viewPairings,
} from "../home/index.ts";
import { runFolder } from "../side/index.ts";
import {
	type Check,
	type DeviceAt,
	type Finding,
	fine,
	note,
	type Patient,
	wrong,
} from "./check.ts";

const DAY_MS = 86_400_000;

/** How long before its end a certificate is renewed. */
const RENEW_WITHIN_DAYS = 30;

/** What of each device a check looks at, one after the other. */
function ofEachDevice(
	name: string,
	look: (
		device: DeviceLook,
		patient: Patient,
	) => Finding[] | Promise<Finding[]>,
): Check {
	return {
		name,
		ofModule: "alone",
		async look(patient) {
			const found: Finding[] = [];
			for (const { home, role } of patient.devices)
				found.push(...(await look(await lookAtDevice(home, role), patient)));
			return found;
		},
	};
}

export const FOLDERS: Check = {
	name: "folders",
	ofModule: "alone",
	async look({ side, devices }) {
		for (const { home } of devices) await requireHome(home, "device");
		if (side !== undefined && (await isThere(runFolder(side))))
			await requirePrivate(runFolder(side));
		return [fine("are there, and for their owner only")];
	},
};

export const SECRETS: Check = {
	name: "secrets",
	ofModule: "alone",
	async look({ side }) {
		if (side === undefined) return [];
		const found: Finding[] = [];
		for (const role of ["agent", "module"] as const)
			for (const place of Object.values(side.secrets[role])) {
				if ("env" in place) continue;
				const info = await stat(place.file).catch(() => undefined);
				if (info === undefined)
					found.push(
						wrong(
							`there is no ${place.file}, where the settings say that a secret is`,
							"write it, for its owner only, or take it out of tetrad.toml and be asked",
						),
					);
				else if ((info.mode & 0o077) !== 0)
					found.push(
						wrong(
							`others may read ${place.file}`,
							`close it with: chmod 600 ${place.file}`,
						),
					);
				else found.push(fine(`${place.file} is for its owner only`));
			}
		return found;
	},
};

export const CLOCK: Check = ofEachDevice("clock", (device, { machine }) => {
	try {
		device.requireTime(machine.now());
	} catch (thrown) {
		// What is wrong with the certificate is said elsewhere.
		const isOfClock =
			thrown instanceof TetradError && thrown.code !== "chain-refused";
		if (isOfClock) return [wrong(`${device.role}: ${thrown.message}`)];
	}
	return [fine(`${device.role}: not behind what it has seen`)];
});

export const CERTIFICATE: Check = ofEachDevice(
	"certificate",
	({ role, home, own }, { machine }) => {
		const now = machine.now();
		const days = Math.floor((own.notAfter - now) / DAY_MS);
		const end = new Date(own.notAfter).toISOString().slice(0, 10);
		const renew = `renew it with: tetrad recertify --home ${home} --out FILE`;
		if (now > own.notAfter)
			return [
				wrong(
					`${role}: it has expired on ${end}`,
					"have the device certified anew",
				),
			];
		if (days < RENEW_WITHIN_DAYS)
			return [note(`${role}: it ends on ${end}, in ${days} days`, renew)];
		return [fine(`${role}: ends on ${end}, in ${days} days`)];
	},
);

/** Each device judges all of its own side as it will, under its own policy and lists. */
export const LISTS: Check = {
	name: "untrusted lists",
	ofModule: "alone",
	async look({ devices, machine }) {
		const looks = await looksAt(devices);
		const found = looks.map(({ verdicts, role, policy, home }): Finding => {
			for (const { own } of looks) {
				const why = verdicts.whyNotTrusted(own, machine.now());
				// What has expired is said elsewhere.
				if (why === undefined || why.code === "chain-refused") continue;
				return wrong(
					`${role}: ${why.message}`,
					why.code === "list-stale"
						? `get the newest list, and: tetrad lists --home ${home} --import FILE`
						: undefined,
				);
			}
			const held = verdicts.lists.lists().map(({ thisUpdate }) => thisUpdate);
			if (policy.untrustedLists === undefined)
				return note(
					`${role}: its policy demands none, so whoever was put on one may still be trusted`,
					`get lists of its authorities, and say untrustedLists in ${home}/policy.json`,
				);
			const days = Math.floor((machine.now() - Math.min(...held)) / DAY_MS);
			return fine(`${role}: the oldest is ${days} days old`);
		});
		return found;
	},
};

export const PAIRING: Check = {
	name: "pairing",
	ofModule: "with-agent",
	async look({ side, devices, moduleNumber = 1 }) {
		const looks = await looksAt(devices);
		const found: Finding[] = [];
		for (const { home, role } of looks) {
			const pairings = await viewPairings(home);
			const pairing = pairings[role === "agent" ? moduleNumber - 1 : 0];
			const other = looks.find((look) => look.role !== role)?.own;
			const number = moduleNumber === 1 ? "" : ` --number ${moduleNumber}`;
			const isSpare =
				role === "agent" &&
				moduleNumber === 1 &&
				side !== undefined &&
				pairings.length > 1 + side.furtherModules.length;
			if (isSpare)
				found.push(
					note(
						`${role}: is paired with ${pairings.length} modules, and the settings name ${1 + side.furtherModules.length}`,
						`name the others below [[further-modules]] in ${side.path}/tetrad.toml, in the order of their pairings`,
					),
				);
			if (pairing === undefined)
				found.push(
					wrong(
						`${role}: is paired with ${number === "" || role === "module" ? "nobody" : `no module ${moduleNumber}`}`,
						`pair the two with: tetrad pair, at the module and then at the agent${number === "" ? "" : `, with${number}`}`,
					),
				);
			else if (
				other !== undefined &&
				!sameBytes(pairing.peerDeviceId, other.deviceId)
			)
				found.push(
					wrong(
						`${role}: is paired with another ${other.role} than that of this side, ${pairing.peerName}`,
						number === ""
							? "pair the two again with: tetrad pair"
							: `pair the two again with: tetrad pair, at the agent with${number}; modules stand in tetrad.toml in the order of their pairings`,
					),
				);
			else
				found.push(
					fine(
						`${role}: with ${pairing.peerName}${role === "agent" && number !== "" ? ` as module ${moduleNumber}` : ""}`,
					),
				);
			if (role === "module") found.push(...(await triesAt(home)));
		}
		return found;
	},
};

async function triesAt(home: string): Promise<Finding[]> {
	const tries = await readPairingTries(home);
	if (tries === 0) return [];
	return [
		(tries < MAX_PAIRING_TRIES ? note : wrong)(
			`module: ${tries} of ${MAX_PAIRING_TRIES} tries to pair came to nothing; whoever called may have been trying codes`,
			`see who can reach it; to wait again: tetrad pair --home ${home} --listen … --again`,
		),
	];
}

export const POLICY: Check = {
	name: "policy",
	ofModule: "with-agent",
	async look({ devices, machine }) {
		const looks = await looksAt(devices);
		const found: Finding[] = [];
		for (const { policy, role, home } of looks) {
			const [first] = policy.suites;
			if (
				first !== undefined &&
				usesAes(first) &&
				policy.suites.some((suite) => !usesAes(suite)) &&
				!machine.hasAes()
			)
				found.push(
					note(
						`${role}: would rather have ${first}, and this processor has no instructions for AES that are known of`,
						`put a suite without AES first in accept.suites of ${home}/policy.json`,
					),
				);
			found.push(
				policy.links.includes("paired")
					? fine(`${role}: accepts paired links`)
					: wrong(
							`${role}: does not accept paired links, which commands make unless told otherwise`,
							`name "paired" in accept.links of ${home}/policy.json`,
						),
			);
		}
		const [one, other] = looks.map(({ policy }) => policy.suites);
		if (
			one !== undefined &&
			other !== undefined &&
			!one.some((suite) => other.includes(suite))
		)
			found.push(
				wrong(
					"agent and module accept no suite in common",
					"name one in accept.suites of both policy.json",
				),
			);
		found.push(...sealOfLink(looks, machine));
		return found;
	},
};

const SEALED_WITH: Readonly<Record<LinkCipher["records"], string>> = {
	AESGCM: "AES-256-GCM",
	ChaChaPoly: "ChaCha20-Poly1305",
	"ChaChaPoly+AESGCM":
		"ChaCha20-Poly1305, and what is longer than 8 KiB with AES-256-GCM",
};

/** What the two devices of a side come to when they make a paired link. */
function sealOfLink(
	looks: readonly DeviceLook[],
	{ hasAes }: Patient["machine"],
): Finding[] {
	const [agent, module] = (["agent", "module"] as const).map(
		(role) => looks.find((look) => look.role === role)?.policy,
	);
	if (!agent?.links.includes("paired") || !module?.links.includes("paired"))
		return [];
	const { records } = cipherBetween(agent, module);
	const sealed = `agent and module seal their link with ${SEALED_WITH[records]}`;
	// Only this one has AES where both could do without it.
	return records === "ChaChaPoly+AESGCM" && !hasAes()
		? [
				note(
					`${sealed}, and this processor has no instructions for AES that are known of`,
					"take the suites that end in chachapoly-aesgcm out of accept.suites of either policy.json",
				),
			]
		: [fine(sealed)];
}

/** A suite is named after what seals its records, long ones last. */
function usesAes(suite: string): boolean {
	return suite.endsWith("aesgcm");
}

function looksAt(devices: readonly DeviceAt[]): Promise<DeviceLook[]> {
	return Promise.all(devices.map(({ home, role }) => lookAtDevice(home, role)));
}
