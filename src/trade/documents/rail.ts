/*
 * Rails: the kinds of money that a contract can be paid with, and what each promises. What a rail
 * does for a purchase is the same for all of them (`SaleRail`); what it promises is data, which
 * whoever pays can judge before anything is paid.
 */
import { bytes, type Field, malformed, mapped, u8 } from "../../wire/index.ts";

/** The bytes that say which rail it is. */
const RAILS = { "own-notes": 1, cashu: 2 } as const;

/** A kind of money, and how it is locked, claimed and given back. */
export type RailName = keyof typeof RAILS;

/** All of them, in the order of their bytes. */
export const RAIL_NAMES: readonly RailName[] = ["own-notes", "cashu"];

/** Rails that one question names. */
const MAX_RAILS = 16;

/** What a buyer can lose, or has to wait for, while its module keeps its store. */
type BuyerRisk =
	/** A merchant that takes the money and gives no key costs the time until the issuer is met. */
	| "waits-for-issuer"
	/** Money may be locked until a deadline without a key. */
	| "locked-to-deadline"
	/** The issuer can keep the money, or the key. */
	| "issuer-corrupt"
	/** Whoever makes the money can forget what it was claimed with, and the key with it, when the merchant has claimed it and is gone. */
	| "key-forgotten";

/** What a merchant can lose. */
type MerchantRisk =
	/** The key was given before the issuer was asked, and the buyer had spent the money before. */
	| "double-spent"
	/** The key was given, and the money was not claimed in time. */
	| "claimed-too-late"
	| "issuer-corrupt";

/** What a rail promises to whoever uses it. */
export interface RailPromises {
	/** Whether a purchase can be made while nobody but its four devices is in reach. */
	readonly isOffline: boolean;
	/** Who else learns payer, payee and amount of a payment; or, as an issuer of blind signatures does, how much it was and when, and of whom nothing. */
	readonly seenBy: "nobody" | "issuer" | "everybody" | "amount-by-issuer";
	/** Whether money is locked in the very write that commits it, or in a step of its own after that, until which it can be taken back. */
	readonly locks: "at-commit" | "after-commit";
	/** When a payment cannot be taken back any more: by its payer from then on, and by nobody once there is a key. */
	readonly finalAt: "commit" | "lock" | "claim";
	/** What ends a doubt: the issuer's answer whenever it is asked, or one that is to be had until a deadline. */
	readonly doubtEnds: "when-asked" | "at-deadline";
	readonly buyerRisks: readonly BuyerRisk[];
	/** What it can lose in a sale for which it gives the key at once. */
	readonly merchantRisks: readonly MerchantRisk[];
	/** The same for one for which the rail is asked before the key is given. */
	readonly merchantRisksWhenAsked: readonly MerchantRisk[];
}

const PROMISES: Readonly<Record<RailName, RailPromises>> = {
	"own-notes": {
		isOffline: true,
		seenBy: "issuer",
		locks: "at-commit",
		finalAt: "commit",
		doubtEnds: "when-asked",
		buyerRisks: ["waits-for-issuer", "issuer-corrupt"],
		merchantRisks: ["double-spent", "claimed-too-late", "issuer-corrupt"],
		merchantRisksWhenAsked: ["issuer-corrupt"],
	},
	// Claimed first, always: its merchant gives no key before the mint has said that the money is its own.
	cashu: {
		isOffline: false,
		seenBy: "amount-by-issuer",
		locks: "after-commit",
		finalAt: "lock",
		doubtEnds: "at-deadline",
		buyerRisks: ["locked-to-deadline", "key-forgotten", "issuer-corrupt"],
		merchantRisks: ["issuer-corrupt"],
		merchantRisksWhenAsked: ["issuer-corrupt"],
	},
};

export function railPromises(rail: RailName): RailPromises {
	return PROMISES[rail];
}

/** The byte of a rail in a contract. */
export const rail: Field<RailName> = mapped(u8, {
	from(byte) {
		for (const [name, known] of Object.entries(RAILS))
			if (byte === known) return name as RailName;
		throw malformed(
			`a contract is to be paid over rail ${byte}, which this program does not know: it may be from a newer one`,
		);
	},
	to: (name) => RAILS[name],
});

/** Rails that somebody wants prices over: the byte of each, in the order of the bytes, none of them twice. */
export const RAILS_FIELD: Field<readonly RailName[]> = mapped(
	bytes(1, MAX_RAILS),
	{
		from(said) {
			if (said.some((byte, i) => i > 0 && byte <= (said[i - 1] ?? 0)))
				throw malformed("rails are not said in their order, or twice");
			const names = RAIL_NAMES.filter((name) => said.includes(RAILS[name]));
			if (names.length < said.length)
				throw malformed(
					"prices are wanted over a rail that this program does not know: it may be from a newer one",
				);
			return names;
		},
		to: (names) =>
			Uint8Array.from(
				RAIL_NAMES.filter((name) => names.includes(name)).map(
					(name) => RAILS[name],
				),
			),
	},
);
