/* A shop that takes ecash of a play mint beside notes, and a buyer that pays with it: all of them processes, over sockets. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { done, refused } from "../support/commands.ts";
import { dice } from "../support/dice.ts";
import {
	ECASH_MORTALS,
	type EcashMortal,
	EcashStreet,
	PRICE,
} from "../support/ecash-street.ts";
import { temporaryFolder } from "../support/folders.ts";
import { run } from "../support/processes.ts";
import type { Told } from "../support/street.ts";
import type { DeathAt } from "../support/told-to-die.ts";

const SEED = Number(process.env["TETRAD_WALK_SEED"] ?? 1);
/** Deaths of each device that are tried. */
const DEATHS = process.env["TETRAD_LONG_WALKS"] === "1" ? 1000 : 2;

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let street: EcashStreet;

before(async () => {
	folder = await temporaryFolder();
	street = await EcashStreet.open(join(folder.path, "street"));
});
after(async () => {
	await street?.[Symbol.asyncDispose]();
	await folder[Symbol.asyncDispose]();
});

const quoted = ({ events }: Told) => {
	const found = events.find((event) => event.event === "quoted");
	assert.ok(found?.event === "quoted", JSON.stringify(events));
	return found;
};
const isBought = ({ events, result }: Told) =>
	result.code === 0 && events.some(({ event }) => event === "bought");

describe("a purchase that is paid with ecash", { timeout: 600_000 }, () => {
	test("is shown with what is promised and risked, moves the price, and is proved by its receipt", async () => {
		const listed = await run([
			...["catalogue", street.shopAt, "--json", ...street.caller()],
		]);
		const items = listed.stdout
			.trim()
			.split("\n")
			.map((line) => JSON.parse(line))
			.filter(({ item }) => item === "photo.jpg");
		assert.deepEqual(
			items.map(({ rail, currency, amount, mint, unit }) => ({
				...{ rail, currency, amount, mint, unit },
			})),
			[
				{
					rail: "own-notes",
					currency: "PLAY",
					amount: "0.25",
					mint: undefined,
					unit: undefined,
				},
				{
					rail: "cashu",
					currency: "SAT",
					amount: "42",
					mint: street.mintAt,
					unit: "sat",
				},
			],
		);
		const before = await street.ecash("X");
		const target = street.newTarget();
		const told = await street.buy(target);
		assert.ok(isBought(told), JSON.stringify(told));
		const { rail, promises, mint, unit, currency, amount } = quoted(told);
		assert.deepEqual(
			[rail, mint, unit, currency, amount],
			["cashu", street.mintAt, "sat", "SAT", "42"],
		);
		assert.equal(promises.seenBy, "amount-by-issuer");
		assert.ok(promises.buyerRisks.includes("locked-to-deadline"));
		const paying = told.events.find(
			(event) => event.event === "purchase" && event.state === "paying",
		);
		assert.ok(paying?.event === "purchase");
		const { until = "", lockedUntil = "" } = paying;
		// A day after the time to pay.
		assert.equal(Date.parse(lockedUntil) - Date.parse(until), 86_400_000);
		const x = await street.ecash("X");
		assert.equal(before.spendable - x.spendable, PRICE);
		assert.equal(x.inDoubt, 0n);
		await street.comesToRest(target, told);
		const { purchases } = await done([
			"purchases",
			"--home",
			street.homes.of("A"),
		]);
		const [last] = purchases as readonly Record<string, unknown>[];
		assert.equal(last?.["rail"], "cashu");
		assert.equal(last?.["mint"], street.mintAt);
		const { sales } = await done(["sales", "--home", street.homes.of("B")]);
		const [sold] = sales as readonly Record<string, unknown>[];
		assert.deepEqual(
			[sold?.["item"], sold?.["amount"], sold?.["currency"], sold?.["play"]],
			["photo.jpg", "42", "SAT", true],
		);
		const receipt = street.homes.at("receipt");
		await done([
			"receipt",
			String(last?.["contract"]),
			"--home",
			street.homes.of("A"),
			"--out",
			receipt,
		]);
		const roots = ["agency", "bank"].flatMap((name) => [
			...[`--${name}`, street.homes.at(name, "root.pem")],
		]);
		const verified = await done(["verify", receipt, ...roots]);
		assert.equal(verified["proved"], true);
		assert.equal(verified["currency"], "SAT");
	});

	test("says the buyer's risk in words at a terminal", async () => {
		const target = street.newTarget();
		const { stdout, code } = await run([
			...["buy", "--rail", "cashu", "--max", "42 SAT", "--out", target],
			...[...street.caller(), "--", street.shopAt, "photo.jpg"],
		]);
		assert.equal(code, 0);
		assert.match(stdout, /paid with ecash, sat of the mint http:\/\/127/);
		assert.match(stdout, /neither who nor whom/);
		assert.match(
			stdout,
			/your risk: while no key comes, your money can be locked/,
		);
		assert.match(stdout, /a mint that has forgotten it leaves you without/);
		assert.match(stdout, /what is locked for it comes back after 20/);
	});

	test("is over the rail that its buyer prefers, in the currency that it allows", async () => {
		for (const [flags, rail] of [
			[["--max", "0.25 PLAY"], "own-notes"],
			[["--max", "42 SAT"], "cashu"],
			[["--rail", "own-notes,cashu", "--max", "42 SAT"], "cashu"],
			[["--rail", "own-notes", "--max", "0.25 PLAY"], "own-notes"],
			[["--avoid", "seen-by-issuer", "--max", "42 SAT"], "cashu"],
		] as const) {
			const told = await street.buy(street.newTarget(), ...flags);
			assert.ok(isBought(told), JSON.stringify(told));
			assert.equal(quoted(told).rail, rail);
		}
	});

	test("is not made where nothing that is offered is wanted, or it costs more", async () => {
		const before = await street.ecash("X");
		for (const [flags, reason] of [
			[
				["--rail", "cashu", "--max", "41 SAT"],
				/it costs 42 SAT, and --max is 41/,
			],
			[
				["--rail", "cashu", "--max", "0.25 PLAY"],
				/it costs SAT, and what it may cost is in PLAY/,
			],
			[
				["--rail", "own-notes", "--max", "42 SAT"],
				/it costs PLAY, and what it may cost is in SAT|do not want to pay so/,
			],
			[
				["--avoid", "locked-to-deadline", "--max", "42 SAT"],
				/do not want to pay so/,
			],
			[["--rail", "cash", "--max", "42 SAT"], /--rail names own-notes, cashu/],
		] as const) {
			const told = await street.buy(street.newTarget(), ...flags);
			assert.notEqual(told.result.code, 0, JSON.stringify(told));
			assert.match(told.reason, reason);
		}
		assert.deepEqual(await street.ecash("X"), before);
	});

	test("waits for a mint that is down, and goes on when that is there again", async () => {
		const target = street.newTarget();
		await street.killMint();
		const buying = street.buy(target);
		await street.isCommitted();
		await street.startMint();
		const told = await buying;
		assert.ok(isBought(told), JSON.stringify(told));
		await street.comesToRest(target, told);
	});

	test("comes to its end when the mint's answers are lost", async () => {
		for (const at of ["swap", "checkstate"] as const) {
			const target = street.newTarget();
			const fault = { kind: "answer-lost", at, times: 2 } as const;
			await street.orderMint({ kind: "fault", fault });
			const told = await street.buy(target);
			await street.orderMint({ kind: "clear" });
			await street.comesToRest(target, told);
		}
	});

	test("is at rest whoever dies, at whichever of their steps", async () => {
		const roll = dice(SEED);
		for (const who of ECASH_MORTALS) {
			const points = await pointsOf(who);
			while (points.length > DEATHS) points.splice(roll(points.length), 1);
			let died = 0;
			for (const at of points) if (await street.live(who, at)) died++;
			assert.ok(died > 0, `${who} never died`);
		}
	});
});

