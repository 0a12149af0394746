import type { CryptoProvider } from "../../crypto/index.ts";
import { asTetradError, TetradError } from "../../errors.ts";
import { bytes, copy, hex, sameBytes, structure } from "../../wire/index.ts";
import type { FreshnessLimits, TrustPolicy } from "../policy.ts";
import {
	anchorAuthority,
	type Certificate,
	type CertifiedAuthority,
	chainRefused,
	invalid,
	listRefused,
	MAX_ANCHORS,
	MAX_CERTIFICATE_BYTES,
	MAX_CERTIFICATES,
	MAX_CLOCK_SKEW_MS,
	MAX_LIST_BYTES,
	MAX_LIST_BYTES_PER_ROOT,
	MAX_LISTS_PER_ROOT,
	type Path,
	parseChain,
	subjectText,
	type TrustAnchor,
	timeText,
	validateAuthority,
} from "../x509/index.ts";
import type { ListNumber } from "./list-numbers.ts";
import {
	authorityId,
	isListSignedBy,
	type ListHeader,
	readListHeader,
	requireSignature,
	type UntrustedList,
	verifyList,
} from "./untrusted-list.ts";

/** A list as it travels and is stored: with the certificates by which a device that has only the root can verify it. */
const BUNDLE = structure("a bundle of an untrusted list", {
	/** In DER. */
	list: bytes(1, MAX_LIST_BYTES),
	/** enc(issuer, those above it), without the root; empty when the root issued the list. */
	chain: bytes(0, (MAX_CERTIFICATES - 1) * (4 + MAX_CERTIFICATE_BYTES)),
});

/** The largest bundle, in bytes. */
export const MAX_BUNDLE_BYTES: number = BUNDLE.maxBytes;

/**
 * enc(list, issuer's chain). `list` is in DER; `issuerChain` is enc(issuer, those above it)
 * without the root, and empty when the root issued the list.
 */
export function encodeBundle(
	list: Uint8Array,
	issuerChain: Uint8Array,
): Uint8Array {
	return copy(BUNDLE.encode({ list, chain: issuerChain }));
}

/** What became of a bundle that was offered and not refused. */
export interface Offered {
	/**
	 * `newer`: it is in force now. `renewed`: the list is held already, and the certificates
	 * that came with it are valid for longer. `same`: nothing changed. For the first two the
	 * caller stores `bundle` in the place of what it stored for `authority` before.
	 */
	readonly kind: "newer" | "renewed" | "same";
	/** `authorityId` of the list's issuer, 32 bytes. */
	readonly authority: Uint8Array;
	readonly list: UntrustedList;
	readonly bundle: Uint8Array;
}

/** A list that another device lacks. */
export interface MissingList extends ListNumber {
	readonly bundle: Uint8Array;
}

/** What a bundle is, before anything has changed. */
export type Examined =
	/** `enforce` puts it in force, unless a newer one came in between. */
	| {
			readonly kind: "newer" | "renewed" | "same";
			readonly list: UntrustedList;
			readonly bundle: Uint8Array;
			readonly enforce: () => void;
	  }
	/** Of no use here, and whoever sent it could not know; `was` if its issuer was accepted. */
	| {
			readonly kind: "unusable";
			readonly error: TetradError;
			readonly was: ListNumber | undefined;
	  };

/** Refusals that say nothing against whoever sent the bundle, with what it was. */
const BLAMELESS = new WeakMap<TetradError, ListNumber>();

function blameless(error: TetradError, was: ListNumber): TetradError {
	BLAMELESS.set(error, was);
	return error;
}

interface Held {
	readonly list: UntrustedList;
	readonly issuer: CertifiedAuthority;
	/** `authorityId` of the root above it, in hexadecimal. */
	readonly root: string;
	readonly bundle: Uint8Array;
}

/**
 * The newest untrusted list of each authority under the roots of one policy. It only moves
 * forward: a list is replaced by one with a greater number and by nothing else.
 */
export class UntrustedLists {
	readonly #crypto: CryptoProvider;
	readonly #anchors: readonly TrustAnchor[];
	/** By `authorityId` in hexadecimal. */
	readonly #held = new Map<string, Held>();
	#generation = 0;

