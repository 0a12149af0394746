import type { Place } from "../../tetrad/index.ts";

/** The four devices of every run, by place. */
export const NAMES: Readonly<Record<Place, string>> = {
	A: "alice",
	X: "alice-purse",
	B: "bob",
	Y: "bob-till",
};

export function byPlace<T>(make: (place: Place) => T): Record<Place, T> {
	return { A: make("A"), B: make("B"), X: make("X"), Y: make("Y") };
}
