/* How what machines ask for reaches who does it: the one place where effects are told apart. */
import type { Ended, Kind } from "../src/machine/index.ts";

/** How each effect is carried out, by its kind; the compiler demands all of them. */
export type Handlers<Effect extends Kind, Done = void> = {
	readonly [Of in Effect["kind"]]: (
		effect: Effect & { readonly kind: Of },
	) => Done;
};

/** Has the handler of its kind carry an effect out. */
export function carryOut<Effect extends Kind, Done>(
	effect: Effect,
	handlers: Handlers<Effect, Done>,
): Done {
	// By construction the handler of this kind, which the compiler cannot follow.
	const kind: Effect["kind"] = effect.kind;
	return (handlers[kind] as (effect: Effect) => Done)(effect);
}

export function isEnd<Effect extends Kind>(
	effect: Effect | Ended,
): effect is Ended {
	return effect.kind === "ended";
}
