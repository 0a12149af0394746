/*
 * What goes over the socket of a running agent (docs/service.md): lines of JSON. A connection asks
 * one thing. Amounts are decimal strings of minor units, bytes are base64.
 */
import { z } from "zod";
import { isErrorCode, TetradError } from "../../errors.ts";
import { AVOIDED, type Avoided } from "../../trade/agent/index.ts";
import { RAIL_NAMES, type RailName } from "../../trade/documents/index.ts";
import type {
	AgentEvent,
	AgentStatus,
	Approval,
	Balance,
	CatalogueItem,
	HistoryEntry,
	Purchase,
	Quote,
	Sale,
} from "./agent-service.ts";
import { MAX_LISTED } from "./limits.ts";

/** Of these messages. A program that speaks another does not go on. */
export const SOCKET_VERSION = 1;

const minorUnits = z.codec(
	z.string().regex(/^(0|[1-9]\d{0,18})$/),
	z.bigint(),
	{ decode: (text) => BigInt(text), encode: (amount) => amount.toString() },
);

const bytes = z.codec(z.base64(), z.instanceof(Uint8Array<ArrayBuffer>), {
	decode: (text) => new Uint8Array(Buffer.from(text, "base64")),
	encode: (raw) => Buffer.from(raw).toString("base64"),
});

const money = {
	currency: z.string(),
	exponent: z.int().min(0).max(8),
	play: z.boolean(),
	issuer: z.string(),
};

const railName = z.enum(RAIL_NAMES);

const item = {
	...money,
	item: z.string(),
	kind: z.enum(["file", "inline", "made-on-order"]),
	amount: minorUnits,
	size: z.number().optional(),
	type: z.string().optional(),
	about: z.string().optional(),
	rail: railName,
	mint: z.string().optional(),
	unit: z.string().optional(),
};

const merchantRisk = z.enum([
	"double-spent",
	"claimed-too-late",
	"issuer-corrupt",
]);

const promises = z.object({
	isOffline: z.boolean(),
	seenBy: z.enum(["nobody", "issuer", "everybody", "amount-by-issuer"]),
	locks: z.enum(["at-commit", "after-commit"]),
	finalAt: z.enum(["commit", "lock", "claim"]),
	doubtEnds: z.enum(["when-asked", "at-deadline"]),
	buyerRisks: z.array(
		z.enum([
			"waits-for-issuer",
			"locked-to-deadline",
			"key-forgotten",
			"issuer-corrupt",
		]),
	),
	merchantRisks: z.array(merchantRisk),
	merchantRisksWhenAsked: z.array(merchantRisk),
});

const errorCode = z.custom<TetradError["code"]>(
	(code) => typeof code === "string" && isErrorCode(code),
);

const catalogueItem: z.ZodType<CatalogueItem> = z.object(item);

const quote: z.ZodType<Quote> = z.object({
	...item,
	id: z.string(),
	fee: minorUnits.optional(),
	order: z.string().optional(),
	merchant: z.string(),
	merchantId: z.string(),
	address: z.string(),
	module: z.string(),
	moduleId: z.string(),
	until: z.string(),
	promises,
});

const purchase: z.ZodType<Purchase> = z.object({
	...money,
	contract: z.string(),
	quote: z.string().optional(),
	state: z.enum(["bought", "wrong", "not-bought", "void", "in-doubt"]),
	time: z.string(),
	item: z.string(),
	order: z.string().optional(),
	merchant: z.string(),
	merchantId: z.string(),
	module: z.string(),
	amount: minorUnits,
	rail: railName,
	mint: z.string().optional(),
	unit: z.string().optional(),
	fee: minorUnits.optional(),
	refunded: minorUnits.optional(),
	until: z.string(),
	path: z.string(),
	size: z.number(),
	receipted: z.boolean(),
	code: z.string().optional(),
	reason: z.string().optional(),
});

const sale: z.ZodType<Sale> = z.object({
	...money,
	module: z.string().optional(),
	contract: z.string(),
	time: z.string(),
	item: z.string(),
	buyer: z.string(),
	amount: minorUnits,
	rail: railName.optional(),
	mint: z.string().optional(),
	unit: z.string().optional(),
	refunded: minorUnits.optional(),
});

const balance: z.ZodType<Balance> = z.object({
	...money,
	module: z.string().optional(),
	spendable: minorUnits,
	held: minorUnits,
	heldBecause: z.enum(["behind", "issuer-not-met", "earlier-key"]).optional(),
	toDeposit: minorUnits,
	toBook: minorUnits,
	inDoubt: minorUnits,
	toClaim: minorUnits,
	ordered: minorUnits,
});

