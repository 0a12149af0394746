/* Flight 3 with something in it that does not belong there, and flights that do not come. */
import {
	type CryptoProvider,
	nodeCrypto,
	TAG_BYTES,
} from "../../crypto/index.ts";
import { messages } from "../../tetrad/index.ts";
import { BETWEEN_AGENTS } from "../../trade/documents/index.ts";
import {
	CONTENT,
	concat,
	copy,
	FRAME,
	frameHeader,
	LINK,
	sameBytes,
} from "../../wire/index.ts";
import type { Attack } from "../attack.ts";
import {
	allOf,
	buyerMeets,
	callMerchant,
	Deed,
	sealingFlights,
} from "../calls.ts";
import { type HostileHooks, spoken } from "../hostile/index.ts";

const group = "binding";

const ZERO = new Uint8Array(32);

/** The fields of flight 3 in direct routing. */
type Flight3 = ReturnType<typeof messages.F3.direct.decode>;

/** Flight 3, direct, with other fields. */
function changingFlight3(
	deed: Deed,
	change: (fields: Flight3) => Partial<Flight3>,
): HostileHooks {
	return {
		agent: {
			crypto: sealingFlights((content) => {
				deed.done();
				const fields = messages.F3.direct.decode(content);
				return messages.F3.direct.encode({ ...fields, ...change(fields) });
			}),
		},
	};
}

/** Flight 4 with other fields, of somebody who answers. */
function changingFlight4(
	deed: Deed,
	change: Partial<ReturnType<typeof messages.F4.decode>>,
): HostileHooks {
	return {
		agent: {
			crypto: sealingFlights((content) => {
				deed.done();
				const fields = messages.F4.decode(content);
				return messages.F4.encode({ ...fields, ...change });
			}),
		},
	};
}

const REFUSED = ["authentication-failed"] as const;

/** R2, where that was the payload of message 2 of session 1. */
function shareIn(plaintext: Uint8Array): Uint8Array | undefined {
	try {
		return copy(messages.F2.decode(plaintext).r2);
	} catch {
		return undefined;
	}
}

