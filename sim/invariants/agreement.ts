import { hex } from "../../src/wire/index.ts";
import type { Tetrad } from "../tetrad.ts";
import type { MakeInvariant } from "./invariant.ts";

const PLACES = ["A", "B", "X", "Y"] as const;

/** All four devices of a tetrad agree on who they are and have the same root key, and no four have that of others. */
export const agreement: MakeInvariant = (_, fail) => {
	const tetrads = new Map<
		string,
		{ readonly parties: string; readonly devices: Map<string, string> }
	>();
	const partiesOf = ({ parties }: Tetrad) =>
		PLACES.map((place) => hex(parties[place].certificateId)).join(" ");
	return {
		confirmed(device, tetrad) {
			const { place } = tetrad;
			const key = hex(tetrad.export("simulated agreement", 32));
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
