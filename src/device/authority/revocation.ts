import type { UntrustedReason } from "../../identity/index.ts";
import type { AuthorityRegister, RevokedRecord } from "./authority-register.ts";

/** Which certificates are revoked: all of a name, or the one with a serial number in hexadecimal. */
export type Revocable = { readonly name: string } | { readonly serial: string };

/** A certificate that is revoked. */
export interface Revoked {
	readonly serial: string;
	readonly name: string;
	/** Since when, in milliseconds since the epoch. */
	readonly at: number;
	/** Whether it had been revoked before. */
	readonly again: boolean;
}

/**
 * Writes into the register what is revoked, and says it; `undefined` when no such certificate was
 * ever issued. Of a name, those count that have not expired, or were revoked before.
 */
export async function revoke(
	register: AuthorityRegister,
	which: Revocable,
	reason: UntrustedReason | undefined,
	now: number,
): Promise<readonly Revoked[] | undefined> {
	const records = register
		.issued()
		.filter((record) =>
			"name" in which
				? record.name === which.name
				: record.serial === which.serial,
		);
	if (records.length === 0) return undefined;
	const counting =
		"name" in which
			? records.filter(
					(record) =>
						record.notAfter >= now || register.revocation(record.serial),
				)
			: records;
	const fresh = counting.filter(
		({ serial }) => register.revocation(serial) === undefined,
	);
	if (fresh.length > 0)
		await register.append(
			...fresh.map(({ serial }) => revocation(serial, now, reason)),
		);
	return counting.map(({ serial, name }) => ({
		serial,
		name,
		at: register.revocation(serial)?.at ?? now,
		again: !fresh.some((record) => record.serial === serial),
	}));
}

/** What the register keeps of a revocation. */
export function revocation(
	serial: string,
	at: number,
	reason: UntrustedReason | undefined,
): RevokedRecord {
	return {
		act: "revoked",
		at,
		serial,
		...(reason === undefined ? {} : { reason }),
	};
}
