import { parse as parseToml, TomlError } from "smol-toml";
import { z } from "zod";
import { parseAddress } from "../../carrier/index.ts";
import { asTetradError } from "../../errors.ts";
import { DEPOSIT_MARGIN_MS } from "../../money/index.ts";
import { AVOIDED } from "../../trade/agent/index.ts";
import { RAIL_NAMES } from "../../trade/documents/index.ts";
import { MAX_OWN_MODULES, readText, unusable } from "../home/index.ts";

/*
 * tetrad.toml, which says what the commands of a side need not be told each time. Every key but
 * kind and name may be left out; a key that is not here is refused.
 */

/** The file of a side, in its folder. */
export const SIDE_FILE = "tetrad.toml";

/** Processes that one agent may have on a machine. */
export const MAX_AGENT_PROCESSES = 64;

/** What a side is for. */
export type SideKind = "buyer" | "shop" | "issuer";

/**
 * Who starts the module: `apart` is a process of its own; `inside-agent` runs it in the agent's
 * process, and whoever owns that process owns the money; `elsewhere` is not started here.
 */
export type ModuleRuns = "apart" | "inside-agent" | "elsewhere";

interface IssuerTable {
	readonly at?: string | undefined;
	readonly terms?: string | undefined;
	/** In seconds. */
	readonly "settle-every"?: number | undefined;
}

interface BuyTable {
	readonly folder?: string | undefined;
	readonly rails?: string | undefined;
	readonly avoid?: string | undefined;
}

interface OperateTable {
	readonly http?: string | undefined;
	readonly metrics?: string | undefined;
	readonly "log-size"?: string | undefined;
	readonly "log-keep"?: number | undefined;
	readonly traces?: string | undefined;
}

/** A module of a shop beside its first one. */
export interface FurtherModule {
	readonly home: string;
	readonly at?: string | undefined;
	readonly runs?: Exclude<ModuleRuns, "inside-agent"> | undefined;
	readonly port?: number | undefined;
	readonly "passphrase-file"?: string | undefined;
	readonly "passphrase-env"?: string | undefined;
	readonly "pin-file"?: string | undefined;
	readonly "pin-env"?: string | undefined;
}

type SecretName =
	`${"agent" | "module"}-${"passphrase" | "pin"}-${"file" | "env"}`;

/** What the tetrad.toml of a side says. Paths in it are relative to its folder. */
export interface SideFile {
	readonly version?: 1 | undefined;
	readonly kind: SideKind;
	readonly name: string;
	readonly agent?:
		| {
				readonly home?: string | undefined;
				readonly listen?: string | undefined;
				readonly processes?: number | undefined;
		  }
		| undefined;
	readonly module?:
		| {
				readonly home?: string | undefined;
				readonly at?: string | undefined;
				readonly runs?: ModuleRuns | undefined;
				readonly port?: number | undefined;
		  }
		| undefined;
	/** Of a shop, beside `module`. */
	readonly "further-modules"?: readonly FurtherModule[] | undefined;
	readonly issuer?: IssuerTable | undefined;
	readonly buy?: BuyTable | undefined;
	readonly sell?:
		| {
				readonly folder?: string | undefined;
				readonly take?: string | undefined;
				readonly price?: string | undefined;
				readonly "on-order"?: string | undefined;
		  }
		| undefined;
	readonly operate?: OperateTable | undefined;
	readonly secrets?:
		| { readonly [Name in SecretName]?: string | undefined }
		| undefined;
}

/** What the tetrad.toml of a user says, for all sides. Paths in it are relative to its folder. */
export interface UserFile {
	readonly version?: 1 | undefined;
	/** The side that commands are about, where nothing else names one. */
	readonly home?: string | undefined;
	readonly issuer?: IssuerTable | undefined;
	readonly buy?: BuyTable | undefined;
	readonly operate?:
		| Pick<OperateTable, "log-size" | "log-keep" | "traces">
		| undefined;
}

type Tables = Required<
	Omit<SideFile, "version" | "kind" | "name" | "further-modules">
>;

/** The keys of all tables, such as `issuer.settle-every`. */
export type SettingKey = {
	[Table in keyof Tables]: `${Table}.${keyof NonNullable<Tables[Table]> & string}`;
}[keyof Tables];

