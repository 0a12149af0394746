import { enc, hex, utf8 } from "../../src/wire/index.ts";
import type { Device } from "../device.ts";
import type { Tetrad } from "../tetrad.ts";
import type { MakeInvariant } from "./invariant.ts";

const PLACES = ["A", "B", "X", "Y"] as const;

/**
 * All four devices of a tetrad agree on who they are and have the same root key, and no four have
 * that of others. A tetrad is resumed once, at most.
 */
export const agreement: MakeInvariant = (_, fail) => {
	const tetrads = new Map<
		string,
		{ readonly parties: string; readonly devices: Map<string, string> }
	>();
	/** The key of the one that resumes each. */
	const resumed = new Map<string, string>();
	const partiesOf = ({ parties }: Tetrad) =>
		PLACES.map((place) => hex(parties[place].certificateId)).join(" ");
	return {
		confirmed(device, tetrad) {
			const { place } = tetrad;
			if (!device.transcripts.has(hex(transcriptOf(device, tetrad))))
				fail(
					`${device.name} has formed its key over something else than what the four agree on`,
				);
			const key = hex(tetrad.export("simulated agreement", 32));
			const { resumes } = tetrad.transcript;
			if (resumes !== undefined) {
				const before = hex(resumes);
				if ((resumed.get(before) ?? key) !== key)
					fail(`${device.name} is in a second tetrad that resumes one`);
				resumed.set(before, key);
			}
			const parties = partiesOf(tetrad);
			const known = tetrads.get(key) ?? { parties, devices: new Map() };
			tetrads.set(key, known);
			if (known.parties !== parties)
				fail(
					`${device.name} takes others for the four of its tetrad than one of them does`,
				);
			if (hex(tetrad.parties[place].deviceId) !== hex(device.own.deviceId))
				fail(`${device.name} is ${place} of a tetrad of others`);
			if (known.devices.has(place))
				fail(
					`${device.name} and ${known.devices.get(place)} both are ${place} of one tetrad`,
				);
			known.devices.set(place, device.name);
		},
	};
};

/** T as docs/protocol.md has it, of what a device has agreed to. */
function transcriptOf(
	{ crypto }: Device,
	{ transcript, parties }: Tetrad,
): Uint8Array {
	const { outerHash, innerHash, offer, responderLink, resumes } = transcript;
	const number = (name: string, names: readonly string[]) =>
		Uint8Array.of(names.indexOf(name) + 1);
	return crypto.sha256(
		enc(
			utf8("tetrad/1 T"),
			outerHash,
			innerHash,
			...PLACES.map((place) => parties[place].certificateId),
			offer.raw,
			Uint8Array.of(offer.selected.id),
			number(offer.routing, ["direct", "crossed"]),
			number(offer.root, ["transcript", "unsafe-xor"]),
			number(offer.link, ["paired", "unsafe-open"]),
			number(responderLink, ["paired", "unsafe-open"]),
			...(resumes === undefined ? [] : [resumes]),
		),
	);
}