const historyEntry: z.ZodType<HistoryEntry> = z.object({
	module: z.string().optional(),
	currency: money.currency.optional(),
	exponent: money.exponent.optional(),
	play: money.play.optional(),
	issuer: money.issuer.optional(),
	number: minorUnits,
	time: z.string(),
	what: z.string(),
	amount: minorUnits,
	subject: z.string(),
	peer: z.string(),
	with: z.string().optional(),
	text: z.string(),
});

const approval: z.ZodType<Approval> = z.object({
	...money,
	module: z.string().optional(),
	contract: z.string(),
	state: z.enum(["waiting", "approved", "denied"]),
	amount: minorUnits,
	fee: minorUnits.optional(),
	payee: z.string(),
	payeeId: z.string(),
	text: z.string(),
	because: z.enum(["amount", "new-merchant", "asked"]),
	reason: z.string(),
	asked: z.string(),
});

/** When the issuer was met, and why it could not be since. */
const meetings = {
	settled: z.object({ time: z.string(), issuer: z.string() }).optional(),
	trouble: z
		.object({ time: z.string(), code: errorCode, reason: z.string() })
		.optional(),
};

const status: z.ZodType<AgentStatus> = z.object({
	name: z.string(),
	home: z.string(),
	process: z.number(),
	since: z.string(),
	module: z.string(),
	isLinked: z.boolean(),
	modules: z
		.array(
			z.object({
				...{ name: z.string(), id: z.string(), address: z.string() },
				port: z.number().optional(),
				isLinked: z.boolean(),
				...meetings,
			}),
		)
		.optional(),
	listening: z.array(z.string()),
	...meetings,
	inDoubt: z.number(),
	crypto: z.string(),
});

/** What happens is said by the program of the same package at the other end; it is data for people and logs, and nothing follows from it here. */
const event: z.ZodType<AgentEvent> = z.custom<AgentEvent>(
	(value) =>
		typeof value === "object" &&
		value !== null &&
		"event" in value &&
		typeof value.event === "string",
);

/** What can be asked for: what has to be said with it, and what is answered, once or line by line. */
export interface Ask<With, Answer> {
	readonly with: z.ZodType<With>;
	readonly answer: z.ZodType<Answer>;
}

interface Listed {
	readonly limit?: number | undefined;
}

/** What is answered once. */
export interface Asks {
	readonly quote: Ask<
		{
			readonly merchant: string;
			readonly item: string;
			readonly order?: string | undefined;
			readonly rails?: readonly RailName[] | undefined;
			readonly avoid?: readonly Avoided[] | undefined;
			readonly currency?: string | undefined;
		},
		Quote
	>;
	readonly buy: Ask<
		{
			readonly quote: string;
			readonly to?: string | undefined;
			readonly folder?: string | undefined;
			readonly overwrite?: boolean | undefined;
			readonly maximum?: bigint | undefined;
			readonly maxBytes?: number | undefined;
			readonly waits?: boolean | undefined;
			readonly askOwner?: boolean | undefined;
			readonly askOwnerAgainWithinMs?: number | undefined;
		},
		Purchase
	>;
	readonly balance: Ask<object, readonly Balance[]>;
	readonly receipt: Ask<{ readonly contract: string }, Uint8Array>;
	readonly dispute: Ask<{ readonly contract: string }, Uint8Array>;
	readonly settle: Ask<object, null>;
	readonly resolve: Ask<
		{
			readonly at?: string | undefined;
			readonly isMerchant?: boolean | undefined;
			readonly learn?: boolean | undefined;
			readonly folder?: string | undefined;
		},
		readonly Purchase[]
	>;
	readonly takeRefund: Ask<{ readonly contract: string }, bigint>;
	readonly approvals: Ask<object, readonly Approval[]>;
	readonly status: Ask<object, AgentStatus>;
}

/** What is answered line by line. */
export interface Lists {
	readonly catalogue: Ask<{ readonly merchant: string }, CatalogueItem>;
	readonly history: Ask<Listed, HistoryEntry>;
	readonly purchases: Ask<Listed, Purchase>;
	readonly sales: Ask<Listed, Sale>;
	readonly events: Ask<object, AgentEvent>;
}

const address = z.string().min(1).max(300);
const path = z.string().min(1).max(4096);
const contract = z.string().min(1).max(64);
const nothing = z.strictObject({});
const listed: z.ZodType<Listed> = z.strictObject({
	limit: z.int().min(0).max(MAX_LISTED).optional(),
});

