/* The two messages of session 1, with keys that nobody honest sends. */

import { nodeCrypto, X25519_BYTES } from "../../crypto/index.ts";
import type { ErrorCode } from "../../errors.ts";
import { CONTENT, concat, FRAME } from "../../wire/index.ts";
import { type Attack, broken, type Outcome } from "../attack.ts";
import {
	afterRefusal,
	allOf,
	buyerMeets,
	callMerchant,
	Deed,
	withMessage1,
} from "../calls.ts";
import { HostileTetrad } from "../hostile/index.ts";
import type { Target } from "../target.ts";

const group = "handshake";

/**
 * Points of Curve25519, and of its twist, whose multiples are few: whoever agrees on a key with one
 * gets zero (https://cr.yp.to/ecdh.html, "validate").
 */
const SMALL_ORDER: readonly string[] = [
	"0000000000000000000000000000000000000000000000000000000000000000",
	"0100000000000000000000000000000000000000000000000000000000000000",
	"e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
	"5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
	"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
];

/** Calls with a message 1 that is changed, which has to be refused before anything is answered. */
async function offers(
	target: Target,
	signal: AbortSignal,
	change: (message1: Uint8Array) => Uint8Array,
	codes: readonly ErrorCode[] = ["authentication-failed"],
): Promise<Outcome> {
	const deed = new Deed();
	let answered = false;
	const outcome = await callMerchant(target, signal, {
		deed,
		codes,
		hooks: {
			outbound: (frame, number) => {
				if (number > 0) return [frame];
				deed.done();
				return [withMessage1(frame, change)];
			},
			inbound: (frame) => {
				if (frame[0] === FRAME.answer) answered = true;
				return [frame];
			},
		},
	});
	return answered ? broken("the merchant answered it") : outcome;
}

export const KEY_EXCHANGE_ATTACKS: readonly Attack[] = [
	{
		name: "flipped-ephemeral-key",
		group,
		tried: "one bit of the caller's ephemeral key is changed on its way",
		reference: "docs/protocol.md, Key exchange",
		async run(target, signal) {
			const deed = new Deed();
			const from = target.heard().length;
			await using wire = await target.connect(signal);
			const tetrad = HostileTetrad.calling(await target.hostile(), wire, {
				outbound: (frame, number) => {
					if (number > 0) return [frame];
					deed.done();
					return [
						withMessage1(frame, (message1) => {
							message1[7] = (message1[7] as number) ^ 1;
							return message1;
						}),
					];
				},
			});
			const end = await tetrad.establish();
			deed.require();
			if (tetrad.error("agent")?.code !== "authentication-failed")
				return broken(`the key exchange went on: ${end}`);
			return await afterRefusal(target, wire, {
				from,
				end,
				codes: ["refused-by-peer"],
			});
		},
	},
	{
		name: "small-order-point",
		group,
		tried: "the caller's X25519 key is each of the points of small order",
		reference: "RFC 7748, section 6.1; docs/protocol.md, Key exchange",
		run: (target, signal) =>
			allOf(SMALL_ORDER, (point) =>
				offers(target, signal, (message1) => {
					message1.set(Buffer.from(point, "hex"));
					return message1;
				}),
			),
	},
	{
		name: "kem-key-over-modulus",
		group,
		tried: "the caller's ML-KEM key has coefficients that are not reduced",
		reference: "FIPS 203, section 7.2; docs/protocol.md, Key exchange",
		run: (target, signal) =>
			offers(target, signal, (message1) => {
				message1.fill(0xff, X25519_BYTES, X25519_BYTES + 384);
				return message1;
			}),
	},
	{
		name: "message-cut-or-longer",
		group,
		tried: "message 1 is a byte too short, and a byte too long",
		reference: "docs/protocol.md, Messages between the agents",
		run: (target, signal) =>
			allOf([-1, 1], (by) =>
				offers(
					target,
					signal,
					(message1) =>
						by < 0
							? message1.subarray(0, by)
							: concat(message1, new Uint8Array(by)),
					["authentication-failed", "malformed"],
				),
			),
	},
	{
		name: "foreign-kem-ciphertext",
		group,
		tried:
			"a merchant answers a buyer with a ciphertext for another ML-KEM key",
		reference: "FIPS 203, section 6.3; docs/protocol.md, Key exchange",
		run(target, signal) {
			const deed = new Deed();
			return buyerMeets(target, signal, {
				deed,
				codes: ["authentication-failed"],
				hooks: {
					agent: {
						crypto: {
							...nodeCrypto,
							encapsulate(publicKey) {
								const honest = nodeCrypto.encapsulate(publicKey);
								const other = nodeCrypto.encapsulate(
									nodeCrypto.generateKem().publicKey,
								);
								if (honest === undefined || other === undefined)
									return undefined;
								deed.done();
								return { ...honest, ciphertext: other.ciphertext };
							},
						},
					},
				},
			});
		},
	},
	{
		name: "signature-of-another-role",
		group,
		tried: "the caller's agent signs as an agent that answers, and as a module",
		reference: "docs/protocol.md, Signed bytes",
		run: (target, signal) =>
			allOf(["B", "X", "LA"], (role) => {
				const deed = new Deed();
				return callMerchant(target, signal, {
					deed,
					codes: ["authentication-failed"],
					hooks: {
						agentSigns: (content, key) => {
							deed.done();
							return key.sign(signedAs(role, content));
						},
					},
				});
			}),
	},
	{
		name: "signature-of-nobody",
		group,
		tried: "the caller's agent shows its chain, and a signature of another key",
		reference: "docs/protocol.md, What is checked by whom",
		async run(target, signal) {
			const deed = new Deed();
			const side = await target.hostile();
			return callMerchant(target, signal, {
				deed,
				codes: ["authentication-failed"],
				hooks: {
					agentSigns: (content) => {
						deed.done();
						return side.module.signer.sign(content);
					},
				},
			});
		},
	},
	{
		name: "message-in-the-place-of-flight-3",
		group,
		tried: "the caller sends flight 3 as a message, and not as a handshake",
		reference: "docs/protocol.md, Order",
		run(target, signal) {
			const deed = new Deed();
			return callMerchant(target, signal, {
				deed,
				codes: ["authentication-failed", "unexpected-message"],
				hooks: {
					agent: {
						crypto: retyping(CONTENT.message, deed),
					},
				},
			});
		},
	},
];

/** Signed bytes with another role: "tetrad/1 ", the role, a zero, the fields. */
function signedAs(role: string, content: Uint8Array): Uint8Array {
	const text = Buffer.from(content);
	const begin = "tetrad/1 ".length;
	const zero = text.indexOf(0, begin);
	return concat(
		text.subarray(0, begin),
		Buffer.from(role, "ascii"),
		text.subarray(zero),
	);
}

/** Flights are sealed as contents of another type. */
function retyping(type: number, deed: Deed): typeof nodeCrypto {
	return {
		...nodeCrypto,
		aead(name, key) {
			const honest = nodeCrypto.aead(name, key);
			return {
				...honest,
				sealRecord(nonce, header, ...parts) {
					const plaintext = concat(...parts);
					if (plaintext[0] === CONTENT.handshake) {
						deed.done();
						plaintext[0] = type;
					}
					return honest.sealRecord(nonce, header, plaintext);
				},
			};
		},
	};
}
