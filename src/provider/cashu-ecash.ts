/* What Cashu needs of secp256k1, on the library that wallets of Cashu use. */
import type { EcashCrypto } from "../money/cashu/index.ts";
import { hex, parseUtf8 } from "../wire/index.ts";

/** What is asked of `@cashu/cashu-ts`. */
export type CashuLibrary = Pick<
	typeof import("@cashu/cashu-ts"),
	| "blindMessage"
	| "deriveSecretAndBlindingFactor"
	| "getPubKeyFromPrivKey"
	| "hashToCurve"
	| "pointFromBytes"
	| "schnorrSignMessage"
	| "schnorrVerifyMessage"
	| "unblindSignature"
	| "verifyDLEQProof"
	| "verifyDLEQProof_reblind"
>;

/** The order of secp256k1 (SEC 2, 2.4.1). */
const ORDER =
	0xffff_ffff_ffff_ffff_ffff_ffff_ffff_fffe_baae_dce6_af48_a03b_bfd2_5e8c_d036_4141n;

/** The library throws at what is no point, no scalar or no signature; whoever checks what a stranger sent asks for no more than that. */
function attempted<Answer, Otherwise>(
	ask: () => Answer,
	otherwise: Otherwise,
): Answer | Otherwise {
	try {
		return ask();
	} catch {
		return otherwise;
	}
}

export function cashuEcash(cashu: CashuLibrary): EcashCrypto {
	const point = (bytes: Uint8Array) => cashu.pointFromBytes(bytes);
	return {
		isPoint: (bytes) =>
			bytes.length === 33 && attempted(() => point(bytes) !== undefined, false),
		hashToCurve: (secret) => cashu.hashToCurve(secret).toBytes(true),
		blind: (secret, factor) =>
			cashu.blindMessage(secret, numberOf(factor)).B_.toBytes(true),
		unblind: (signature, factor, mintKey) =>
			attempted(
				() =>
					cashu
						.unblindSignature(
							point(signature),
							numberOf(factor),
							point(mintKey),
						)
						.toBytes(true),
				undefined,
			),
		verifyDleq: ({ e, s }, blinded, signature, mintKey) =>
			attempted(
				() =>
					cashu.verifyDLEQProof(
						{ e, s },
						point(blinded),
						point(signature),
						point(mintKey),
					),
				false,
			),
		verifyCarriedDleq: ({ e, s, r }, secret, signature, mintKey) =>
			attempted(
				() =>
					cashu.verifyDLEQProof_reblind(
						secret,
						{ e, s, r: numberOf(r) },
						point(signature),
						point(mintKey),
					),
				false,
			),
		derive(seed, keyset, counter) {
			const { secret, blindingFactor } = cashu.deriveSecretAndBlindingFactor(
				seed,
				hex(keyset),
				counter,
			);
			return { secret, factor: blindingFactor };
		},
		publicKey: (privateKey) => cashu.getPubKeyFromPrivKey(privateKey),
		addToPublicKey: (publicKey, tweak) =>
			attempted(
				() =>
					point(publicKey)
						.add(point(cashu.getPubKeyFromPrivKey(tweak)))
						.toBytes(true),
				undefined,
			),
		addToPrivateKey: (privateKey, tweak) =>
			bytesOf((numberOf(privateKey) + numberOf(tweak)) % ORDER),
		sign: (message, privateKey) =>
			bytesOfHex(cashu.schnorrSignMessage(parseUtf8(message), privateKey)),
		verify: (message, signature, publicKey) =>
			attempted(
				() =>
					cashu.schnorrVerifyMessage(
						hex(signature),
						parseUtf8(message),
						hex(publicKey),
					),
				false,
			),
	};
}

function numberOf(bytes: Uint8Array): bigint {
	return BigInt(`0x${hex(bytes)}`);
}

function bytesOf(value: bigint): Uint8Array {
	return bytesOfHex(value.toString(16).padStart(64, "0"));
}

function bytesOfHex(text: string): Uint8Array {
	return new Uint8Array(Buffer.from(text, "hex"));
}
