/* What goes wrong in a purchase of real processes, beside deaths: disks, signals, clocks, sources that change, and merchants and buyers who want it to. */
import assert from "node:assert/strict";
import {
	appendFile,
	mkdir,
	readdir,
	readFile,
	rm,
	stat,
	writeFile,
} from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { temporaryFolder } from "../support/folders.ts";
import { Command, run } from "../support/processes.ts";
import { GOODS, Street, toldBy } from "../support/street.ts";
import { TroubledDisk } from "../support/troubled-disk.ts";

/** Names that a terminal would take for orders, and paths that lead out. */
const NAMES = ["../../escape", "harbour (1)", ".hidden", "-rf"];

/** Long enough that it is under way for a while. */
const FILM_BYTES = 30_000_000;
const CHANGE = "more";

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let street: Street;
/** Purchases of other agents of the same module. */
let others = 0;

before(async () => {
	folder = await temporaryFolder();
	street = await Street.open(join(folder.path, "street"), {
		async stock(shop) {
			await writeFile(join(shop, "photo.jpg"), GOODS);
			await writeFile(join(shop, "film.mp4"), Buffer.alloc(FILM_BYTES, "film"));
			const texts = Array.from({ length: 3000 }, (_, number) => ({
				name: `text ${number}`,
				text: `${number}`,
				price: "0.01",
				description: `\u001b]0;owned\u0007\u001b[2J number ${number}`,
			}));
			await writeFile(
				join(shop, "catalogue.json"),
				JSON.stringify({
					version: 1,
					items: [
						{ file: "photo.jpg", price: "0.25" },
						{ file: "film.mp4", price: "0.25" },
						...NAMES.map((name) => ({ name, text: name, price: "0.01" })),
						...texts,
					],
				}),
			);
		},
	});
});
after(async () => {
	await street?.[Symbol.asyncDispose]();
	await folder[Symbol.asyncDispose]();
});

/** The same command for another agent's home. */
const from = (home: string, args: readonly string[]) =>
	args.map((word) => (word === street.homes.of("A") ? home : word));

/** A purchase that the merchant's module does not answer: in doubt, with its goods sealed on the disk. */
async function inDoubt(target: string) {
	street.fates.Y.tell({ kind: "write", number: 1, when: "before" });
	const told = await street.buy(target);
	street.fates.Y.end();
	assert.equal(told.code, "payment-in-doubt");
	return told;
}

const isThere = (path: string) =>
	stat(path).then(
		() => true,
		() => false,
	);

describe("a file", () => {
	test("that is there is not written over, and nothing is paid", async () => {
		const target = street.newTarget();
		await writeFile(target, GOODS);
		const { code, reason } = await street.buy(target);
		assert.equal(code, "file-unusable");
		assert.match(reason, /exists already/);
		await street.requireRest();
	});

	test("for which a purchase is in doubt is not taken for another", async () => {
		const target = street.newTarget();
		const told = await inDoubt(target);
		const [part] = (await readdir(street.homes.at("bought"))).filter((name) =>
			name.endsWith(".tetrad-part"),
		);
		assert.ok(part);
		await street.revive();
		const { ino } = await stat(street.homes.at("bought", part));
		const second = await street.buy(target);
		assert.equal(second.code, "file-unusable");
		// The first one may come to its end before the second asks for the file.
		assert.match(second.reason, /tetrad resolve|exists already/);
		const is = await stat(street.homes.at("bought", part)).catch(
			() => undefined,
		);
		assert.ok(is === undefined || is.ino === ino);
		await street.comesToRest(target, [told]);
	});

	test("that cannot be kept: what was not paid is not paid, and what was is told so and goes on", async () => {
		await using disk = await TroubledDisk.make();
		for (const [trouble, part, isPaid] of [
			["full", ".tetrad-part", false],
			["fsync", ".tetrad-part", false],
			["fsync", ".tetrad-new", true],
		] as const) {
			const target = street.newTarget();
			await disk.make(trouble);
			const env = { ...street.fates.A.env, ...disk.env(part) };
			const told = await street.buy(target, env);
			await disk.end(trouble);
			const code = isPaid ? "payment-in-doubt" : "file-unusable";
			assert.equal(told.code, code, told.reason);
			assert.match(told.reason, /cannot write/);
			assert.equal(/^it is paid\b/.test(told.reason), isPaid, told.reason);
			await street.comesToRest(target, [told]);
		}
	});
});

