import assert from "node:assert/strict";
import {
	PLACES,
	type Place,
	ResumptionTokens,
} from "../../src/tetrad/index.ts";
import { ResumptionToken } from "../../src/tetrad/resumption-token.ts";
import { copy } from "../../src/wire/index.ts";
import { type Cast, type Devices, Run, type RunOptions } from "./attack.ts";
import type { Device, FourDevices } from "./four-devices.ts";

/** Where A calls B. */
export const ADDRESS = "tcp:shop.example:7000";

/** The places that were asked for a signature. */
export function signers(four: FourDevices): string {
	return PLACES.filter((place) => four.has(place, "sign")).join("");
}

/** The halves of one token, as somebody holds them who copied them out of four memories. */
export type Halves = Readonly<Record<Place, ResumptionToken>>;

/** A token that is used up apart from this one. */
export function copyOf(
	token: ResumptionToken,
	changes: Partial<ResumptionToken> = {},
): ResumptionToken {
	return Object.assign(Object.create(ResumptionToken.prototype), {
		...token,
		secret: copy(token.secret),
		...changes,
	});
}

/** The same device, with no tokens but those. */
export function holding(
	device: Device,
	...tokens: readonly (ResumptionToken | undefined)[]
): Device {
	const own = new ResumptionTokens();
	for (const token of tokens) if (token !== undefined) own.keep(copyOf(token));
	return { ...device, context: { ...device.context, tokens: own } };
}

/** Four devices, each with its half of a token, in a run that has not begun. */
export function runHolding(
	devices: Devices,
	halves: Partial<Halves>,
	now: number,
	options: RunOptions = {},
): Run {
	return Run.of(
		{
			A: holding(devices.A, halves.A),
			B: holding(devices.B, halves.B),
			X: holding(devices.X, halves.X),
			Y: holding(devices.Y, halves.Y),
		},
		now,
		{ address: ADDRESS, ...options },
	);
}

/** The halves that four devices keep of a tetrad for which all of them signed. */
export async function halvesOf(devices: Devices, cast: Cast): Promise<Halves> {
	const run = runHolding(devices, {}, cast.now);
	await run.establish();
	assert.equal(run.confirmed, "ABXY");
	assert.equal(signers(run), "ABXY");
	return takeHalves(run);
}

/** Takes the halves of its last tetrad out of four devices. */
export function takeHalves(run: FourDevices): Halves {
	const stores = (place: Place) => {
		const { tokens } = run.devices[place].context;
		assert.ok(tokens, `${place} keeps tokens`);
		return tokens;
	};
	const A = stores("A").takeFor(ADDRESS, run.now);
	assert.ok(A, "A has a token");
	const take = (place: "B" | "X" | "Y") => {
		const token = stores(place).take(place, A.id, run.now);
		assert.ok(token, `${place} has its half`);
		return token;
	};
	return { A, B: take("B"), X: take("X"), Y: take("Y") };
}