	/** Throws `invalid-argument` for a policy of more than `MAX_ANCHORS` roots. */
	constructor(
		crypto: CryptoProvider,
		policy: Pick<TrustPolicy, "agencies" | "banks">,
	) {
		this.#crypto = crypto;
		this.#anchors = [...policy.agencies, ...policy.banks];
		if (this.#anchors.length > MAX_ANCHORS)
			throw invalid(
				`a policy may name ${MAX_ANCHORS} roots, and this one names ${this.#anchors.length}`,
			);
	}

	/** Grows whenever a list comes into force. A verdict that was reached before counts no longer. */
	get generation(): number {
		return this.#generation;
	}

	/**
	 * Takes a bundle (copied) from anybody, at `now` in milliseconds since the epoch. Cheap checks
	 * come first, so a list that is not wanted costs no more than its bytes.
	 *
	 * Throws `malformed` for undecodable bytes; `chain-refused` when its issuer leads to no
	 * trusted root; `untrusted` or `recertification-due` when a list that is held says so of the
	 * issuer; `list-refused` for a list that is older than the one held, differs from it under the same
	 * number, is dated ahead of the clock, is not signed by the issuer or is not complete, and for
	 * want of room. Whatever it throws, nothing that was held is lost.
	 */
	offer(bundle: Uint8Array, now: number): Offered {
		if (!Number.isFinite(now)) throw invalid("the time is not a number");
		return this.#take(bundle, now);
	}

	/**
	 * As `offer`, for whoever stores a list before it counts: nothing changes until `enforce` is
	 * called. Throws only what speaks against the sender, `malformed` and `list-refused`.
	 */
	examine(bundle: Uint8Array, now: number): Examined {
		if (!Number.isFinite(now)) throw invalid("the time is not a number");
		try {
			const { offered, enforce } = this.#examine(bundle, now);
			const { kind, list } = offered;
			return { kind, list, bundle: offered.bundle, enforce };
		} catch (thrown) {
			const error = asTetradError(thrown);
			switch (error.code) {
				// A chain may be fine for another device, whose clock and lists are others.
				case "chain-refused":
				case "untrusted":
				case "recertification-due":
					return { kind: "unusable", error, was: undefined };
				default: {
					const was = BLAMELESS.get(error);
					if (was === undefined) throw error;
					return { kind: "unusable", error, was };
				}
			}
		}
	}

	/**
	 * Takes back a bundle that was stored after it was accepted. It is verified like any other, save
	 * that certificates may have expired since and clocks may have been set back: the list must
	 * still keep older ones out. Throws like `offer`; for a root that is trusted no longer it is
	 * `chain-refused`, and the stored bundle is of no more use.
	 */
	restore(bundle: Uint8Array): Offered {
		return this.#take(bundle, undefined);
	}

	/** All that is held, to be stored. */
	bundles(): Uint8Array[] {
		return [...this.#held.values()].map(({ bundle }) => bundle);
	}

	/** The list of an authority, by its `authorityId`. */
	list(authority: Uint8Array): UntrustedList | undefined {
		return this.#held.get(hex(authority))?.list;
	}

	/** All lists that are held. */
	lists(): UntrustedList[] {
		return [...this.#held.values()].map(({ list }) => list);
	}

	/**
	 * What is held, for another device to compare: every root that is trusted here, with 0 if no
	 * list of it is held, and then the intermediates whose lists are. It tells the other device
	 * which roots this one trusts.
	 */
	numbers(): ListNumber[] {
		const numbers = new Map<string, ListNumber>();
		for (const { certificate } of this.#anchors) {
			const authority = authorityId(this.#crypto, certificate);
			numbers.set(hex(authority), { authority, number: 0n });
		}
		for (const [id, { list }] of this.#held)
			numbers.set(id, { authority: list.authority, number: list.number });
		return [...numbers.values()];
	}

	/**
	 * The bundles that the other device lacks, or has older, and can use: those under roots that
	 * it named. A root's list comes before those of the intermediates below it.
	 */
	newerThan(theirs: readonly ListNumber[]): Uint8Array[] {
		return this.missing(theirs).map(({ bundle }) => bundle);
	}

	/** As `newerThan`, with the number of each. */
	missing(theirs: readonly ListNumber[]): MissingList[] {
		const numbers = new Map(
			theirs.map(({ authority, number }) => [hex(authority), number]),
		);
		return [...this.#held]
			.filter(
				([id, { list, root, issuer }]) =>
					numbers.has(root) &&
					(numbers.get(id) ?? 0n) < list.number &&
					this.#problem(issuer.path) === undefined,
			)
			.map(([, held]) => held)
			.toSorted((a, b) => a.issuer.path.length - b.issuer.path.length)
			.map(({ list: { authority, number }, bundle }) => ({
				authority,
				number,
				bundle,
			}));
	}

	/**
	 * Throws `untrusted` when a certificate of the path, the root left out, is on its issuer's
	 * list, and `recertification-due` when it became valid before the instant from which its issuer
	 * asks for new ones. `evenIfOld` leaves out the second.
	 */
	requireTrusted(path: Path, evenIfOld = false): void {
		const problem = this.#problem(path, evenIfOld);
		if (problem !== undefined) throw problem;
	}

	/**
	 * Until when the lists about this path are fresh enough, in milliseconds since the epoch;
	 * −Infinity if one is missing, and Infinity without limits.
	 */
	freshUntil(path: Path, limits: FreshnessLimits | undefined): number {
		if (limits === undefined) return Number.POSITIVE_INFINITY;
		return Math.min(
			...this.#above(path).map(({ held, maxAgeMs }) =>
				held === undefined
					? Number.NEGATIVE_INFINITY
					: held.list.thisUpdate + maxAgeMs(limits),
			),
		);
	}

	/** Throws `list-stale` unless a list of every authority on the path is held, and is as young as the limits ask at `now`. */
	requireFresh(
		path: Path,
		limits: FreshnessLimits | undefined,
		now: number,
	): void {
		if (limits === undefined) return;
		for (const { authority, held, maxAgeMs } of this.#above(path)) {
			const who = subjectText(authority);
			if (held === undefined)
				throw stale(
					`this device holds no untrusted list of ${who}, and its policy demands one; get the list of that authority`,
				);
			const { thisUpdate } = held.list;
			if (!(now <= thisUpdate + maxAgeMs(limits)))
				throw stale(
					`the untrusted list of ${who} that this device holds is from ${timeText(thisUpdate)}, which is older than its policy allows; get a newer one`,
				);
		}
	}

	/** Each certificate of the path below the root, with its issuer and what is held of that. */
	#above(path: Path) {
		return path.slice(0, -1).map((certificate, i) => {
			const authority = path[i + 1] as Certificate;
			return {
				certificate,
				authority,
				held: this.#held.get(hex(authorityId(this.#crypto, authority))),
				maxAgeMs: ({
					maxAgeMs,
					maxAgeOfIntermediatesMs = maxAgeMs,
				}: FreshnessLimits) => (i === 0 ? maxAgeMs : maxAgeOfIntermediatesMs),
			};
		});
	}

	#problem(path: Path, evenIfOld = false): TetradError | undefined {
		for (const { certificate, held } of this.#above(path)) {
			if (held === undefined) continue;
			const { list } = held;
			const who = `the certificate of ${subjectText(certificate)}`;
			const entry = list.find(certificate.serial);
			if (entry !== undefined)
				return new TetradError(
					"untrusted",
					`${who} is on the untrusted list of ${list.issuerText} since ${timeText(entry.instant)}${entry.reason === undefined ? "" : ` (${entry.reason})`}`,
				);
			const { recertifyBefore } = list;
			if (
				!evenIfOld &&
				recertifyBefore !== undefined &&
				certificate.notBefore < recertifyBefore
			)
				return new TetradError(
					"recertification-due",
					`${who} is from before ${timeText(recertifyBefore)}, and ${list.issuerText} asks that all older ones be renewed`,
				);
		}
		return undefined;
	}

	#take(encoded: Uint8Array, now: number | undefined): Offered {
		const { offered, enforce } = this.#examine(encoded, now);
		enforce();
		return offered;
	}

	#examine(
		encoded: Uint8Array,
		now: number | undefined,
	): { readonly offered: Offered; readonly enforce: () => void } {
		if (encoded.length > MAX_BUNDLE_BYTES)
			throw listRefused(
				`a bundle of an untrusted list has ${encoded.length} bytes, and ${MAX_BUNDLE_BYTES} is the limit`,
			);
		const bundle = copy(encoded);
		const fields = BUNDLE.decode(bundle);
		const header = readListHeader(fields.list);
		const issuer =
			fields.chain.length === 0
				? this.#rootOf(header, now)
				: this.#intermediateOf(fields.chain, now);
		const authority = authorityId(this.#crypto, issuer.certificate);
		const was = { authority, number: header.number };
		const id = hex(authority);
		const held = this.#held.get(id);
		const who = subjectText(issuer.certificate);
		if (held !== undefined && header.number < held.list.number)
			throw blameless(
				listRefused(
					`the untrusted list ${header.number} of ${who} is older than list ${held.list.number}, which this device holds`,
				),
				was,
			);
		if (now !== undefined) {
			this.requireTrusted(issuer.path);
			if (header.thisUpdate > now + MAX_CLOCK_SKEW_MS)
				throw blameless(
					listRefused(
						`the untrusted list ${header.number} of ${who} is from ${timeText(header.thisUpdate)}, which is still to come; set the clock right`,
					),
					was,
				);
		}
		if (held?.list.number === header.number)
			return this.#takeAgain(held, header, issuer, bundle);
		const root = hex(
			authorityId(this.#crypto, issuer.path.at(-1) as Certificate),
		);
		const expired =
			issuer.path.length > 1 ? this.#makeRoom(was, root, bundle, now) : [];
		const list = verifyList(this.#crypto, header, issuer.certificate);
		return {
			offered: { kind: "newer", authority: list.authority, list, bundle },
			enforce: () => {
				const current = this.#held.get(id)?.list.number ?? 0n;
				if (list.number <= current) return;
				for (const other of expired) this.#held.delete(other);
				this.#held.set(id, { list, issuer, root, bundle });
				this.#generation++;
			},
		};
	}

	/**
	 * The same number again: the same list, or an authority that signed two under one number. What
	 * counts is what was signed, because anybody can write an ECDSA signature in a second way.
	 */
	#takeAgain(
		held: Held,
		header: ListHeader,
		issuer: CertifiedAuthority,
		bundle: Uint8Array,
	): { readonly offered: Offered; readonly enforce: () => void } {
		const { list } = held;
		const { authority } = list;
		if (!sameBytes(header.signedPart, list.signedPart)) {
			requireSignature(this.#crypto, header, issuer.certificate);
			// The sender holds what that authority signed.
			throw blameless(
				listRefused(
					`${list.issuerText} signed two different untrusted lists with the number ${list.number}, which it must never do; this device keeps the one it holds, and somebody should ask that authority`,
				),
				list,
			);
		}
		if (
			!sameBytes(header.der, list.der) ||
			issuer.notAfter <= held.issuer.notAfter
		)
			return {
				offered: { kind: "same", authority, list, bundle: held.bundle },
				enforce: () => {},
			};
		return {
			offered: { kind: "renewed", authority, list, bundle },
			enforce: () => {
				if (this.#held.get(hex(authority)) === held)
					this.#held.set(hex(authority), { ...held, issuer, bundle });
			},
		};
	}

	/** Several roots may have the name: one that was renewed for the same key, or one with another key, which the signature tells apart. */
	#rootOf(header: ListHeader, now: number | undefined): CertifiedAuthority {
		const named = this.#anchors
			.filter(({ certificate }) =>
				sameBytes(certificate.subject, header.issuer),
			)
			.toSorted((a, b) => b.certificate.notAfter - a.certificate.notAfter);
		const [first, ...others] = named;
		if (first === undefined)
			throw chainRefused(
				"an untrusted list is of no root that is trusted here, and no chain to one came with it",
			);
		const signer =
			others.length === 0
				? first
				: named.find(({ certificate }) =>
						isListSignedBy(this.#crypto, header, certificate),
					);
		return anchorAuthority(signer ?? first, now);
	}

	#intermediateOf(
		chain: Uint8Array,
		now: number | undefined,
	): CertifiedAuthority {
		// The fourth certificate of a chain would leave no room for a device.
		if (parseChain(chain).length === MAX_CERTIFICATES)
			throw chainRefused(
				`the issuer of an untrusted list has ${MAX_CERTIFICATES - 1} intermediates above it, and no device could be below it`,
			);
		return validateAuthority(this.#crypto, chain, this.#anchors, now);
	}

	/**
	 * Which lists have to go for this one. A root's own list always has room. Of intermediates,
	 * those that have expired make room: nothing below them is accepted any more.
	 */
	#makeRoom(
		was: ListNumber,
		root: string,
		bundle: Uint8Array,
		now: number | undefined,
	): string[] {
		const id = hex(was.authority);
		const others = [...this.#held].filter(
			([other, held]) =>
				other !== id && held.root === root && held.issuer.path.length > 1,
		);
		const expired: string[] = [];
		let count = others.length + 1;
		let bytes = bundle.length;
		for (const [, held] of others) bytes += held.bundle.length;
		const isFull = () =>
			count > MAX_LISTS_PER_ROOT || bytes > MAX_LIST_BYTES_PER_ROOT;
		for (const [other, held] of others) {
			if (!isFull()) break;
			if (now === undefined || held.issuer.notAfter >= now) continue;
			expired.push(other);
			count--;
			bytes -= held.bundle.length;
		}
		if (isFull())
			throw blameless(
				listRefused(
					`this device has no room for another untrusted list below one root: ${MAX_LISTS_PER_ROOT} lists and ${MAX_LIST_BYTES_PER_ROOT} bytes are the limit`,
				),
				was,
			);
		return expired;
	}
}

function stale(why: string): TetradError {
	return new TetradError("list-stale", why);
}
