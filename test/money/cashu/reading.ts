/*
 * What mints and strangers write, with one place of it changed at a time, and how each is read, as
 * text. Nothing in it is random. `npx node test/write-down.ts` writes it into reading.txt.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { base64urlnopad } from "@scure/base";
import { TetradError } from "../../../src/errors.ts";
import {
	lockState,
	makeOutputs,
	parseKeys,
	parseKeysets,
	parseMeltQuote,
	parseMintError,
	parseMintInfo,
	parseMintQuote,
	parseRestored,
	parseSignatures,
	parseStates,
	parseToken,
	pointsOf,
	requireForPurchases,
	writeToken,
} from "../../../src/money/cashu/index.ts";
import { type Writable, writeJson } from "../../../src/money/cashu/json.ts";
import { concat, hex, utf8 } from "../../../src/wire/index.ts";
import { bytesOf, crypto, ecash, hash, TestKeyset } from "./test-mint.ts";

const FILE = new URL("reading.txt", import.meta.url);

/** What is read, as `JSON.parse` makes it, but for integers, which are `bigint`. */
type Tree =
	| null
	| boolean
	| number
	| bigint
	| string
	| Uint8Array
	| Tree[]
	| { [name: string]: Tree };

/** Another value, and what it is called; `GONE` for none. */
type Change = readonly [what: string, value: Tree | typeof GONE];

const GONE = Symbol("gone");

/** Around which something may be taken or not: limits of fields, of 63 and 64 bits, and of times. */
const NUMBERS: readonly bigint[] = [
	...[-1n, 0n, 1n, 2n, 999_999n, 1_000_000n, 10_000n, 10_001n],
	...[8_640_000_000_000n, 8_640_000_000_001n, 2n ** 53n + 1n],
	...[2n ** 63n - 1n, 2n ** 63n, 2n ** 64n - 1n, 2n ** 64n, 10n ** 20n],
];

/** Likewise of texts. */
const LENGTHS: readonly number[] = [
	...[1, 16, 17, 24, 25, 64, 65, 128, 129, 256, 257, 1024, 1025, 4096, 4097],
	...[8192, 8193, 65_536, 65_537],
];

const COUNTS: readonly number[] = [256, 257, 1024, 1025];

/** Of any place. */
const ANYTHING: readonly Change[] = [
	["left out", GONE],
	["null", null],
	["[]", []],
	["{}", {}],
	["true", true],
	["false", false],
	["7", 7n],
	["1.5", 1.5],
	['""', ""],
	['"x"', "x"],
];

function changesOf(value: Tree): readonly Change[] {
	if (typeof value === "bigint" || typeof value === "number")
		return [...ANYTHING, ...NUMBERS.map((n) => [`${n}`, n] as const)];
	if (typeof value === "string")
		return [
			...ANYTHING,
			["one more", `${value}0`],
			["two more", `${value}00`],
			["one less", value.slice(0, -1)],
			["in capitals", value.toUpperCase()],
			["its first two characters are others", `02${value.slice(2)}`],
			["a space before it", ` ${value}`],
			["a control in it", `${value}\u0007\u202e`],
			...LENGTHS.map((n) => [`${n} characters`, "a".repeat(n)] as const),
		];
	if (value instanceof Uint8Array)
		return [
			...ANYTHING,
			["one more", Uint8Array.of(...value, 0)],
			["one less", value.slice(1)],
			["its first byte is another", Uint8Array.of(2, ...value.slice(1))],
		];
	if (Array.isArray(value)) {
		const [first = null] = value;
		return [
			...ANYTHING,
			["its first item twice", [first, ...value]],
			...COUNTS.map(
				(n) => [`${n} items`, Array.from({ length: n }, () => first)] as const,
			),
		];
	}
	return [...ANYTHING, ...(isObject(value) ? namesChanged(value) : [])];
}

/** A member more, and each name as another. */
function namesChanged(value: { [name: string]: Tree }): Change[] {
	return [
		["a member more", { ...value, other: 1n }],
		...Object.keys(value).map(
			(name): Change => [
				`"${name}" is called otherwise`,
				Object.fromEntries(
					Object.entries(value).map(([one, of]) => [
						one === name ? `${one}0` : one,
						of,
					]),
				),
			],
		),
	];
}

function isObject(value: Tree): value is { [name: string]: Tree } {
	return (
		typeof value === "object" &&
		value !== null &&
		!Array.isArray(value) &&
		!(value instanceof Uint8Array)
	);
}

