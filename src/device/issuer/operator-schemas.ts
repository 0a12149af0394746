/* What the HTTP API of an issuer takes and answers. */
import { z } from "@hono/zod-openapi";

/** What is said beside each amount: of which currency, and whether that is play money. */
interface OfMoney {
	readonly currency: string;
	readonly play: boolean;
	/** Said wherever a person could think otherwise. */
	readonly note?: string | undefined;
}

/** The terms of the issuer. */
export interface TermsJson extends OfMoney {
	readonly issuer: string;
	readonly name: string;
	readonly exponent: number;
}

export interface AccountJson extends OfMoney {
	readonly id: string;
	readonly name: string;
	readonly balance: string;
	readonly opened: string;
}

export interface AccountsJson {
	readonly accounts: AccountJson[];
	readonly next?: string | undefined;
}

interface NewAccountJson {
	readonly name?: string | undefined;
}

interface NewCreditJson {
	readonly amount: string;
	readonly reference: string;
}

export interface CreditJson {
	readonly credited: string;
	readonly reference: string;
	readonly isNew: boolean;
	readonly account: AccountJson;
}

export interface NoteJson extends OfMoney {
	readonly id: string;
	readonly holder: string;
	readonly value: string;
	readonly booked: string;
	readonly claimed: string;
	readonly bookings: number;
	readonly issued: string;
	readonly expires: string;
}

export interface ConflictsJson {
	readonly conflicts: {
		readonly id: string;
		readonly holder: string;
		readonly name: string;
		readonly note: string;
		readonly first: string;
		readonly second: string;
		readonly at: string;
	}[];
	readonly next?: string | undefined;
}

export interface SaleJson extends OfMoney {
	readonly transfer: string;
	readonly contract: string;
	readonly state: "booked" | "void" | "declined";
	readonly amount: string;
	readonly buyer: string;
	readonly buyerName: string;
	readonly merchant: string;
	readonly merchantName: string;
	readonly at: string;
	/** Of a void one: when its buyer was credited. */
	readonly credited?: string | undefined;
}

export interface SalesJson {
	readonly sales: SaleJson[];
	readonly next?: string | undefined;
}

export interface AuditJson {
	readonly issued: string;
	readonly outstanding: string;
	readonly returned: string;
	readonly expired: string;
	/** Of sales that are void, and whose payers have not asked yet. */
	readonly owed: string;
	readonly balanced: boolean;
	readonly currency: string;
	readonly play: boolean;
	readonly problems: string[];
}

/** RFC 9457. */
export interface ProblemJson {
	readonly type: string;
	readonly title: string;
	readonly status: number;
	readonly detail: string;
	readonly code: string;
}

const bytes = (length: number, what: string): z.ZodString =>
	z
		.string()
		.regex(
			new RegExp(`^[0-9a-f]{${2 * length}}$`),
			`is no ${what}: that has ${2 * length} hexadecimal digits, in small letters`,
		);

export const deviceIdText: z.ZodString = z
	.string()
	.regex(
		/^([0-9a-f]{2}){41,104}$/,
		"is no device id: those are in hexadecimal, in small letters",
	)
	.openapi({ description: "A module's device id, in hexadecimal." });

export const hashText: z.ZodString = bytes(32, "id").openapi({
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
	note: z.string().optional(),
};

export const termsJson: z.ZodType<TermsJson> = z
	.strictObject({
		issuer: deviceIdText,
		name: z.string(),
		currency: z.string(),
		exponent: z.int(),
		play,
		note: z.string().optional(),
	})
	.openapi("Terms");

export const accountJson: z.ZodType<AccountJson> = z
	.strictObject({
		id: deviceIdText,
		name: z.string(),
		balance: heldText,
		opened: z.iso.datetime(),
		...kind,
	})
	.openapi("Account");

export const accountsJson: z.ZodType<AccountsJson> = z
	.strictObject({
		accounts: z.array(accountJson),
		next: z.string().optional(),
	})
	.openapi("Accounts");

export const newAccountJson: z.ZodType<NewAccountJson> = z
	.strictObject({
		name: z.string().min(1).max(64).optional().openapi({
			description:
				"The certified name in the device id, to be sure that it is the right one.",
		}),
	})
	.openapi("NewAccount");

export const newCreditJson: z.ZodType<NewCreditJson> = z
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

export const creditJson: z.ZodType<CreditJson> = z
	.strictObject({
		credited: heldText,
		reference: z.string(),
		isNew: z.boolean(),
		account: accountJson,
	})
	.openapi("Credit");

export const noteJson: z.ZodType<NoteJson> = z
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

export const conflictsJson: z.ZodType<ConflictsJson> = z
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

const saleJson: z.ZodType<SaleJson> = z
	.strictObject({
		transfer: hashText,
		contract: hashText,
		state: z.enum(["booked", "void", "declined"]),
		amount: heldText,
		buyer: deviceIdText,
		buyerName: z.string(),
		merchant: deviceIdText,
		merchantName: z.string(),
		at: z.iso.datetime(),
		credited: z.iso.datetime().optional().openapi({
			description:
				"When the buyer of a void one was credited; it is owed the amount before that.",
		}),
		...kind,
	})
	.openapi("Sale");

export const salesJson: z.ZodType<SalesJson> = z
	.strictObject({
		sales: z.array(saleJson),
		next: z.string().optional(),
	})
	.openapi("Sales");

export const auditJson: z.ZodType<AuditJson> = z
	.strictObject({
		issued: heldText,
		outstanding: heldText,
		returned: heldText,
		expired: heldText,
		owed: heldText.openapi({
			description:
				"What of it is of sales that are void, and whose payers have not asked yet.",
		}),
		balanced: z.boolean(),
		currency: z.string(),
		play,
		problems: z.array(z.string()),
	})
	.openapi("Audit");

export const healthJson: z.ZodType<{ readonly status: "ok" }> = z
	.strictObject({ status: z.literal("ok") })
	.openapi("Health");

export const problemJson: z.ZodType<ProblemJson> = z
	.strictObject({
		type: z.string(),
		title: z.string(),
		status: z.int(),
		detail: z.string(),
		code: z.string(),
	})
	.openapi("Problem");
