import { asTetradError, type TetradError } from "../../errors.ts";

export type Checked<Value> =
	| { readonly kind: "ok"; readonly value: Value }
	| { readonly kind: "failed"; readonly error: TetradError };

/** What a check gives, or what it threw. */
export function checked<Value>(check: () => Value): Checked<Value> {
	try {
		return { kind: "ok", value: check() };
	} catch (thrown) {
		return { kind: "failed", error: asTetradError(thrown) };
	}
}
