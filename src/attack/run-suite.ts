/* Attacks, one after another, and after each whether honest business still works. */
import { asTetradError } from "../errors.ts";
import type { Attack, Group, Outcome } from "./attack.ts";
import { NotTried } from "./not-tried.ts";
import type { Target } from "./target.ts";

/** One attack and what came of it. */
export interface Tried {
	readonly attack: Attack;
	readonly outcome: Outcome;
	readonly milliseconds: number;
}

export interface SuiteOptions {
	readonly signal: AbortSignal;
	/** Shows for each group that the honest form of what it does works, and throws where it does not. */
	readonly controls?: Readonly<
		Partial<
			Record<Group, (target: Target, signal: AbortSignal) => Promise<void>>
		>
	>;
	/** Hears when an attack begins. */
	readonly begin?: (attack: Attack) => void;
	/** Hears when one is over. */
	readonly end?: (tried: Tried) => void;
}

/** An attack that takes longer has hung. */
const ATTACK_MS = 120_000;

/**
 * Tries all of them, one after another, and at last those that wait, beside each other. What is told is in the order of the list.
 * Rejects with `aborted` when it is interrupted.
 */
export async function runSuite(
	attacks: readonly Attack[],
	target: Target,
	options: SuiteOptions,
): Promise<readonly Tried[]> {
	const { signal } = options;
	const controls = new Controls(target, options);
	const done = new Map<Attack, Tried>();
	const tryOne = async (attack: Attack) => {
		options.begin?.(attack);
		const begun = performance.now();
		const outcome = await outcomeOf(attack, target, controls, signal);
		const tried = {
			attack,
			outcome,
			milliseconds: Math.round(performance.now() - begun),
		};
		done.set(attack, tried);
		options.end?.(tried);
	};
	for (const attack of attacks) {
		signal.throwIfAborted();
		if (attack.waits !== true) await tryOne(attack);
	}
	await Promise.all(attacks.filter(({ waits }) => waits === true).map(tryOne));
	const all = attacks.flatMap((attack) => done.get(attack) ?? []);
	return await withLastLook(all, controls, signal);
}

/** When all is over, the honest form of each group works as it did; where not, its last attack has broken it. */
async function withLastLook(
	all: readonly Tried[],
	controls: Controls,
	signal: AbortSignal,
): Promise<readonly Tried[]> {
	const last = new Map<Group, Tried>();
	for (const tried of all)
		if (tried.outcome.kind === "held") last.set(tried.attack.group, tried);
	const looked = [...all];
	for (const [group, tried] of last) {
		const why = await controls.again(group);
		signal.throwIfAborted();
		if (why !== undefined)
			looked[looked.indexOf(tried)] = {
				...tried,
				outcome: {
					kind: "broken",
					what: `after this or an attack before it, ${why}`,
				},
			};
	}
	return looked;
}

/** Whether all that was tried has held, and nothing that matters was left out. */
export function hasHeld(tried: readonly Tried[]): boolean {
	return (
		tried.some(({ outcome }) => outcome.kind === "held") &&
		tried.every(
			({ outcome }) =>
				outcome.kind === "held" ||
				(outcome.kind === "not-tried" && outcome.matters !== true),
		)
	);
}

/** The honest forms, each tried once, when the first attack of its group is. */
class Controls {
	readonly #target: Target;
	readonly #options: SuiteOptions;
	readonly #tried = new Map<Group, Promise<void>>();

	constructor(target: Target, options: SuiteOptions) {
		this.#target = target;
		this.#options = options;
	}

	/** Throws why the honest form does not work. */
	async require(group: Group): Promise<void> {
		const { controls, signal } = this.#options;
		const known = this.#tried.get(group);
		if (known !== undefined) return known;
		const tried = this.#try(controls?.[group], signal);
		this.#tried.set(group, tried);
		return tried;
	}

	/** Why the honest form does not work any more, or `undefined`. */
	async again(group: Group): Promise<string | undefined> {
		const { controls, signal } = this.#options;
		try {
			await this.#try(controls?.[group], signal);
			return undefined;
		} catch (thrown) {
			return whyOf(thrown);
		}
	}

	async #try(
		control:
			| ((target: Target, signal: AbortSignal) => Promise<void>)
			| undefined,
		signal: AbortSignal,
	): Promise<void> {
		const why = await this.#target.isAlive(signal);
		if (why !== undefined) throw new Error(why);
		try {
			await control?.(this.#target, signal);
		} catch (thrown) {
			// Attacks that lack the same are not tried either; strangers need nothing.
			if (!(thrown instanceof NotTried) || thrown.matters) throw thrown;
		}
	}
}

async function outcomeOf(
	attack: Attack,
	target: Target,
	controls: Controls,
	signal: AbortSignal,
): Promise<Outcome> {
	try {
		await controls.require(attack.group);
	} catch (thrown) {
		signal.throwIfAborted();
		if (thrown instanceof NotTried) return notTried(thrown);
		return {
			kind: "not-tried",
			why: `the honest form of it does not work: ${whyOf(thrown)}`,
			matters: true,
		};
	}
	const outcome = await outcomeAlone(attack, target, signal);
	signal.throwIfAborted();
	if (outcome.kind !== "held") return outcome;
	const why = await target.isAlive(signal);
	return why === undefined
		? outcome
		: { kind: "broken", what: `${outcome.what}; but after it, ${why}` };
}

async function outcomeAlone(
	attack: Attack,
	target: Target,
	signal: AbortSignal,
): Promise<Outcome> {
	const limit = AbortSignal.timeout(ATTACK_MS);
	const hung = Promise.withResolvers<Outcome>();
	limit.addEventListener("abort", () =>
		hung.resolve({ kind: "broken", what: "it was not over in two minutes" }),
	);
	try {
		return await Promise.race([
			attack.run(target, AbortSignal.any([signal, limit])),
			hung.promise,
		]);
	} catch (thrown) {
		signal.throwIfAborted();
		if (thrown instanceof NotTried) return notTried(thrown);
		return { kind: "broken", what: `it ended by: ${whyOf(thrown)}` };
	}
}

function notTried({ message, matters }: NotTried): Outcome {
	return { kind: "not-tried", why: message, matters };
}

/** What is thrown by mistake is told as it is. */
function whyOf(thrown: unknown): string {
	const { code, message, cause } = asTetradError(thrown);
	return code === "internal" && cause instanceof Error
		? cause.message
		: `${message} (${code})`;
}