const text = (most = 4096) =>
	z
		.string("is not a text in quotes")
		.min(1, "is empty")
		.max(most, `has more than ${most} characters`);

/** What is said of a value that has to be there. */
const unlessMissing =
	(otherwise: string) =>
	({ input }: { readonly input?: unknown }): string =>
		input === undefined ? "is missing" : otherwise;

const path = () =>
	text().refine((value) => !value.includes("\0"), "has a zero byte in it");

const address = () =>
	text(300).superRefine((value, context) => {
		try {
			parseAddress(value);
		} catch (thrown) {
			context.addIssue(asTetradError(thrown).message);
		}
	});

const tcpAddress = () =>
	address().refine(
		(value) => !value.startsWith("unix:"),
		"is not a host and a port, such as 127.0.0.1:7180",
	);

const variable = () =>
	text(256).regex(
		/^[A-Za-z_][A-Za-z0-9_]*$/,
		"is not the name of an environment variable",
	);

const whole = (least: number, most: number) => {
	const range = `is not a whole number from ${least} to ${most}`;
	return z.int(range).min(least, range).max(most, range);
};

/** Names after one another, none twice. */
const listOf = (names: readonly string[]) =>
	text(300).refine(
		(value) => {
			const said = splitList(value);
			return (
				said.every((name) => names.includes(name)) &&
				new Set(said).size === said.length
			);
		},
		`is no list of ${names.join(", ")}, with commas between and none twice`,
	);

/** What stands between commas. */
export function splitList(value: string): string[] {
	return value.split(",").map((name) => name.trim());
}

const file = (what: string) =>
	path().optional().describe(`a file with ${what} in its only line`);
const environment = (what: string) =>
	variable().optional().describe(`an environment variable with ${what}`);

function portOfModule() {
	return whole(1, 65_535)
		.optional()
		.describe(
			"at which port of the agent's host buyers who come back meet it with this module, where it has several; the agent's own port plus the number of the module unless given",
		);
}

const agent = z.strictObject({
	home: path().optional().describe("the home of the agent; agent unless given"),
	listen: address()
		.optional()
		.describe("where the agent answers other agents; of a shop and an issuer"),
	processes: whole(1, MAX_AGENT_PROCESSES)
		.optional()
		.describe(
			"how many processes the agent has, which others reach at the same address; its store is in PostgreSQL if there are several; 1 unless given",
		),
});

const module = z.strictObject({
	home: path()
		.optional()
		.describe(
			"the home of the module, with its purse, or of an issuer with its ledger; module unless given",
		),
	at: address()
		.optional()
		.describe(
			"where the module waits for its agent; a Unix socket, unless they are on two machines; unix:run/link.sock unless given",
		),
	runs: z
		.enum(
			["apart", "inside-agent", "elsewhere"],
			'is none of "apart", "inside-agent" and "elsewhere"',
		)
		.optional()
		.describe(
			"apart is a process of its own; inside-agent is in the agent's process, and whoever owns that process owns the money; elsewhere is not started here; apart unless given",
		),
	port: portOfModule(),
});

const furtherModule = z.strictObject({
	home: z
		.string({ error: unlessMissing("is not a text in quotes") })
		.pipe(path())
		.describe("the home of the module, with its purse"),
	at: address()
		.optional()
		.describe(
			"where the module waits for its agent; unix:run/link-2.sock for the second one unless given, and so on",
		),
	runs: z
		.enum(["apart", "elsewhere"], 'is none of "apart" and "elsewhere"')
		.optional()
		.describe(
			"apart is a process of its own; elsewhere is not started here; apart unless given",
		),
	port: portOfModule(),
	"passphrase-file": file("the passphrase of its key"),
	"passphrase-env": environment("the passphrase of its key"),
	"pin-file": file("the PIN of its token"),
	"pin-env": environment("the PIN of its token"),
});

const issuer = z.strictObject({
	at: address()
		.optional()
		.describe("where the agent of the issuer answers whose money is used"),
	terms: path()
		.optional()
		.describe("the terms of that issuer; issuer.terms.json unless given"),
	"settle-every": whole(1, DEPOSIT_MARGIN_MS / 2000)
		.optional()
		.describe(
			"seconds between two meetings with the issuer, 1800 at most; 900 unless given",
		),
});