/** All places of a tree, from the outermost, as what stands there and how to put something else there. */
function* placesOf(
	tree: Tree,
	at = "",
	put: (value: Tree | typeof GONE) => Tree | typeof GONE = (value) => value,
): Generator<{
	readonly at: string;
	readonly value: Tree;
	readonly put: (value: Tree | typeof GONE) => Tree | typeof GONE;
}> {
	yield { at, value: tree, put };
	if (Array.isArray(tree))
		for (const [index, item] of tree.entries())
			yield* placesOf(item, `${at}[${index}]`, (value) =>
				put(
					tree.flatMap((one, i) =>
						i !== index ? [one] : value === GONE ? [] : [value],
					),
				),
			);
	else if (isObject(tree))
		for (const [name, member] of Object.entries(tree))
			yield* placesOf(member, `${at}.${name}`, (value) => {
				const { [name]: _, ...others } = tree;
				return put(value === GONE ? others : { ...tree, [name]: value });
			});
}

/** A value that has no parts, or many, in short. */
function shown(value: unknown): string {
	if (value instanceof Uint8Array)
		return value.length > 4
			? `${hex(value.subarray(0, 3))}…/${value.length}`
			: hex(value);
	if (typeof value === "string")
		return value.length > 20
			? `${JSON.stringify(value.slice(0, 8))}…/${value.length}`
			: JSON.stringify(value);
	return Array.isArray(value) ? `${value.length} items` : String(value);
}

/** More items are not looked at one by one. */
const FEW = 8;

/** All parts of what is read, by where they are. */
function partsOf(
	value: unknown,
	at = "",
): readonly (readonly [string, string])[] {
	if (value instanceof Set) return partsOf([...value], at);
	if (value instanceof Map) return partsOf(Object.fromEntries(value), at);
	if (
		typeof value !== "object" ||
		value === null ||
		value instanceof Uint8Array ||
		(Array.isArray(value) && (value.length > FEW || value.length === 0))
	)
		return value === undefined ? [] : [[at, shown(value)]];
	return Object.entries(value).flatMap(([name, part]) =>
		partsOf(part, `${at}.${name}`),
	);
}

/** What comes of it: what is read, part by part, or why it is not. */
function cameTo(read: () => unknown): ReadonlyMap<string, string> {
	try {
		return new Map(partsOf(read()));
	} catch (thrown) {
		if (!(thrown instanceof TetradError)) throw thrown;
		return new Map([["refused", `${thrown.code}: ${thrown.message}`]]);
	}
}

const said = (parts: ReadonlyMap<string, string>): string =>
	[...parts].map(([at, part]) => `${at} ${part}`).join(", ");

/** The parts that are others than they were. */
function differences(
	was: ReadonlyMap<string, string>,
	is: ReadonlyMap<string, string>,
	other: Tree | typeof GONE,
): string {
	const refused = is.get("refused");
	if (refused !== undefined) return refused;
	const changed = [...is].filter(([at, part]) => was.get(at) !== part);
	const gone = [...was.keys()].filter((at) => !is.has(at));
	if (changed.length + gone.length === 0) return "the same";
	return [
		...changed.map(([at, part]) =>
			part === shown(other) ? `${at} as it stands there` : `${at} ${part}`,
		),
		...gone.map((path) => `no ${path}`),
	].join(", ");
}

/** Neighbours in the order in which changes are made are said by the first and the last of them. */
function inRuns(numbers: readonly number[], names: readonly string[]): string {
	const runs: number[][] = [];
	for (const number of numbers) {
		const run = runs.at(-1);
		if (run?.at(-1) === number - 1) run.push(number);
		else runs.push([number]);
	}
	return runs
		.flatMap((run) =>
			run.length < 4
				? run.map((number) => names[number])
				: `${names[run[0] as number]} … ${names[run.at(-1) as number]}`,
		)
		.join(", ");
}

class Table {
	readonly lines: string[] = [];

	/** An example, and what comes of it with each change of each place. Changes that come to the same stand together. */
	of(what: string, example: Tree, read: (tree: Tree) => unknown): void {
		const was = cameTo(() => read(example));
		this.lines.push(what, ...[...was].map(([at, part]) => `\t${at} ${part}`));
		for (const { at, value, put } of placesOf(example)) {
			const changes = changesOf(value);
			const byEnd = new Map<string, number[]>();
			for (const [number, [, other]] of changes.entries()) {
				const whole = put(other);
				if (whole === GONE) continue;
				const is = cameTo(() => read(whole));
				const end = differences(was, is, other);
				byEnd.set(end, [...(byEnd.get(end) ?? []), number]);
			}
			const names = changes.map(([name]) => name);
			for (const [end, numbers] of byEnd)
				this.lines.push(
					`\t${at || "all of it"}: ${inRuns(numbers, names)} → ${end}`,
				);
		}
	}
}