/** Where a device can die in a purchase. */
async function pointsOf(who: EcashMortal): Promise<DeathAt[]> {
	street.fates[who].count();
	const target = street.newTarget();
	const told = await street.buy(target);
	const steps = street.fates[who].end();
	await street.comesToRest(target, told);
	let writes = 0;
	let messages = 0;
	return steps.flatMap((kind): DeathAt[] => {
		const number = kind === "write" ? ++writes : ++messages;
		return (["before", "after"] as const).map((when) => ({
			...{ kind, number, when },
		}));
	});
}

describe("a shop whose mint somebody has not named", {
	timeout: 600_000,
}, () => {
	test("is not opened where its own module has not", async () => {
		const refuses = (take: string, why: RegExp) => {
			const flags = street.selling(take, "--purse", street.homes.of("Y"));
			return refused(
				flags.filter((flag) => flag !== "--json"),
				why,
				2,
			);
		};
		await refuses(
			"http://127.0.0.1:9 sat play",
			/nothing can be sold for sat of http:\/\/127\.0\.0\.1:9: its module does not know that mint/,
		);
		await refuses(`${street.mintAt} usd play`, /names sat of it/);
		await refuses(`${street.mintAt} sat`, /as play money; say the same/);
	});

	test("offers nothing for ecash that its module does not know, where that is on another machine, and says so to both", async () => {
		await street.openShop("http://127.0.0.1:9 sat play");
		const told = await street.buy(street.newTarget());
		assert.equal(told.result.code, 1);
		assert.match(told.reason, /not sold for the money that was asked for/);
		const { shop } = street;
		await shop.until(
			() =>
				shop.events.some(
					(event) =>
						event.event === "unavailable" &&
						/the module does not know that mint/.test(event.reason),
				),
			"what its owner is told",
		);
	});

	test("sells nothing to a buyer whose module has not, and that hears which mint it is", async () => {
		await street.openShop(`${street.otherMintAt} sat play`);
		const told = await street.buy(street.newTarget());
		assert.equal(told.code, "payment-refused");
		assert.match(
			told.reason,
			/nothing was paid: it is sold for sat of the mint http:\/\/127/,
		);
		assert.ok(told.reason.includes(street.otherMintAt));
		assert.match(told.reason, /purse\.json/);
		assert.equal((await street.ecash("X")).inDoubt, 0n);
	});

	test("sells for notes to a buyer that knows none of its mints, whatever it prefers", async () => {
		await street.openShop(`notes, ${street.otherMintAt} sat play`);
		const prefers = ["--rail", "cashu,own-notes", "--max", "0.25 PLAY"];
		const told = await street.buy(street.newTarget(), ...prefers);
		assert.ok(isBought(told), JSON.stringify(told));
		assert.equal(quoted(told).rail, "own-notes");
	});
});
