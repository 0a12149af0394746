/*
 * What a paid request is bought as: "request sealed 420 3f…", that is a name of the merchant's, the
 * mode, the price in minor units, and a tag over these and the request. Only the merchant makes such
 * a tag, so that nobody can ask for an answer at another price, or in another mode, than it has said.
 */
import { nodeCrypto } from "../crypto/index.ts";
import { TetradError } from "../errors.ts";
import { enc, hex, utf8 } from "../wire/index.ts";
import type { PaidMode } from "./terms.ts";

/** Of the key of the tags, in bytes. */
const KEY_BYTES = 32;

const MAX_AMOUNT: bigint = 2n ** 63n - 1n;

/** Of a tag, in bytes. */
const TAG_BYTES = 16;

const NAME = /^[A-Za-z0-9][A-Za-z0-9 ._-]{0,62}$/;

const ITEM = / (sealed|prepaid) ([1-9]\d{0,18}) [0-9a-f]{32}$/;

const LABEL: Uint8Array = utf8("tetrad/1 paid request");

/** What a request costs, and how it is paid. */
export interface Priced {
	readonly mode: PaidMode;
	/** In minor units. */
	readonly amount: bigint;
}

/** Names what is bought for requests, for as long as one process sells. */
export class ItemNames {
	readonly #name: string;
	readonly #key: Uint8Array = nodeCrypto.random(KEY_BYTES);

	/** Throws `invalid-argument` for a name that is none. */
	constructor(name: string) {
		if (!NAME.test(name))
			throw new TetradError(
				"invalid-argument",
				"what paid requests are sold as has at most 63 letters, digits, spaces, dots, lines and dashes",
			);
		this.#name = name;
	}

	/** Throws `invalid-argument` for a price that is none. */
	of(request: string, { mode, amount }: Priced): string {
		if (amount <= 0n || amount > MAX_AMOUNT)
			throw new TetradError(
				"invalid-argument",
				"a paid request costs a positive amount",
			);
		const form = enc(LABEL, utf8(mode), utf8(`${amount}`), utf8(request));
		const tag = nodeCrypto.hmac(this.#key, form).subarray(0, TAG_BYTES);
		return `${this.#name} ${mode} ${amount} ${hex(tag)}`;
	}

	/** What an item costs whose name was made here, in this process or an earlier one. */
	static priceOf(item: string): Priced | undefined {
		const [, mode, minor] = ITEM.exec(item) ?? [];
		if (mode === undefined || minor === undefined) return undefined;
		const amount = BigInt(minor);
		return { mode: mode === "sealed" ? mode : "prepaid", amount };
	}

	/** What an item of that name is for that request; `undefined` for a name that was not made here for it. */
	read(item: string, request: string): Priced | undefined {
		const [, mode, minor] = ITEM.exec(item) ?? [];
		if (mode === undefined || minor === undefined) return undefined;
		const amount = BigInt(minor);
		if (amount >= 2n ** 63n) return undefined;
		const priced = {
			mode: mode === "sealed" ? mode : "prepaid",
			amount,
		} as const;
		const own = utf8(this.of(request, priced));
		const said = utf8(item);
		return own.length === said.length && nodeCrypto.equal(own, said)
			? priced
			: undefined;
	}
}