const inJson = (tree: Tree) => utf8(writeJson(tree as Writable));

/** All of it. */
export function tell(): string {
	const table = new Table();
	const mint = new TestKeyset({
		...{ powers: 2, inputFeePpk: 100n, finalExpiry: 1_900_000_000 },
	});
	const short = new TestKeyset({ version: 0, powers: 1, name: "old" });
	const id = hex(mint.keyset.id);
	const keys = Object.fromEntries(
		[...mint.keyset.keys].map(([amount, key]) => [`${amount}`, hex(key)]),
	);
	const written = {
		...{ id, unit: "sat", active: true, input_fee_ppk: 100n },
		...{ final_expiry: 1_900_000_000n, keys },
	};
	const [[, oldKey] = [1n, new Uint8Array()]] = short.keyset.keys;
	const old = {
		...{ id: hex(short.keyset.id), unit: "sat", active: false },
		keys: { "1": hex(oldKey) },
	};
	table.of("keysets", { keysets: [written, old] }, (tree) =>
		parseKeysets(inJson(tree)),
	);
	const notices = parseKeysets(inJson({ keysets: [written, old] }));
	table.of("keys of keysets", { keysets: [written, old] }, (tree) =>
		parseKeys(crypto, ecash, inJson(tree), notices),
	);
	const seed = new Uint8Array(64).fill(9);
	const place = { seed, keyset: mint.keyset.id, counter: 3 };
	const outputs = makeOutputs(ecash, place, [1n, 2n]);
	const signed = outputs.map(({ amount }, at) => ({
		...{ id, amount, C_: hex(mint.keyset.keys.get(amount) as Uint8Array) },
		dleq: { e: hex(hash(`e ${at}`)), s: hex(hash(`s ${at}`)) },
	}));
	table.of("signatures", { signatures: signed }, (tree) =>
		parseSignatures(inJson(tree)),
	);
	table.of(
		"what is restored",
		{
			outputs: outputs.map(({ blinded }) => ({ B_: hex(blinded), id })),
			signatures: signed,
		},
		(tree) => parseRestored(inJson(tree)),
	);
	const proofs = outputs.map(({ amount, secret, keyset }, at) => ({
		...{ keyset, amount, secret },
		signature: mint.keyset.keys.get(amount) as Uint8Array,
		dleq: { e: hash(`e ${at}`), s: hash(`s ${at}`), r: hash(`r ${at}`) },
	}));
	const key = hash("goods");
	const ys = pointsOf(ecash, proofs);
	const states: Tree = {
		states: [
			{
				...{ Y: hex(ys[0] as Uint8Array), state: "SPENT" },
				witness: writeJson({ preimage: hex(key), signatures: [] }),
			},
			{ Y: hex(ys[1] as Uint8Array), state: "PENDING", witness: null },
		],
	};
	table.of("states", states, (tree) => {
		const read = parseStates(inJson(tree), ys);
		return { read, lock: lockState(crypto, read, crypto.sha256(key)) };
	});
	table.of(
		"a quote for ecash",
		{
			...{ quote: "q-1", request: "lnbc1", state: "PAID", amount: 5n },
			...{ unit: "sat", expiry: 1_800_000_000n },
		},
		(tree) => parseMintQuote(inJson(tree)),
	);
	table.of(
		"a quote for an invoice",
		{
			...{ quote: "q-1", amount: 5n, fee_reserve: 2n, state: "PENDING" },
			...{ expiry: 1_800_000_000n, payment_preimage: "p" },
			change: [signed[0] as Tree],
		},
		(tree) => parseMeltQuote(inJson(tree)),
	);
	for (const state of ["UNPAID", "PAID", "ISSUED", "PENDING", "toString"]) {
		const quote = { quote: "q", request: "r", amount: 1n, state };
		table.lines.push(
			`a quote that is ${state}: ${said(cameTo(() => parseMintQuote(inJson(quote))))}; ${said(cameTo(() => parseMeltQuote(inJson(quote))))}`,
		);
	}
	const supported = Object.fromEntries(
		[7, 8, 9, 10, 11, 12, 14, 20].map((nut) => [nut, { supported: true }]),
	);
	table.of(
		"what a mint says of itself",
		{
			...{
				name: "a mint",
				version: "x/1",
				motd: "hello",
				time: 1_700_000_000n,
			},
			nuts: {
				"4": {
					methods: [
						{ method: "bolt11", unit: "sat", min_amount: 1n, max_amount: 9n },
					],
					disabled: false,
				},
				"5": { methods: [{ method: "bolt12", unit: "sat" }] },
				...supported,
				"19": {
					ttl: 60n,
					cached_endpoints: [{ method: "POST", path: "/v1/swap" }],
				},
			},
		},
		(tree) => {
			const info = parseMintInfo(inJson(tree));
			return { ...info, purchases: cameTo(() => requireForPurchases(info)) };
		},
	);
	table.of("a refusal", { code: 11_001n, detail: "spent" }, (tree) =>
		parseMintError(inJson(tree)),
	);
	for (let code = 10_000; code < 20_010; code++) {
		const { kind } = parseMintError(inJson({ code: BigInt(code) }));
		if (kind !== "other") table.lines.push(`a refusal with ${code}: ${kind}`);
	}
	const url = "https://mint.example";
	table.of(
		"a token of version A",
		{
			token: [
				{
					mint: url,
					proofs: proofs.map(({ amount, secret, signature, dleq }) => ({
						...{ id, amount, secret, C: hex(signature), witness: "w" },
						dleq: { e: hex(dleq.e), s: hex(dleq.s), r: hex(dleq.r) },
					})),
				},
			],
			unit: "sat",
			memo: "for tea",
		},
		(tree) => parseToken(`cashuA${base64urlnopad.encode(inJson(tree))}`),
	);
	table.of(
		"a token of version B",
		{
			...{ m: url, u: "sat", d: "for tea" },
			t: [
				{
					i: mint.keyset.id,
					p: proofs.map(({ amount, secret, signature, dleq }) => ({
						...{ a: amount, s: secret, c: signature, w: "w" },
						d: { e: dleq.e, s: dleq.s, r: dleq.r },
					})),
				},
			],
		},
		(tree) => parseToken(`cashuB${base64urlnopad.encode(inCbor(tree))}`),
	);
	const token = writeToken({ mint: url, unit: "sat", memo: "m", proofs });
	const body = token.slice("cashuB".length);
	for (const [how, text] of [
		["as it is", token],
		["with a scheme", `cashu:${token}`],
		["with a scheme as of a URL", `CASHU://${token}`],
		["with spaces around it", ` ${token}\n`],
		["with padding", `${token}==`],
		[
			"in the other alphabet",
			`cashuB${body.replaceAll("-", "+").replaceAll("_", "/")}`,
		],
		["of another version", `cashuC${body}`],
		["of the other version", `cashuA${body}`],
		["in capitals", `CASHUB${body}`],
		["cut", token.slice(0, -3)],
		["with a space in it", `${token.slice(0, 20)} ${token.slice(20)}`],
		["as nothing", ""],
		["as long as can be", token.padEnd(2 ** 19, " ")],
		["longer", token.padEnd(2 ** 19 + 1, " ")],
	] as const)
		table.lines.push(`a token ${how}: ${said(cameTo(() => parseToken(text)))}`);
	return `${table.lines.join("\n")}\n`;
}

