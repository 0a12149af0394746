import { nodeCrypto } from "../../crypto/index.ts";
import { TetradError } from "../../errors.ts";
import {
	encodeBundle,
	encodeChain,
	type IssuingAuthority,
	issueUntrustedList,
} from "../../identity/index.ts";
import type { AuthorityRegister } from "./authority-register.ts";

const DAY_MS = 86_400_000;

/** How long it takes until the next list is due unless the authority says otherwise, in days. */
const LIST_DAYS = 30;

/** What an authority says of its next list. */
export interface ListOptions {
	/** When the next one is due, in days. */
	readonly days?: number | undefined;
	/** Certificates from before it are no longer enough; milliseconds since the epoch. It stays in force in later lists. */
	readonly recertifyBefore?: number | undefined;
}

/** A list as it was published. */
export interface PublishedList {
	readonly number: string;
	readonly entries: number;
	readonly thisUpdate: number;
	readonly nextUpdate: number;
	readonly recertifyBefore: number | undefined;
	/** What devices take. */
	readonly bundle: Uint8Array;
	/** The list alone, in DER. */
	readonly list: Uint8Array;
}

/**
 * Signs the next untrusted list. Its number is on the disk before the list is signed, so no number
 * is ever given twice; a number whose list was never handed out is skipped. `chain` is that of the
 * issuer, without the root. Throws `invalid-argument` for what would go back behind the last list.
 */
export async function publishList(
	register: AuthorityRegister,
	issuer: IssuingAuthority,
	chain: readonly Uint8Array[],
	options: ListOptions,
): Promise<PublishedList> {
	const previous = register.list;
	const thisUpdate = wholeSecond(Date.now());
	const nextUpdate = thisUpdate + (options.days ?? LIST_DAYS) * DAY_MS;
	const recertifyBefore = options.recertifyBefore ?? previous?.recertifyBefore;
	requireForward(previous, thisUpdate, recertifyBefore);
	const number = String(BigInt(previous?.number ?? 0) + 1n);
	const entries = register.untrusted(thisUpdate);
	await register.append({
		act: "list",
		at: thisUpdate,
		number,
		nextUpdate,
		...(recertifyBefore === undefined ? {} : { recertifyBefore }),
	});
	const list = await issueUntrustedList(nodeCrypto, {
		issuer,
		number: BigInt(number),
		thisUpdate,
		nextUpdate,
		entries,
		recertifyBefore,
	});
	return {
		number,
		entries: entries.length,
		thisUpdate,
		nextUpdate,
		recertifyBefore,
		list,
		bundle: encodeBundle(
			list,
			chain.length === 0 ? new Uint8Array() : encodeChain(chain),
		),
	};
}

function requireForward(
	previous: AuthorityRegister["list"],
	thisUpdate: number,
	recertifyBefore: number | undefined,
): void {
	if ((recertifyBefore ?? 0) > thisUpdate)
		throw new TetradError(
			"invalid-argument",
			"recertification can be asked for certificates from before the list, and not from after it",
		);
	if (previous === undefined) return;
	if (thisUpdate < previous.at)
		throw new TetradError(
			"invalid-argument",
			"the untrusted list before this one is from a later time; set the clock right",
		);
	if ((recertifyBefore ?? 0) < (previous.recertifyBefore ?? 0))
		throw new TetradError(
			"invalid-argument",
			"the untrusted list before this one asks for recertification from a later time, and that cannot be taken back",
		);
}

function wholeSecond(milliseconds: number): number {
	return Math.floor(milliseconds / 1000) * 1000;
}
