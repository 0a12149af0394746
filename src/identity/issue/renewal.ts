import { type CryptoProvider, SIGNATURE_BYTES } from "../../crypto/index.ts";
import { authenticationFailed, TetradError } from "../../errors.ts";
import {
	bytes,
	copy,
	formOf,
	type Structure,
	signedBytes,
	structure,
	time,
} from "../../wire/index.ts";
import type { ChainVerdicts } from "../verdicts/index.ts";
import {
	type CertifiedDevice,
	chainHash,
	chainRefused,
	type DeviceRole,
	invalid,
	MAX_CHAIN_BYTES,
	MAX_CLOCK_SKEW_MS,
	MAX_RENEWAL_AGE_MS,
	MAX_REQUEST_BYTES,
	type Signer,
	timeText,
	wrongSignature,
} from "../x509/index.ts";
import { type CertificationRequest, parseRequest } from "./request.ts";

/** What a device sends to its authority to be recertified. */
interface RenewalFields {
	/** PKCS#10, in DER, signed by the new key. */
	readonly request: Uint8Array;
	/** Encoded: the chain that the old key is certified by. */
	readonly chain: Uint8Array;
	/** When it was signed: milliseconds since the epoch. */
	readonly instant: number;
	/** By the old key, over `signedBytes("RC", hash of the request, chain hash, instant)`. */
	readonly signature: Uint8Array;
}

const RENEWAL: Structure<RenewalFields> = structure<RenewalFields>(
	"a renewal",
	{
		request: bytes(1, MAX_REQUEST_BYTES),
		chain: bytes(1, MAX_CHAIN_BYTES),
		instant: time,
		signature: bytes(SIGNATURE_BYTES),
	},
);

/** The largest renewal, in bytes. */
export const MAX_RENEWAL_BYTES: number = RENEWAL.maxBytes;

/** What a device signs to have a new key certified under its id. */
export interface NewRenewal {
	/** The request of the new key for the same name, in DER. */
	readonly request: Uint8Array;
	/** The current chain, encoded. */
	readonly chain: Uint8Array;
	/** The key that the current chain certifies. It may be the one in the request. */
	readonly signer: Signer;
	/** Milliseconds since the epoch. */
	readonly now: number;
}

const minted: unique symbol = Symbol();

/** A device that asked to be recertified, in its own name. Only `openRenewal` makes one. */
export class Renewal {
	/** An object of the same form is none: only the check makes one. */
	declare protected readonly minted: true;
	readonly request: CertificationRequest;
	/** As its current chain certifies it; its name and role are those of the request. */
	readonly device: CertifiedDevice;
	/** When it asked, in milliseconds since the epoch. */
	readonly instant: number;

	constructor(
		proof: typeof minted,
		request: CertificationRequest,
		device: CertifiedDevice,
		instant: number,
	) {
		if (proof !== minted)
			throw new TetradError("internal", "only a check can make this value");
		this.request = request;
		this.device = device;
		this.instant = instant;
	}
}

/**
 * Asks that a new key be certified in the place of the current one: the request of the new key
 * (RFC 2986), and a statement over it by the current key, so that nobody else can have a device
 * replaced. Rejects with `invalid-argument` for a time that is not one, `key-store-failed` for a
 * signature of a wrong length, and with whatever the signer rejects.
 */
export async function makeRenewal(
	crypto: CryptoProvider,
	{ request, chain, signer, now }: NewRenewal,
): Promise<Uint8Array> {
	if (!Number.isSafeInteger(Math.floor(now)) || now < 0)
		throw invalid("the time is not a number of milliseconds since the epoch");
	const instant = Math.floor(now);
	const statement = statementOf(crypto, request, chain, instant);
	const signature = await signer.sign(statement);
	if (
		signature.length !== SIGNATURE_BYTES ||
		!crypto.verify(signer.algorithm, signer.publicKey, statement, signature)
	)
		throw wrongSignature("this device");
	return copy(RENEWAL.encode({ request, chain, instant, signature }));
}

/**
 * Judges a renewal (copied) for the authority that `verdicts` trusts. The current chain must be
 * one that is accepted now, save that it may be older than a recertification which the
 * authority asked for: that is what the device is here for. The request must be for the same
 * name. A statement counts for `MAX_RENEWAL_AGE_MS`; the caller remembers the hashes of the
 * requests that it answered for so long, and answers each once.
 *
 * Throws `malformed`, `chain-refused` or `untrusted` with the reason, and
 * `authentication-failed` when the current key did not sign.
 */
export function openRenewal(
	crypto: CryptoProvider,
	bytes: Uint8Array,
	role: DeviceRole,
	verdicts: ChainVerdicts,
	now: number,
): Renewal {
	const fields = RENEWAL.decode(copy(bytes));
	const request = parseRequest(crypto, fields.request);
	const device = verdicts.judgeForRecertification(fields.chain, role, now);
	const { instant } = fields;
	const statement = statementOf(crypto, fields.request, fields.chain, instant);
	const { algorithm, publicKey } = device;
	if (!crypto.verify(algorithm, publicKey, statement, fields.signature))
		throw authenticationFailed();
	request.requireFor("device", role);
	if (request.name !== device.name)
		throw chainRefused(
			`"${device.name}" asks to be recertified as "${request.name}"; a device keeps its name`,
		);
	requireRecent(device.name, instant, now);
	return new Renewal(minted, request, device, instant);
}

/** An old statement may name a key that was lost since. */
function requireRecent(name: string, instant: number, now: number): void {
	if (instant > now + MAX_CLOCK_SKEW_MS)
		throw chainRefused(
			`"${name}" asked to be recertified at a time that is still to come; set the clocks right, and ask again`,
		);
	if (!(instant >= now - MAX_RENEWAL_AGE_MS))
		throw chainRefused(
			`"${name}" asked to be recertified on ${timeText(instant)}, which is too long ago; ask again`,
		);
}

function statementOf(
	crypto: CryptoProvider,
	request: Uint8Array,
	chain: Uint8Array,
	instant: number,
): Uint8Array {
	return signedBytes(
		"RC",
		crypto.sha256(request),
		chainHash(crypto, chain),
		formOf(time, instant),
	);
}