describe("an interrupted purchase", () => {
	test("is told as it is, wherever the signal comes", async () => {
		street.fates.A.count();
		const counted = await street.buy(street.newTarget());
		assert.equal(counted.code, undefined, counted.reason);
		const steps = street.fates.A.end();
		assert.ok(steps.length >= 45, `${steps.length}`);
		let interrupted = 0;
		for (let number = 2; number <= steps.length; number += 3) {
			const target = street.newTarget();
			const kind = steps[number - 1] ?? "write";
			const of = steps.slice(0, number).filter((one) => one === kind).length;
			street.fates.A.tell({
				kind,
				number: of,
				when: number % 6 === 2 ? "before" : "after",
				signal: "SIGINT",
			});
			const told = await street.buy(target);
			street.fates.A.end();
			assert.equal(told.result.signal, null);
			if (told.code === undefined) assert.equal(told.result.code, 0);
			else {
				assert.equal(told.code, "aborted", told.reason);
				interrupted++;
			}
			await street.comesToRest(target, [told]);
		}
		// What comes when all is said interrupts nothing.
		assert.ok(interrupted >= 9, `${interrupted}`);
	});
});

describe("the same purchase at the same time", () => {
	test("is made by one of the two, and the other is told why not", async () => {
		const target = street.newTarget();
		const both = await Promise.all([street.buy(target), street.buy(target)]);
		const codes = both.map(({ code }) => code ?? "bought").toSorted();
		// One that comes when the other is done finds its file there.
		assert.match(codes.join(), /^bought,(busy|file-unusable)$/);
		// The one that did not buy says so, truly, of its own try.
		await street.comesToRest(
			target,
			both.filter(({ code }) => code === undefined),
		);
	});
});

describe("a merchant", () => {
	test("whose source changes while it is sent sells nothing of it", async () => {
		const target = street.newTarget();
		const buyer = new Command(street.buying(target, "film.mp4"), {
			env: street.fates.A.env,
		});
		await buyer.expect("progress");
		buyer.terminate("SIGSTOP");
		await appendFile(street.homes.at("shop", "film.mp4"), CHANGE);
		buyer.terminate("SIGCONT");
		const told = toldBy(await buyer.exited);
		assert.equal(told.code, "merchandise-changed", told.reason);
		assert.ok(!(await isThere(target)));
		await street.comesToRest(target, [told]);
	});

	test("of thousands is shown whole and harmless", async () => {
		const { stdout, code } = await run([
			...["catalogue", street.shopAt, ...street.caller()],
		]);
		assert.equal(code, 0);
		assert.match(stdout, /text 2999/);
		// biome-ignore lint/suspicious/noControlCharactersInRegex: it is about them.
		assert.doesNotMatch(stdout, /[\u0000-\u0009\u000b-\u001f\u007f]/);
	});

	test("whose names lead elsewhere has names, and no paths", async () => {
		for (const [number, name] of NAMES.entries()) {
			const out = street.homes.at(`named-${number}`);
			const told = toldBy(await run(street.buying(out, name)));
			assert.equal(told.code, undefined, told.reason);
			assert.equal(await readFile(out, "utf8"), name);
		}
	});

	test("with a buyer that stands still sells to all others", async () => {
		const film = join(folder.path, "film.mp4");
		const buyer = new Command(street.buying(film, "film.mp4"), {
			env: street.fates.A.env,
		});
		await buyer.expect("progress");
		buyer.terminate("SIGSTOP");
		const home = street.homes.spare("A");
		for (let number = 1; number <= 3; number++) {
			const out = join(folder.path, `other-${number}`);
			const told = toldBy(await run(from(home, street.buying(out))));
			assert.equal(told.code, undefined, told.reason);
			assert.deepEqual(await readFile(out), Buffer.from(GOODS));
			others++;
		}
		buyer.terminate("SIGCONT");
		const told = toldBy(await buyer.exited);
		assert.equal(told.code, undefined, told.reason);
		assert.equal((await stat(film)).size, FILM_BYTES + CHANGE.length);
	});
});

describe("a new agent in the place of one that is lost", () => {
	test("gets all goods again, each under a harmless name of its own", async () => {
		for (const _ of [1, 2, 3]) {
			const { code, reason } = await street.buy(street.newTarget());
			assert.equal(code, undefined, reason);
		}
		const bought = (await street.purchases()).filter(
			({ row }) => row.state === "final",
		);
		const home = street.homes.spare("A");
		for (const name of await readdir(home))
			if (name.startsWith("agent.db")) await rm(join(home, name));
		const learned = join(folder.path, "new", "learned");
		await mkdir(learned, { recursive: true });
		const { stdout, stderr, code } = await run([
			...["resolve", street.shopAt, "--merchant", "--learn", "--json"],
			...["--out", learned, ...from(home, street.caller())],
		]);
		assert.equal(code, 0, stdout + stderr);
		assert.deepEqual(await readdir(join(folder.path, "new")), ["learned"]);
		const names = await readdir(learned);
		assert.equal(names.length, bought.length + others, names.join(", "));
		for (const name of names)
			if (name.startsWith("photo.jpg"))
				assert.deepEqual(
					await readFile(join(learned, name)),
					Buffer.from(GOODS),
					name,
				);
	});
});

describe("a shop", () => {
	test("does not open with a name of a megabyte, and no buyer asks for one", async () => {
		const told = toldBy(
			await run(street.buying(street.newTarget(), "x".repeat(100_000))),
		);
		assert.equal(told.code, "invalid-argument");
	});
});