export const ASKS: Asks = {
	quote: {
		with: z.strictObject({
			merchant: address,
			item: z.string().max(1024),
			order: z.string().max(8192).optional(),
			rails: z.array(railName).max(RAIL_NAMES.length).optional(),
			avoid: z.array(z.enum(AVOIDED)).max(AVOIDED.length).optional(),
			currency: z.string().max(8).optional(),
		}),
		answer: quote,
	},
	buy: {
		with: z.strictObject({
			quote: z.string().max(64),
			to: path.optional(),
			folder: path.optional(),
			overwrite: z.boolean().optional(),
			maximum: minorUnits.optional(),
			maxBytes: z.int().min(0).optional(),
			waits: z.boolean().optional(),
			askOwner: z.boolean().optional(),
			askOwnerAgainWithinMs: z.int().min(0).optional(),
		}),
		answer: purchase,
	},
	balance: { with: nothing, answer: z.array(balance) },
	receipt: { with: z.strictObject({ contract }), answer: bytes },
	dispute: { with: z.strictObject({ contract }), answer: bytes },
	settle: { with: nothing, answer: z.null() },
	resolve: {
		with: z.strictObject({
			at: address.optional(),
			isMerchant: z.boolean().optional(),
			learn: z.boolean().optional(),
			folder: path.optional(),
		}),
		answer: z.array(purchase),
	},
	takeRefund: { with: z.strictObject({ contract }), answer: minorUnits },
	approvals: { with: nothing, answer: z.array(approval) },
	status: { with: nothing, answer: status },
};

export const LISTS: Lists = {
	catalogue: {
		with: z.strictObject({ merchant: address }),
		answer: catalogueItem,
	},
	history: { with: listed, answer: historyEntry },
	purchases: { with: listed, answer: purchase },
	sales: { with: listed, answer: sale },
	events: { with: nothing, answer: event },
};

/** What the running agent says first. */
export interface Greeting {
	readonly tetrad: "agent";
	readonly version: number;
	/** Its certified name. */
	readonly name: string;
}

const greeting: z.ZodType<Greeting> = z.object({
	tetrad: z.literal("agent"),
	version: z.number(),
	name: z.string(),
});

/** What it says in the place of that to a program which it has no place for; nothing can be asked then. */
export interface Refusal {
	readonly error: { readonly code: string; readonly message: string };
}

const refusal: z.ZodType<Refusal> = z.object({
	error: z.object({ code: z.string(), message: z.string() }),
});

/** What the program says: what it asks for, and then at most that it is to be stopped. */
export type Request =
	| { readonly do: string; readonly with: unknown }
	| { readonly stop: true };

const request: z.ZodType<Request> = z.union([
	z.strictObject({ do: z.string().max(32), with: z.unknown() }),
	z.strictObject({ stop: z.literal(true) }),
]);

/** What the agent says of it. An answer, an error or the end of a list comes last. */
export type Reply =
	| { readonly step: AgentEvent }
	| { readonly item: unknown }
	| { readonly answer: unknown }
	| { readonly end: true }
	| Refusal;

const reply: z.ZodType<Reply> = z.union([
	z.object({ step: event }),
	z.object({ item: z.unknown() }),
	z.object({ answer: z.unknown() }),
	z.object({ end: z.literal(true) }),
	refusal,
]);

export const parseGreeting = (line: string): Greeting | Refusal =>
	parsed(z.union([greeting, refusal]), line);
export const parseRequest = (line: string): Request => parsed(request, line);
export const parseReply = (line: string): Reply => parsed(reply, line);

export function lineOf(message: Greeting | Request | Reply): string {
	return `${JSON.stringify(message)}\n`;
}

/** A part of a message under its schema. Throws `malformed`, with where it is wrong. */
export function decoded<Of>(schema: z.ZodType<Of>, value: unknown): Of {
	const result = schema.safeParse(value);
	if (result.success) return result.data;
	const [issue] = result.error.issues;
	throw new TetradError(
		"malformed",
		`${issue?.path.join(".") || "what was said"}: ${issue?.message ?? "is not valid"}`,
	);
}

/** What `decoded` reads back. */
export function encoded<Of>(schema: z.ZodType<Of>, value: Of): unknown {
	return z.encode(schema, value);
}

function parsed<Of>(schema: z.ZodType<Of>, line: string): Of {
	let value: unknown;
	try {
		value = JSON.parse(line);
	} catch (cause) {
		throw new TetradError("malformed", "a line is not JSON", { cause });
	}
	return decoded(schema, value);
}