const buy = z.strictObject({
	folder: path()
		.optional()
		.describe("where goods go that are bought; inbox of a buyer unless given"),
	rails: listOf(RAIL_NAMES)
		.optional()
		.describe(
			"over which rails is paid, the preferred one first, of own-notes and cashu; both, notes first, unless given",
		),
	avoid: listOf(AVOIDED)
		.optional()
		.describe(
			`what no rail may have that is paid over, of ${AVOIDED.join(", ")}; nothing unless given`,
		),
});

const sell = z.strictObject({
	folder: path()
		.optional()
		.describe(
			"whose files are sold, or what its catalogue.json names; goods of a shop unless given",
		),
	take: text()
		.regex(
			/^(notes|https?:\/\/[^\s,]+ [a-z0-9]{1,8}( play)?)(, *(notes|https?:\/\/[^\s,]+ [a-z0-9]{1,8}( play)?))*$/,
			'is no list of money, such as "notes, https://mint.example sat"',
		)
		.optional()
		.describe(
			'for which money is sold, the preferred one first: notes, and the address of a mint with its unit, and "play" behind that where its ecash is play money, such as "notes, https://mint.example sat"; notes alone unless given',
		),
	price: text(400)
		.regex(
			/^\d{1,19}(\.\d{1,18})?( [A-Z0-9]{1,8})?(, ?\d{1,19}(\.\d{1,18})? [A-Z0-9]{1,8})*$/,
			'is no amount, such as "1.00", or "1.00, 1200 SAT"',
		)
		.optional()
		.describe(
			"of everything that has no price in catalogue.json, such as 1.00; in several currencies with their codes, such as 1.00, 1200 SAT",
		),
	"on-order": text()
		.optional()
		.describe(
			"a command that makes what is made on order, which a shell runs in the folder of this file",
		),
});

/** Whether an address can be shown to anybody. */
function isBare(address: string): boolean {
	const url = URL.parse(address);
	return (
		url === null ||
		`${url.username}${url.password}${url.search}${url.hash}` === ""
	);
}

const operate = z.strictObject({
	http: tcpAddress()
		.optional()
		.describe("where an issuer serves the HTTP API for its operators"),
	metrics: tcpAddress()
		.optional()
		.describe(
			"where /metrics, for Prometheus, and /health are served; nowhere unless given",
		),
	"log-size": text(40)
		.regex(
			/^[1-9]\d{0,5} ?(kB|MB|GB)$/,
			'is no size, such as "500 kB", "10 MB" or "1 GB"',
		)
		.optional()
		.describe(
			"how large a log gets before a new file is begun; 10 MB unless given",
		),
	"log-keep": whole(0, 1000)
		.optional()
		.describe("how many full files of a log are kept; 5 unless given"),
	traces: text(2048)
		.refine(
			(value) => URL.canParse(value) && /^https?:/.test(value),
			"is no address of HTTP, such as http://127.0.0.1:4318",
		)
		.refine(
			isBare,
			"says more than scheme, host, port and path; a password or a token for the collector goes into OTEL_EXPORTER_OTLP_HEADERS of the environment",
		)
		.optional()
		.describe(
			"where spans of OpenTelemetry go, as OTLP over HTTP; nowhere unless given",
		),
});

const secrets = z.strictObject({
	"agent-passphrase-file": file("the passphrase of the agent's key"),
	"agent-passphrase-env": environment("the passphrase of the agent's key"),
	"agent-pin-file": file("the PIN of the agent's token"),
	"agent-pin-env": environment("the PIN of the agent's token"),
	"module-passphrase-file": file("the passphrase of the module's key"),
	"module-passphrase-env": environment("the passphrase of the module's key"),
	"module-pin-file": file("the PIN of the module's token"),
	"module-pin-env": environment("the PIN of the module's token"),
});

/** Every table of the file, and by its key what stands in it. */
const TABLES = { agent, module, issuer, buy, sell, operate, secrets } as const;

const version = z.literal(
	1,
	"is not 1, the version that this program knows; a newer program wrote the file, or it was mistyped",
);

