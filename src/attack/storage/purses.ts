/* The purse of a module on a disk that somebody puts back, spoils, or reads. */
import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import {
	balancesOf,
	moduleIdOf,
	openOwner,
	type PurseBalance,
	placeWithdrawal,
	readIssuerTerms,
} from "../../device/purse/index.ts";
import { openAgent } from "../../device/service/index.ts";
import { asTetradError } from "../../errors.ts";
import { type Attack, broken, held } from "../attack.ts";
import { NotTried } from "../not-tried.ts";
import type { Target } from "../target.ts";

const group = "storage";

const TWO = 2_00n;

/** A buyer of its own with 2.00 in its purse; nothing of it runs. */
async function buyerWithMoney(
	target: Target,
	signal: AbortSignal,
): Promise<{ readonly folder: string; readonly module: string }> {
	target.sandbox("an issuer that gives money away");
	const folder = await target.newSide("saver", "buyer");
	const module = join(folder, "module");
	const { issuer } = await readIssuerTerms(join(folder, "issuer.terms.json"));
	const owner = await openOwner("unsafe-no-owner", () => {
		throw new NotTried("the purse has an owner's secret");
	});
	const purse = await moduleIdOf(module);
	await placeWithdrawal(module, owner, { purse, issuer, amount: TWO });
	await using agent = await openAgent(folder);
	await agent.settle({ signal });
	return { folder, module };
}

const DATABASE = /^purse\.db/;

/** The files of a purse's store. */
async function storeOf(module: string): Promise<Map<string, Buffer>> {
	const names = (await readdir(module)).filter((name) => DATABASE.test(name));
	return new Map(
		await Promise.all(
			names.map(
				async (name) => [name, await readFile(join(module, name))] as const,
			),
		),
	);
}

async function putBack(
	module: string,
	store: ReadonlyMap<string, Buffer>,
): Promise<void> {
	for (const name of await readdir(module))
		if (DATABASE.test(name)) await rm(join(module, name));
	for (const [name, content] of store)
		await writeFile(join(module, name), content, { mode: 0o600 });
}

/** All that a purse says it has. */
function sumOf(balances: readonly PurseBalance[]): bigint {
	return balances
		.map(({ spendable, toDeposit, inDoubt, toClaim }) =>
			[spendable, toDeposit, inDoubt, toClaim].reduce((a, b) => a + b, 0n),
		)
		.reduce((a, b) => a + b, 0n);
}

const ITEM = "capitals";

/** Buys the cheapest thing of the sandbox. */
async function buy(
	target: Target,
	folder: string,
	order: string,
	signal: AbortSignal,
): Promise<void> {
	await using agent = await openAgent(folder);
	const quote = await agent.quote(target.merchant, ITEM, { order, signal });
	await agent.buy(quote, { maximum: 50n, signal });
}

