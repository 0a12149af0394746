/* What the HTTP API of an issuer takes and answers. */
import { z } from "@hono/zod-openapi";

const bytes = (length: number, what: string) =>
	z
		.string()
		.regex(
			new RegExp(`^[0-9a-f]{${2 * length}}$`),
			`is no ${what}: that has ${2 * length} hexadecimal digits, in small letters`,
		);

export const deviceIdText = z
	.string()
	.regex(
		/^([0-9a-f]{2}){41,104}$/,
		"is no device id: those are in hexadecimal, in small letters",
	)
	.openapi({ description: "A module's device id, in hexadecimal." });

export const hashText = bytes(32, "id").openapi({
	description: "An id of 32 bytes, in hexadecimal.",
});

const amountText = z
	.string()
	.regex(/^[0-9]{1,19}(\.[0-9]{1,8})?$/, 'is no amount such as "12.50"')
	.openapi({ description: "Decimal, exact.", example: "12.50" });

/** What is answered; a ledger that was tampered with may even hold less than nothing. */
const heldText = z
	.string()
	.regex(/^-?[0-9]{1,40}(\.[0-9]{1,8})?$/)
	.openapi({ description: "Decimal, exact.", example: "12.50" });

const play = z.boolean().openapi({
	description: "true: play money, which nobody exchanges for anything.",
});

const kind = {
	currency: z.string(),
	play,
	/** Said wherever a person could think otherwise. */
	note: z.string().optional(),
};

export const termsJson = z
	.strictObject({
		issuer: deviceIdText,
		name: z.string(),
		currency: z.string(),
		exponent: z.int(),
		play,
		note: z.string().optional(),
	})
	.openapi("Terms");

export const accountJson = z
	.strictObject({
		id: deviceIdText,
		name: z.string(),
		balance: heldText,
		opened: z.iso.datetime(),
		...kind,
	})
	.openapi("Account");

export const accountsJson = z
	.strictObject({
		accounts: z.array(accountJson),
		next: z.string().optional(),
	})
	.openapi("Accounts");

export const newAccountJson = z
	.strictObject({
		name: z.string().min(1).max(64).optional().openapi({
			description:
				"The certified name in the device id, to be sure that it is the right one.",
		}),
	})
	.openapi("NewAccount");

export const newCreditJson = z
	.strictObject({
		amount: amountText,
		reference: z
			.string()
			.min(1)
			.max(100)
			.regex(/^[^\p{Cc}\p{Cs}]+$/u, "has a character that cannot be kept")
			.openapi({
				description:
					"Another one for each credit; the same one credits once, however often it is sent.",
			}),
	})
	.openapi("NewCredit");

export const creditJson = z
	.strictObject({
		credited: heldText,
		reference: z.string(),
		isNew: z.boolean(),
		account: accountJson,
	})
	.openapi("Credit");

export const noteJson = z
	.strictObject({
		id: hashText,
		holder: deviceIdText,
		value: heldText,
		booked: heldText,
		claimed: heldText,
		bookings: z.int(),
		issued: z.iso.datetime(),
		expires: z.iso.datetime(),
		...kind,
	})
	.openapi("Note");

export const conflictsJson = z
	.strictObject({
		conflicts: z.array(
			z.strictObject({
				id: hashText,
				holder: deviceIdText,
				name: z.string(),
				note: hashText,
				first: hashText,
				second: hashText,
				at: z.iso.datetime(),
			}),
		),
		next: z.string().optional(),
	})
	.openapi("Conflicts");

export const auditJson = z
	.strictObject({
		issued: heldText,
		outstanding: heldText,
		returned: heldText,
		expired: heldText,
		balanced: z.boolean(),
		currency: z.string(),
		play,
		problems: z.array(z.string()),
	})
	.openapi("Audit");

export const healthJson = z
	.strictObject({ status: z.literal("ok") })
	.openapi("Health");

/** RFC 9457. */
export const problemJson = z
	.strictObject({
		type: z.string(),
		title: z.string(),
		status: z.int(),
		detail: z.string(),
		code: z.string(),
	})
	.openapi("Problem");

export type TermsJson = z.infer<typeof termsJson>;
export type AccountJson = z.infer<typeof accountJson>;
export type AccountsJson = z.infer<typeof accountsJson>;
export type CreditJson = z.infer<typeof creditJson>;
export type NoteJson = z.infer<typeof noteJson>;
export type ConflictsJson = z.infer<typeof conflictsJson>;
export type AuditJson = z.infer<typeof auditJson>;
export type ProblemJson = z.infer<typeof problemJson>;