/** The form of the tetrad.toml of a side, with what each key means, for documents that are made from it. */
export const SIDE_FILE_SCHEMA: z.ZodType<SideFile> = z.strictObject({
	version: version.optional().describe("of this file's form"),
	kind: z
		.enum(["buyer", "shop", "issuer"], {
			error: unlessMissing('is none of "buyer", "shop" and "issuer"'),
		})
		.describe("what the side is for: buyer, shop or issuer"),
	name: z
		.string({ error: unlessMissing("is not a text in quotes") })
		.regex(
			/^[a-z0-9]([a-z0-9.-]{0,62})$/,
			"is no name: it has up to 63 letters a to z, digits, dots and dashes",
		)
		.describe("what the side is called on this machine"),
	agent: agent.optional().describe("the agent"),
	module: module.optional().describe("the money module"),
	"further-modules": z
		.array(furtherModule)
		.max(MAX_OWN_MODULES - 1, `has more than ${MAX_OWN_MODULES - 1} of them`)
		.optional()
		.describe("further modules of a shop, in the order of their pairings"),
	issuer: issuer.optional().describe("whose money a buyer or a shop uses"),
	buy: buy.optional().describe("buying"),
	sell: sell.optional().describe("selling"),
	operate: operate.optional().describe("operating"),
	secrets: secrets
		.optional()
		.describe("where secrets are; they are asked for unless given"),
});

/** The form of the tetrad.toml of a user. */
export const USER_FILE_SCHEMA: z.ZodType<UserFile> = z.strictObject({
	version: version.optional(),
	home: path()
		.optional()
		.describe("the side that commands are about, where nothing else names one"),
	issuer: issuer.optional(),
	buy: buy.optional(),
	operate: operate
		.pick({ "log-size": true, "log-keep": true, traces: true })
		.optional(),
});

/** In the order in which the file has them. */
export const SETTING_KEYS: readonly SettingKey[] = Object.entries(
	TABLES,
).flatMap(([table, { shape }]) =>
	Object.keys(shape).map((name) => `${table}.${name}` as SettingKey),
);

/** What an environment variable says in the place of a key. Throws `home-unusable`, naming the variable. */
export function readSettingText(
	key: SettingKey,
	value: string,
	name: string,
): string | number {
	const [table = "", leaf = ""] = key.split(".");
	const shapes: Readonly<Record<string, { readonly shape: object }>> = TABLES;
	const shape = shapes[table]?.shape as Readonly<Record<string, z.ZodType>>;
	const schema = shape[leaf] as z.ZodType<string | number>;
	const asText = schema.safeParse(value);
	if (asText.success) return asText.data;
	const asNumber = schema.safeParse(
		/^\d{1,9}$/.test(value) ? Number(value) : Number.NaN,
	);
	if (asNumber.success) return asNumber.data;
	const [issue] = asText.error.issues;
	throw unusable(`${name}: ${issue?.message ?? "is not valid"}`);
}

/** Reads a file of settings under its schema. Throws `home-unusable`, naming the file and the key. */
export async function readSettingsFile<Of>(
	file: string,
	schema: z.ZodType<Of>,
): Promise<Of> {
	const content = await readText(file);
	let value: unknown;
	try {
		value = parseToml(content);
	} catch (thrown) {
		if (!(thrown instanceof TomlError)) throw thrown;
		// The rest of the message quotes the file.
		const [first = ""] = thrown.message.split("\n");
		throw unusable(
			`${file}, line ${thrown.line}, column ${thrown.column}: ${first}`,
		);
	}
	const result = schema.safeParse(value);
	if (result.success) return result.data;
	const [issue] = result.error.issues;
	throw unusable(`${file}: ${complaint(issue)}`);
}

function complaint(issue: z.core.$ZodIssue | undefined): string {
	const place = issue?.path.join(".") ?? "";
	if (issue?.code === "unrecognized_keys")
		return `${issue.keys.map((key) => [place, key].filter(Boolean).join(".")).join(", ")}: is no setting that this program knows`;
	if (issue?.code === "invalid_type" && issue.expected === "object")
		return `${place}: is not a table`;
	return `${place}: ${issue?.message ?? "is not valid"}`;
}