export const PURSE_ATTACKS: readonly Attack[] = [
	{
		name: "purse-put-back",
		group,
		tried:
			"the store of a purse is put back to before it paid, to pay with the same money again",
		reference: "docs/stores.md; docs/money.md",
		async run(target, signal) {
			const { folder, module } = await buyerWithMoney(target, signal);
			const before = await storeOf(module);
			await buy(target, folder, "first", signal);
			await putBack(module, before);
			if (sumOf(await balancesOf(module)) !== TWO)
				return broken("the store was not put back");
			try {
				await buy(target, folder, "second", signal);
				return broken("the same money was paid twice");
			} catch (thrown) {
				const { code, message } = asTetradError(thrown);
				return [
					"purse-behind",
					"payment-refused",
					"insufficient-funds",
				].includes(code)
					? held(`the purse pays nothing: ${code}`)
					: broken(`the second payment ended with ${code}: ${message}`);
			}
		},
	},
	{
		name: "purse-with-flipped-bits",
		group,
		tried: "bits of a purse's store are flipped in sixty places, and it is cut",
		reference: "docs/stores.md",
		async run(target, signal) {
			const { module } = await buyerWithMoney(target, signal);
			const whole = await storeOf(module);
			const [[name, content] = ["", Buffer.alloc(0)]] = whole;
			if (sumOf(await balancesOf(module)) !== TWO)
				return broken("the purse does not hold what was withdrawn");
			let refused = 0;
			const places = Array.from({ length: 60 }, (_, at) =>
				Math.floor(((at + 0.5) / 60) * content.length),
			);
			for (const at of [...places, -1]) {
				const spoilt =
					at < 0
						? content.subarray(0, content.length / 2)
						: Buffer.from(content);
				if (at >= 0) spoilt[at] = (spoilt[at] as number) ^ 0x10;
				await putBack(module, new Map([...whole, [name, spoilt]]));
				try {
					const sum = sumOf(await balancesOf(module));
					if (sum > TWO) return broken(`the purse has ${sum} by a flipped bit`);
				} catch (thrown) {
					const { code } = asTetradError(thrown);
					if (code === "internal")
						return broken("a flipped bit is taken for a fault of the program");
					refused++;
				}
			}
			if (refused === 0) return broken("no damage was seen, not even the cut");
			return held(
				`nothing was ever more than it was, and ${refused} of 61 were refused`,
			);
		},
	},
	{
		name: "secrets-in-words-and-logs",
		group,
		tried:
			"somebody reads all files but those of keys, and all that processes say, and looks for keys",
		reference: "SECURITY.md, Which process holds what; CWE-532",
		async run(target) {
			const homes = Object.values(target.sides).flatMap((side) =>
				side === undefined ? [] : [side.agent.home, side.module.home],
			);
			if (homes.length === 0)
				throw new NotTried("it needs a side: say --merchant FOLDER");
			const secrets = (await Promise.all(homes.map(secretsOf))).flat();
			if (secrets.length === 0)
				throw new NotTried("all keys are sealed or in tokens");
			const files = (
				await Promise.all(
					Object.values(target.sides).map(async (side) =>
						side === undefined ? [] : await filesBelow(side.path),
					),
				)
			).flat();
			let searched = 0;
			let isControlled = false;
			for (const path of files) {
				const content = await readFile(path).catch(() => Buffer.alloc(0));
				const found = secrets.find(({ bytes }) => content.includes(bytes));
				if (found !== undefined && SECRET_FILE.test(path)) isControlled = true;
				else if (found !== undefined)
					return broken(`${path} holds ${found.what}`);
				searched += content.length;
			}
			if (!isControlled)
				return broken("keys are not even found where they are");
			const said = Buffer.from(JSON.stringify(target.heard()));
			const found = secrets.find(({ bytes }) => said.includes(bytes));
			if (found !== undefined) return broken(`a process said ${found.what}`);
			return held(
				`nothing of ${secrets.length} keys in ${files.length} files of ${searched} bytes`,
			);
		},
	},
];

/** Where a key may stand. */
const SECRET_FILE = /\/(key\.pem|pairing\.json)$/;

async function filesBelow(folder: string): Promise<string[]> {
	const entries = await readdir(folder, {
		recursive: true,
		withFileTypes: true,
	});
	return entries
		.filter((entry) => entry.isFile())
		.map((entry) => join(entry.parentPath, entry.name));
}

interface Secret {
	readonly what: string;
	readonly bytes: Buffer;
}

/** The keys in clear of a home, in the forms in which they might be written. */
async function secretsOf(home: string): Promise<Secret[]> {
	const secrets: Secret[] = [];
	const pem = await readFile(join(home, "key.pem"), "utf8").catch(() => "");
	const [, body = ""] = /-----\n([\s\S]+?)\n-----END/.exec(pem) ?? [];
	// Its first line is the same for many keys.
	const line = body.split("\n")[1];
	if (line !== undefined && line.length > 20)
		secrets.push({ what: `the key of ${home}`, bytes: Buffer.from(line) });
	const pairing = await readFile(join(home, "pairing.json"), "utf8").catch(
		() => "",
	);
	const [, key] = /"key":\s*"([0-9a-f]{64})"/.exec(pairing) ?? [];
	if (key !== undefined) {
		const raw = Buffer.from(key, "hex");
		const what = `the pairing key of ${home}`;
		for (const bytes of [key, raw, raw.toString("base64")])
			secrets.push({ what, bytes: Buffer.from(bytes) });
	}
	return secrets;
}