/** CBOR, also of what is never written of tokens (RFC 8949). */
function inCbor(tree: Tree): Uint8Array {
	switch (typeof tree) {
		case "boolean":
			return Uint8Array.of(tree ? 0xf5 : 0xf4);
		case "number":
			return bytesOf("f93e00");
		case "bigint":
			if (tree >= 2n ** 64n)
				return bytesOf(`c249${tree.toString(16).padStart(18, "0")}`);
			return tree < 0n ? head(1, -1n - tree) : head(0, tree);
		case "string":
			return concat(head(3, utf8(tree).length), utf8(tree));
	}
	if (tree === null) return Uint8Array.of(0xf6);
	if (tree instanceof Uint8Array) return concat(head(2, tree.length), tree);
	if (Array.isArray(tree))
		return concat(head(4, tree.length), ...tree.map(inCbor));
	const members = Object.entries(tree);
	return concat(head(5, members.length), ...members.flat().map(inCbor));
}

/** With the argument in the head itself, or in as few of 1, 2, 4 and 8 bytes behind it as can be. */
function head(major: number, argument: bigint | number): Uint8Array {
	const value = BigInt(argument);
	if (value < 24n) return Uint8Array.of((major << 5) | Number(value));
	const size = [1, 2, 4, 8].findIndex((n) => value < 2n ** BigInt(8 * n));
	const digits = value.toString(16).padStart(2 * 2 ** size, "0");
	return concat(Uint8Array.of((major << 5) | (24 + size)), bytesOf(digits));
}

export const writtenDown = (): string => readFileSync(FILE, "utf8");

export function writeDown(): void {
	writeFileSync(FILE, tell());
}
