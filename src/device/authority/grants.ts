/* Whom an authority may certify under a name, and what it answers. */
import { TetradError } from "../../errors.ts";
import {
	type CertificationRequest,
	type IssuingAuthority,
	parseCertificate,
	type TamperResistance,
} from "../../identity/index.ts";
import { sameBytes } from "../../wire/index.ts";
import type { AuthorityRegister, IssuedRecord } from "./authority-register.ts";

export interface GrantOptions {
	/** How long the certificate is valid, in days. */
	readonly days?: number | undefined;
	/** Revoke what holds the name, and give the name to this key. */
	readonly replace?: boolean | undefined;
	/** Throws unless this is the SHA-256 of the request, in hexadecimal. */
	readonly expectedHash?: string | undefined;
}

export interface DeviceGrantOptions extends GrantOptions {
	/** What is attested; the authority has to have established it. */
	readonly level?: TamperResistance | undefined;
}

/** What an authority answers. */
export interface Answer {
	/** The certificate and those above it, without the root, in DER. */
	readonly chain: readonly Uint8Array[];
	readonly record: IssuedRecord;
	/** SHA-256 of the request, in hexadecimal. */
	readonly hash: string;
	/** What the request wished to have attested. */
	readonly wished: readonly TamperResistance[];
	/** Whether the same request was answered before, and this is that answer. */
	readonly again: boolean;
	/** Serial numbers of certificates that were revoked to make room for it. */
	readonly revoked: readonly string[];
}

/** What is written beside the certificate. */
export interface Plan {
	readonly subject: "device" | "authority";
	readonly levels: readonly TamperResistance[];
	readonly options: GrantOptions;
	readonly defaultDays: number;
	/** The certificate that asked, for a renewal. */
	readonly renews: string | undefined;
	readonly grant: (validity: {
		issuer: IssuingAuthority;
		notBefore: number;
		notAfter: number;
		recertifyBefore: number | undefined;
	}) => Promise<Uint8Array>;
}

export function nameHeld(name: string, serial: string): TetradError {
	return refused(
		`the name "${name}" is held by certificate ${serial}; a device that has it renews it (tetrad recertify), and one that lost its key takes it over with --replace, which revokes the other`,
	);
}

/** Who has the name that a request asks for, and is not the one who asks. */
export function holders(
	register: AuthorityRegister,
	request: CertificationRequest,
	plan: Plan,
	now: number,
): IssuedRecord[] {
	const live = register
		.live(request.name, now)
		.filter(({ subject }) => subject === plan.subject);
	if (plan.subject === "authority")
		return live.filter(({ certificate }) => {
			const held = parseCertificate(
				new Uint8Array(Buffer.from(certificate, "base64")),
			);
			return !sameBytes(held.publicKey, request.publicKey);
		});
	if (plan.renews === undefined) return live;
	// What a renewal replaces is an earlier answer to the same certificate.
	return live.filter(({ renews }) => renews === plan.renews);
}

/** A stolen key must not begin a second line of certificates beside the one that its owner went on with. */
export function requireMayRenew(
	register: AuthorityRegister,
	name: string,
	serial: string,
	replace: boolean,
): void {
	if (register.certificate(serial) === undefined)
		throw refused(
			`the certificate of "${name}" was not issued here; renew it where it was issued, or enroll the device anew`,
		);
	if (register.revocation(serial) !== undefined)
		throw new TetradError(
			"untrusted",
			`the certificate ${serial} of "${name}" was revoked; enroll the device anew, with a new key`,
		);
	const answered = register
		.issued()
		.find(
			(record) =>
				record.renews === serial && !register.revocation(record.serial),
		);
	if (answered !== undefined && !replace)
		throw refused(
			`the certificate ${serial} of "${name}" was renewed already, by certificate ${answered.serial} for another key; if its owner lost that key, use --replace, which revokes it`,
		);
}

/** Throws unless an earlier answer to the same request may be given again. */
export function requireSameAnswer(
	register: AuthorityRegister,
	earlier: IssuedRecord,
	levels: readonly TamperResistance[],
): void {
	const { name, serial } = earlier;
	if (register.revocation(serial) !== undefined)
		throw new TetradError(
			"untrusted",
			`that request of "${name}" was answered with certificate ${serial}, which was revoked since; make a new key, and ask with that`,
		);
	if (levels.toSorted().join() !== earlier.levels.toSorted().join())
		throw refused(
			`that request of "${name}" was answered with certificate ${serial}, which attests ${earlier.levels.join(", ") || "nothing"}; use --replace, which revokes it, to attest something else`,
		);
}

/** What an authority does not certify. */
export function refused(why: string): TetradError {
	return new TetradError("chain-refused", why);
}
