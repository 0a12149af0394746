import type { TetradError } from "../../src/errors.ts";
import type { Write } from "../../src/machine/index.ts";
import { purseTables } from "../../src/money/index.ts";
import { hex, sameBytes } from "../../src/wire/index.ts";
import { CANARY } from "../world.ts";
import type { MakeInvariant } from "./invariant.ts";

const { ECASH_SEED_NAME, META } = purseTables;

/**
 * What is secret is on no wire, in no store and in no log: the goods, what all keys of an issuer's
 * sales follow from, and the keys of pairings. What a merchant's module sells with, and what all
 * ecash of a purse follows from, is in its own store, and nowhere else; goods are on their buyer's disk sealed until they are opened.
 */
export const canaries: MakeInvariant = (world, fail) => {
	const secrets = new Secrets();
	for (const secret of [
		CANARY,
		...world.issuers.map(({ master }) => master),
		...[...world.issuers, ...world.sides].map(
			({ name }) => world.pairing(name).ofAgent(CANARY).key,
		),
	])
		secrets.add(secret);
	/** Of merchants, as they become durable. */
	const selling = new Secrets();
	const hasSecret = (bytes: Uint8Array) => secrets.isIn(bytes);
	const hasSelling = (bytes: Uint8Array) => selling.isIn(bytes);
	const logged = (who: string, { message }: TetradError): void => {
		if (secrets.isWrittenIn(message) || selling.isWrittenIn(message))
			fail(`${who} writes a secret into its log`);
	};
	return {
		sent(from, to, bytes) {
			if (hasSecret(bytes) || hasSelling(bytes))
				fail(`${from} sends ${to} a secret in clear`);
		},
		durable(device, writes) {
			// Wherever else they stand in what is written along with them.
			for (const write of writes) {
				if (write.kind === "delete") continue;
				const own = ownSecret(write);
				if (own !== undefined) selling.add(write.row[own] as Uint8Array);
			}
			for (const write of writes) {
				if (write.kind === "delete") continue;
				const own = ownSecret(write);
				for (const [column, cell] of Object.entries(write.row))
					if (
						cell instanceof Uint8Array &&
						column !== own &&
						(hasSecret(cell) || hasSelling(cell))
					)
						fail(
							`${device.name} has a secret in ${write.table.name}.${column}`,
						);
			}
		},
		asked(device, mint, { body }) {
			const text = Buffer.from(body).toString("latin1");
			if (secrets.isWrittenIn(text) || selling.isWrittenIn(text))
				fail(`${device.name} asks ${mint.name} with a secret in it`);
		},
		heard: logged,
		reported({ module }, report) {
			if ("error" in report && report.error !== undefined)
				logged(module.name, report.error);
		},
		rested() {
			for (const { name, goods } of world.buyers)
				for (const { chunks } of goods.values())
					if (
						chunks.some(
							({ leaf, sealed }) => hasSecret(leaf) || hasSecret(sealed),
						)
					)
						fail(`${name} has goods in clear that it has not opened`);
		},
	};
};

/** The column in which that row has a secret of its own device, if it has one. */
function ownSecret({
	table,
	row,
}: Pick<Extract<Write, { row: unknown }>, "table" | "row">):
	| string
	| undefined {
	if (table.name === "selling_secrets") return "secret";
	const isSeed = table.name === META.name && row["name"] === ECASH_SEED_NAME;
	return isSeed ? "value" : undefined;
}

/** How far apart the places are at which it is looked whether a secret goes on there. */
const STRIDE = 8;

/** Of a secret, at least: one that is there covers four bytes at one of the places, wherever it begins. */
const MIN_SECRET_BYTES = STRIDE + 3;

/** Where the four bytes of a secret stand in it. */
interface Part {
	readonly secret: Uint8Array;
	readonly at: number;
}

/** Finds any of many secrets in one pass, however many there are. */
class Secrets {
	/** By four bytes: those that begin at each of the first `STRIDE`. */
	readonly #parts = new Map<number, Part[]>();
	/** Whether there is a part that begins with these two bytes. */
	readonly #begins: Uint8Array = new Uint8Array(2 ** 16);
	readonly #texts = new Set<string>();

	add(secret: Uint8Array): void {
		const text = hex(secret);
		if (this.#texts.has(text)) return;
		if (secret.length < MIN_SECRET_BYTES)
			throw new Error("so short a secret cannot be looked for");
		this.#texts.add(text).add(Buffer.from(secret).toString("latin1"));
		const own = new Uint8Array(secret);
		for (let at = 0; at < STRIDE; at++) {
			const word = wordAt(own, at);
			this.#begins[word & 0xffff] = 1;
			const known = this.#parts.get(word) ?? [];
			this.#parts.set(word, [...known, { secret: own, at }]);
		}
	}

	isIn(bytes: Uint8Array): boolean {
		const begins = this.#begins;
		if (this.#parts.size === 0) return false;
		for (let at = 0; at + 4 <= bytes.length; at += STRIDE) {
			const two = (bytes[at] as number) | ((bytes[at + 1] as number) << 8);
			if (begins[two] === 0) continue;
			const found = this.#parts.get(wordAt(bytes, at));
			if (
				found?.some(
					({ secret, at: within }) =>
						at >= within &&
						sameBytes(
							bytes.subarray(at - within, at - within + secret.length),
							secret,
						),
				)
			)
				return true;
		}
		return false;
	}

	isWrittenIn(message: string): boolean {
		for (const text of this.#texts) if (message.includes(text)) return true;
		return false;
	}
}

/** Little-endian. */
function wordAt(bytes: Uint8Array, at: number): number {
	return (
		(bytes[at] as number) |
		((bytes[at + 1] as number) << 8) |
		((bytes[at + 2] as number) << 16) |
		((bytes[at + 3] as number) << 24)
	);
}
