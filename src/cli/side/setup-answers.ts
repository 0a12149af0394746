/* What a side is to be, from flags and, at a terminal, from answers. */
import { basename, resolve } from "node:path";
import { z } from "zod";
import { type Address, parseAddress } from "../../carrier/index.ts";
import type { SignatureAlgorithm } from "../../crypto/index.ts";
import { keyLocation } from "../../device/home/index.ts";
import {
	SIDE_FILE_SCHEMA,
	type SideFile,
	type SideKind,
} from "../../device/side/index.ts";
import { TetradError } from "../../errors.ts";
import type { KeyLocation } from "../../keys/index.ts";
import type { OwnerFlags } from "../secret-flags.ts";
import { newKeyLocation } from "../secrets.ts";
import { plain } from "../voice.ts";
import { askText, canAsk } from "./ask-text.ts";
import { showAddress } from "./show-address.ts";

type DeviceSecrets = {
	readonly [Name in `${"agent" | "module"}${"Passphrase" | "Pin"}${"File" | "Env"}`]?: string;
} & {
	readonly [Name in `${"agency" | "bank"}Passphrase${"File" | "Env"}`]?: string;
};

export interface SetupFlags extends OwnerFlags, DeviceSecrets {
	readonly kind: SideKind;
	readonly folder: string | undefined;
	readonly name?: string;
	readonly agency?: readonly string[];
	readonly bank?: readonly string[];
	readonly agentChain?: string;
	readonly moduleChain?: string;
	readonly issuer?: string;
	readonly issuerAt?: Address;
	readonly listen?: Address;
	readonly http?: Address;
	readonly price?: string;
	readonly currency?: string;
	readonly exponent: string;
	readonly unsafeNotPlay?: true;
	readonly sandbox?: string;
	readonly algorithm: SignatureAlgorithm;
	readonly agentKey?: string;
	readonly moduleKey?: string;
	readonly unsafeUnsealedKey?: true;
	readonly unsafeNoOwner?: true;
	readonly json?: true;
}

export const answersFile: z.ZodType<Answers> = z.strictObject({
	version: z.literal(1),
	algorithm: z.enum(["P-256", "Ed25519"]),
	keys: z.strictObject({ agent: keyLocation, module: keyLocation }),
	currency: z
		.strictObject({
			code: z.string(),
			exponent: z.int(),
			isPlay: z.boolean(),
		})
		.optional(),
	hasOwner: z.boolean(),
	sandbox: z.string().optional(),
	settings: SIDE_FILE_SCHEMA,
});

/** What a side is to be, as it stands in a file until it is. */
export interface Answers {
	readonly version: 1;
	readonly algorithm: SignatureAlgorithm;
	readonly keys: { readonly agent: KeyLocation; readonly module: KeyLocation };
	/** Of an issuer. */
	readonly currency?:
		| {
				readonly code: string;
				readonly exponent: number;
				readonly isPlay: boolean;
		  }
		| undefined;
	readonly hasOwner: boolean;
	/** The folder of the sandbox that it becomes a part of. */
	readonly sandbox?: string | undefined;
	readonly settings: SideFile;
}

/** Asks for what no flag says. Throws `invalid-argument`, also where nobody can be asked. */
export async function answersOf(
	flags: SetupFlags,
	folder: string,
): Promise<Answers> {
	const { kind, algorithm, name = basename(folder) } = flags;
	const settings: SideFile = {
		kind,
		name,
		...(kind === "issuer" ? {} : { issuer: await issuerOf(flags) }),
		agent: await agentOf(flags),
		module: { runs: "apart" },
		...(kind === "buyer" ? { buy: { folder: "inbox" } } : {}),
		...(kind === "shop" ? { sell: await sellOf(flags) } : {}),
		...(kind === "issuer"
			? { operate: { http: flags.http ? showAddress(flags.http) : OPERATORS } }
			: {}),
		...secretsTable(flags),
	};
	const checked = SIDE_FILE_SCHEMA.safeParse(settings);
	if (!checked.success) {
		const [issue] = checked.error.issues;
		throw invalid(
			`${issue?.path.join(".")}: ${plain(issue?.message ?? "is not valid")}`,
		);
	}
	return {
		version: 1,
		algorithm,
		keys: {
			agent: newKey(flags.agentKey, flags.unsafeUnsealedKey),
			module: newKey(flags.moduleKey, flags.unsafeUnsealedKey),
		},
		...(kind === "issuer" ? { currency: await currencyOf(flags) } : {}),
		hasOwner: flags.unsafeNoOwner !== true,
		...(flags.sandbox === undefined ? {} : { sandbox: resolve(flags.sandbox) }),
		settings,
	};
}