export const FLIGHT_ATTACKS: readonly Attack[] = [
	{
		name: "wrong-proof-of-agent",
		group,
		tried: "the caller's flight 3 has zeros, or fin_X, in the place of fin_A",
		reference: "docs/protocol.md, Confirmation",
		run: (target, signal) =>
			allOf([() => ZERO, ({ finX }: Flight3) => finX], (fin) => {
				const deed = new Deed();
				const hooks = changingFlight3(deed, (fields) => ({
					finA: fin(fields),
				}));
				return callMerchant(target, signal, { deed, hooks, codes: REFUSED });
			}),
	},
	{
		name: "wrong-proof-of-module",
		group,
		tried: "the caller's flight 3 has zeros, or fin_A, in the place of fin_X",
		reference: "US 5,703,949, claim 4; docs/protocol.md, Confirmation",
		run: (target, signal) =>
			allOf([() => ZERO, ({ finA }: Flight3) => finA], (fin) => {
				const deed = new Deed();
				const hooks = changingFlight3(deed, (fields) => ({
					finX: fin(fields),
				}));
				return callMerchant(target, signal, { deed, hooks, codes: REFUSED });
			}),
	},
	{
		name: "other-r1-between-agents",
		group,
		tried: "the merchant's agent is told another R1 than the merchant's module",
		reference: "US 5,703,949, claim 1; docs/protocol.md, Direct routing",
		run(target, signal) {
			const deed = new Deed();
			const hooks = changingFlight3(deed, () => ({
				r1: new Uint8Array(32).fill(7),
			}));
			return callMerchant(target, signal, { deed, hooks, codes: REFUSED });
		},
	},
	{
		name: "other-r1-between-modules",
		group,
		tried: "the merchant's module is told another R1 than the merchant's agent",
		reference: "US 5,703,949, claim 2; docs/protocol.md, Direct routing",
		run(target, signal) {
			const deed = new Deed();
			const crypto = sealingFlights((content) => {
				deed.done();
				const fields = messages.I3.direct.decode(content);
				const r1 = new Uint8Array(32).fill(9);
				return messages.I3.direct.encode({ ...fields, r1 });
			});
			const hooks = { module: { crypto } };
			return callMerchant(target, signal, { deed, hooks, codes: REFUSED });
		},
	},
	{
		name: "equal-shares",
		group,
		tried:
			"the caller has seen R2, and chooses R1 = R2 for all, so that K is known",
		reference: "docs/protocol.md, Root key",
		run(target, signal) {
			const deed = new Deed();
			let r2: Uint8Array | undefined;
			const isR2 = (bytes: Uint8Array) =>
				r2 !== undefined && sameBytes(bytes, r2);
			const crypto: CryptoProvider = {
				...nodeCrypto,
				aead(name, key) {
					const honest = nodeCrypto.aead(name, key);
					return {
						seal: honest.seal,
						sealRecord: honest.sealRecord,
						open(nonce, associatedData, sealed) {
							const plain = honest.open(nonce, associatedData, sealed);
							r2 ??= plain && shareIn(plain);
							return plain;
						},
					};
				},
				random(length) {
					if (length !== 32 || r2 === undefined)
						return nodeCrypto.random(length);
					deed.done();
					return copy(r2);
				},
				// Its own machines would not do it.
				equal: (a, b) => (isR2(a) && isR2(b) ? false : nodeCrypto.equal(a, b)),
			};
			return callMerchant(target, signal, {
				deed,
				codes: REFUSED,
				hooks: {
					agent: { crypto },
					module: { crypto: { ...crypto, aead: nodeCrypto.aead } },
				},
			});
		},
	},
	{
		name: "crossed-shares-not-crossed",
		group,
		tried:
			"in crossed routing the caller's module gets R1, and not R2, to send across",
		reference: "US 5,703,949, claim 8; docs/protocol.md, Crossed routing",
		run(target, signal) {
			const deed = new Deed();
			return callMerchant(target, signal, {
				deed,
				codes: ["authentication-failed"],
				hooks: {
					routing: "crossed",
					link: (words) => {
						if (words.type !== LINK.bindInitiator) return [words];
						deed.done();
						const fields = messages.BIND_INITIATOR.decode(words.body);
						const share = new Uint8Array(32).fill(3);
						const body = messages.BIND_INITIATOR.encode({ ...fields, share });
						return [{ ...words, body }];
					},
				},
			});
		},
	},
	{
		name: "omitted-flight-5",
		group,
		tried:
			"in crossed routing the caller speaks in the place of flight 5, which proves its module",
		reference: "US 5,703,949, claim 8; docs/protocol.md, Order",
		run(target, signal) {
			const deed = new Deed();
			let flights = 0;
			const question = spoken(BETWEEN_AGENTS.list, { after: undefined });
			const crypto: CryptoProvider = {
				...nodeCrypto,
				aead(name, key) {
					const honest = nodeCrypto.aead(name, key);
					return {
						...honest,
						sealRecord(nonce, header, ...parts) {
							if (parts[0]?.[0] !== CONTENT.handshake || ++flights < 2)
								return honest.sealRecord(nonce, header, ...parts);
							deed.done();
							const plaintext = concat(
								Uint8Array.of(CONTENT.message),
								question,
							);
							const length = plaintext.length + TAG_BYTES;
							return honest.sealRecord(
								nonce,
								frameHeader(FRAME.record, length),
								plaintext,
							);
						},
					};
				},
			};
			return callMerchant(target, signal, {
				deed,
				codes: ["authentication-failed"],
				hooks: { routing: "crossed", agent: { crypto } },
				// Flight 4; an answer to the question would be another one.
				records: 1,
			});
		},
	},
	{
		name: "wrong-flight-5",
		group,
		tried: "in crossed routing flight 5 proves nothing of the caller's module",
		reference: "US 5,703,949, claim 8; docs/protocol.md, Confirmation",
		run(target, signal) {
			const deed = new Deed();
			const crypto = sealingFlights((content) => {
				if (content.length > 32 + 58 + 8) return content;
				deed.done();
				return messages.F5.encode({
					...messages.F5.decode(content),
					finX: ZERO,
				});
			});
			return callMerchant(target, signal, {
				deed,
				codes: REFUSED,
				hooks: { routing: "crossed", agent: { crypto } },
				records: 1,
			});
		},
	},
	{
		name: "swapped-proofs-of-the-merchant",
		group,
		tried: "a merchant answers a buyer with zeros for fin_B, or for fin_Y",
		reference: "docs/protocol.md, Confirmation",
		run: (target, signal) =>
			allOf([{ finB: ZERO }, { finY: ZERO }], (change) => {
				const deed = new Deed();
				return buyerMeets(target, signal, {
					deed,
					codes: REFUSED,
					mayBeNamed: true,
					hooks: changingFlight4(deed, change),
				});
			}),
	},
];
