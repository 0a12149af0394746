import { hex } from "../wire/index.ts";
import {
	MAX_TOKENS,
	MAX_TOKENS_OF_ADDRESS,
	MAX_TOKENS_OF_PEER,
	type Place,
} from "./parameters.ts";
import type { ResumptionToken } from "./resumption-token.ts";

/**
 * The resumption tokens of one device, in its memory and nowhere else: none outlives the process, a
 * policy or a key. Whoever asks for one takes it out, so that each is used once. What is taken is
 * wiped by its taker; what is forgotten is wiped here.
 */
export class ResumptionTokens {
	readonly #max: number;
	/** By name, the oldest first. */
	readonly #tokens = new Map<string, ResumptionToken>();
	/** Their names, by whom they are shared with, so that nobody takes the room of others; the oldest first. */
	readonly #groups = new Map<string, string[]>();

	constructor(max: number = MAX_TOKENS) {
		this.#max = max;
	}

	get size(): number {
		return this.#tokens.size;
	}

	keep(token: ResumptionToken): void {
		const name = nameOf(token.place, token.id);
		this.#forgetNamed(name);
		this.#tokens.set(name, token);
		const group = groupOf(token);
		const names = this.#groups.get(group) ?? [];
		names.push(name);
		this.#groups.set(group, names);
		const max =
			token.place === "A" ? MAX_TOKENS_OF_ADDRESS : MAX_TOKENS_OF_PEER;
		if (names.length > max) this.#forgetNamed(names[0] as string);
		if (this.#tokens.size > this.#max) {
			const [oldest] = this.#tokens.keys();
			this.#forgetNamed(oldest as string);
		}
	}

	/** The newest of a tetrad with whoever answered at that address, if it may still be used. */
	takeFor(address: string, now: number): ResumptionToken | undefined {
		const name = this.#groups.get(calling(address))?.at(-1);
		return name === undefined ? undefined : this.#take(name, now);
	}

	/** The one that the other side names, if this device was in that place and may still use it. */
	take(
		place: Exclude<Place, "A">,
		id: Uint8Array,
		now: number,
	): ResumptionToken | undefined {
		return this.#take(nameOf(place, id), now);
	}

	/** The tetrad that it comes from has gone wrong. */
	forget(place: Place, id: Uint8Array): void {
		this.#forgetNamed(nameOf(place, id));
	}

	/** Forgets all. */
	wipe(): void {
		for (const name of [...this.#tokens.keys()]) this.#forgetNamed(name);
	}

	#take(name: string, now: number): ResumptionToken | undefined {
		const token = this.#remove(name);
		if (token === undefined || token.isFresh(now)) return token;
		token.wipe();
		return undefined;
	}

	#forgetNamed(name: string): void {
		this.#remove(name)?.wipe();
	}

	#remove(name: string): ResumptionToken | undefined {
		const token = this.#tokens.get(name);
		if (token === undefined) return undefined;
		this.#tokens.delete(name);
		const group = groupOf(token);
		const left = (this.#groups.get(group) ?? []).filter(
			(other) => other !== name,
		);
		if (left.length === 0) this.#groups.delete(group);
		else this.#groups.set(group, left);
		return token;
	}
}

/** A token is of one place: what A made is found by no B. */
function nameOf(place: Place, id: Uint8Array): string {
	return `${place} ${hex(id)}`;
}

/** With whom a token is shared, as this device finds it again: A by where it calls, the others by the other side's agent. */
function groupOf({ place, address, parties }: ResumptionToken): string {
	if (place === "A") return calling(address ?? "");
	const peer = place === "X" ? parties.B : parties.A;
	return `${place} ${hex(peer.deviceId)}`;
}

function calling(address: string): string {
	return `A ${address}`;
}