function newKey(
	uri: string | undefined,
	isUnsealed: true | undefined,
): KeyLocation {
	return newKeyLocation({
		...(uri === undefined ? {} : { key: uri }),
		...(isUnsealed === undefined ? {} : { unsafeUnsealedKey: isUnsealed }),
	});
}

/** Where a shop and an issuer answer unless it is said. */
const LISTEN = { shop: "127.0.0.1:7000", issuer: "127.0.0.1:7100" } as const;

/** Where an issuer answers its operators unless it is said. */
const OPERATORS = "127.0.0.1:7180";

async function agentOf({
	kind,
	listen,
}: SetupFlags): Promise<NonNullable<SideFile["agent"]>> {
	if (kind === "buyer")
		return listen === undefined ? {} : { listen: showAddress(listen) };
	if (listen !== undefined) return { listen: showAddress(listen) };
	if (!canAsk()) return { listen: LISTEN[kind] };
	const text = await askText(
		"where shall its agent answer others",
		(answer) => showAddress(parseAddress(answer)),
		LISTEN[kind],
	);
	return { listen: text };
}

async function issuerOf(
	flags: SetupFlags,
): Promise<NonNullable<SideFile["issuer"]>> {
	const at =
		flags.issuerAt ??
		(await askText("where does the agent of the issuer answer", parseAddress));
	return { at: showAddress(at), terms: "issuer.terms.json" };
}

async function sellOf({
	price,
}: SetupFlags): Promise<NonNullable<SideFile["sell"]>> {
	const text =
		price ??
		(canAsk()
			? await askText("the price of what has no other one", readPrice, "1.00")
			: "1.00");
	return { folder: "goods", price: text };
}

function readPrice(answer: string): string {
	if (/^\d{1,19}(\.\d{1,18})?$/.test(answer)) return answer;
	throw invalid("say an amount, such as 1.00");
}

async function currencyOf({
	currency,
	exponent,
	unsafeNotPlay,
}: SetupFlags): Promise<NonNullable<Answers["currency"]>> {
	const code =
		currency ?? (await askText("what is its currency called", readCode));
	return {
		code: readCode(code),
		exponent: Number(exponent),
		isPlay: unsafeNotPlay !== true,
	};
}

function readCode(answer: string): string {
	if (/^[A-Z0-9]{1,8}$/.test(answer)) return answer;
	throw invalid("the code of a currency has 1 to 8 capital letters or digits");
}

/** Where both devices find their secrets, if that was said. */
function secretsTable(flags: SetupFlags): Pick<SideFile, "secrets"> {
	const places = Object.fromEntries(
		(["agent", "module"] as const).flatMap((role) =>
			(["passphrase", "pin"] as const).flatMap((kind) => {
				const name = kind === "pin" ? "Pin" : "Passphrase";
				const file = flags[`${role}${name}File`];
				const env = flags[`${role}${name}Env`];
				return [
					...(file === undefined
						? []
						: [[`${role}-${kind}-file`, resolve(file)]]),
					...(env === undefined ? [] : [[`${role}-${kind}-env`, env]]),
				];
			}),
		),
	);
	return Object.keys(places).length === 0 ? {} : { secrets: places };
}

function invalid(message: string): TetradError {
	return new TetradError("invalid-argument", message);
}
