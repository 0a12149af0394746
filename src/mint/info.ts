/** NUT-06: what the mint is and what it does. `now` is in seconds since the epoch. */
export function infoOf(
	units: readonly string[],
	answersKeptSeconds: number,
	now: number,
): object {
	const methods = units.map((unit) => ({
		method: "bolt11",
		unit,
		min_amount: 1,
		max_amount: null,
	}));
	const supported = { supported: true };
	return {
		name: "Play mint",
		version: "tetrad-play-mint/1",
		description: "Play money of Tetrad, with nothing behind it.",
		motd: "This is play money. It is worth nothing.",
		contact: [],
		time: now,
		nuts: {
			"4": { methods, disabled: false },
			"5": { methods, disabled: false },
			"7": supported,
			"8": supported,
			"9": supported,
			"10": supported,
			"11": supported,
			"12": supported,
			"14": supported,
			"19": {
				ttl: answersKeptSeconds,
				cached_endpoints: CACHED.map((path) => ({ method: "POST", path })),
			},
		},
	};
}

/** Paths whose answers are kept (NUT-19). */
export const CACHED: readonly string[] = [
	"/v1/swap",
	"/v1/mint/bolt11",
	"/v1/melt/bolt11",
];
