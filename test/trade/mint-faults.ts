/* Everything that a play mint can do wrong, with what there is to say of it. */
import type { MintEndpoint } from "../../src/mint/faults.ts";
import { MINT_FAULTS, type MintFault } from "../../src/mint/index.ts";

const DETAILS: Readonly<Record<string, readonly object[]>> = {
	slow: [{ ms: 40_000 }],
	"huge-answer": [{ bytes: 10_000_000 }],
	"clock-skewed": [{ seconds: 3600 }, { seconds: -3600 }],
	"state-lied": [
		{ state: "UNSPENT" },
		{ state: "PENDING" },
		{ state: "SPENT" },
	],
	"locks-ignored": [{ isAnnounced: true }, { isAnnounced: false }],
};

/** Every fault at each of these endpoints where it can be. */
export function faultsAt(...endpoints: readonly MintEndpoint[]): MintFault[] {
	return Object.entries(MINT_FAULTS).flatMap(([kind, all]) =>
		all
			.filter((at) => endpoints.includes(at))
			.flatMap((at) =>
				(DETAILS[kind] ?? [{}]).map(
					(details) => ({ kind, at, ...details }) as MintFault,
				),
			),
	);
}

export function nameOf(fault: MintFault): string {
	const { kind, at, times, ...details } = fault;
	const said = Object.entries(details).map(
		([name, value]) => `${name} ${value}`,
	);
	const often = times === undefined ? "until it is well" : "once";
	return [`${kind} at ${at}`, ...said, often].join(", ");
}
