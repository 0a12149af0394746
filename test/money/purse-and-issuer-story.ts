/*
 * The life of a few purses and their issuer as text: what each wanted done, what was said to agents
 * and owners, and which rows were another after each chapter. Nothing in it is random.
 * `npx node test/write-down.ts` writes it into purse-and-issuer-story.txt.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { nodeCrypto } from "../../src/crypto/index.ts";
import { DAY } from "../support/authority.ts";
import { SaleTown } from "./sale-town.ts";
import { contractOf, type Module } from "./town.ts";
import { drawCounted, TownStory } from "./town-story.ts";

const FILE = new URL("purse-and-issuer-story.txt", import.meta.url);

/** All of it. */
export async function tell(): Promise<string> {
	const here = await SaleTown.poor({ noteDays: 20, graceDays: 2 });
	const { town, ann, bob, mint } = here;
	const draw = drawCounted([ann, bob, mint]);
	const withdraw = async (module: Module, ...values: readonly bigint[]) => {
		for (const value of values) {
			town.fund(mint, module, value);
			await town.order(module, mint, value, draw(16));
		}
		await town.visit(module, mint);
	};
	const story = new TownStory({ town, ann, bob, mint, saysKept: true });
	let contracts = 0;
	let last = contractOf(0);
	const pay = async (
		amount: bigint,
		how: "agreed" | "unexpected" | "again" = "agreed",
	) => {
		if (how !== "again") last = contractOf(++contracts);
		const contract = last;
		const tetrad = await town.meet(ann, bob);
		if (how !== "unexpected")
			town.expect(bob, tetrad, contract, amount, mint, "a tea");
		town.pay(ann, tetrad, contract, amount, mint, "tea");
		await town.quiet();
		town.part(ann, tetrad);
		await town.quiet();
	};
	const decide = (amount: bigint, isApproved: boolean) =>
		town
			.decide(
				ann,
				{ contract: last, payee: bob, issuer: mint, amount },
				isApproved,
			)
			.then(() => {});
	const visit = (module: Module) => town.visit(module, mint).then(() => {});
	/** A payment of which so many messages come before the line is cut. */
	const cut = async (amount: bigint, messages: number) => {
		last = contractOf(++contracts);
		const tetrad = await town.meet(ann, bob);
		town.expect(bob, tetrad, last, amount, mint);
		town.pay(ann, tetrad, last, amount, mint);
		for (let i = 0; i < messages; i++) await town.deliver();
		town.wire.length = 0;
		town.part(ann, tetrad);
		await town.quiet();
	};
	const later = (milliseconds: number) => town.pass(milliseconds);

	await story.chapter("ann withdraws 600 and 400", () =>
		withdraw(ann, 600n, 400n),
	);
	await story.chapter("her account does not bear another 50", async () => {
		await town.order(ann, mint, 50n, new Uint8Array(16).fill(7));
		await visit(ann);
	});
	await story.chapter("she orders 40, and cancels that", async () => {
		const request = new Uint8Array(16).fill(8);
		await town.order(ann, mint, 40n, request);
		await town.cancel(ann, mint, 40n, request);
	});
	await story.chapter("she limits what the purse may pay", async () => {
		await town.limits(ann, {
			money: [
				{
					issuer: mint.device.deviceId,
					perPayment: 200n,
					perDay: 400n,
					perMerchantDay: 390n,
					inAll: 2_000n,
					approvalAbove: 100n,
				},
			],
		});
	});
	await story.chapter("ann pays 60 to bob", () => pay(60n));
	await story.chapter("she is asked for the same again", () =>
		pay(60n, "again"),
	);
	await story.chapter("she pays 61 in its place", () => pay(61n, "again"));
	await story.chapter("bob expects nothing", () => pay(10n, "unexpected"));
	await story.chapter("201 is too much for one payment", () => pay(201n));
	await story.chapter("120 wants approval", () => pay(120n));
	await story.chapter("it is approved", () => decide(120n, true));
	await story.chapter("and paid", () => pay(120n, "again"));
	await story.chapter("110 wants approval, too, and is denied", async () => {
		await pay(110n);
		await decide(110n, false);
		await pay(110n, "again");
	});
	await story.chapter("bob deposits", () => visit(bob));
	for (const messages of [0, 1, 2, 3])
		await story.chapter(`the line is cut after ${messages} messages`, () =>
			cut(20n + BigInt(messages), messages),
		);
	await story.chapter("they meet again", () => pay(5n));
	await story.chapter("one of two that bob expects is paid", async () => {
		const tetrad = await town.meet(ann, bob);
		const other = contractOf(++contracts);
		last = contractOf(++contracts);
		for (const contract of [other, last])
			town.expect(bob, tetrad, contract, 4n, mint, "a biscuit");
		town.pay(ann, tetrad, last, 4n, mint, "biscuit");
		await town.quiet();
	});
	await story.chapter("their tetrad ends", async () => {
		for (const tetrad of [...ann.tetrads.keys()]) town.part(ann, tetrad);
		await town.quiet();
	});
	await story.chapter("the day's limit is reached", async () => {
		await pay(100n);
		await pay(100n);
	});
	await story.chapter("a day later it is not", async () => {
		await later(DAY + 60_000);
		await pay(90n);
	});
	await story.chapter("bob deposits again", () => visit(bob));
	await story.chapter("ann buys something", () =>
		here.bought(here.goods(1, { amount: 33n })),
	);
	// What is deposited in one visit goes by its contract, and that of goods is another one each time.
	await story.chapter("bob deposits what he sold", () => visit(bob));
	await story.chapter("bob's store is full when she buys", async () => {
		bob.refuses = (what) => what === "transaction";
		await here.bought(here.goods(2, { amount: 34n }));
		bob.refuses = undefined;
	});
	await story.chapter("the issuer gives her the key", () => visit(ann));
	await story.chapter("something whose key is another one", async () => {
		here.clerk(bob).isBlind = true;
		const keyHash = nodeCrypto.sha256(new Uint8Array(1));
		await here.bought(here.goods(3, { amount: 35n, keyHash }));
		await visit(ann);
	});
	await story.chapter("bob is told what became of that", () => visit(bob));
	await story.chapter("bob withdraws, and both take new keys", async () => {
		await withdraw(bob, 77n);
		await town.recertify(ann);
		await town.recertify(bob);
		await pay(6n);
	});
	await story.chapter(
		"the notes come to the last part of their life",
		async () => {
			await later(16 * DAY);
			await visit(ann);
			await visit(bob);
		},
	);
	await story.chapter(
		"a payment comes late, and bob's agent still expects it",
		async () => {
			await cut(18n, 2);
			await later(DAY / 4);
			const tetrad = await town.meet(ann, bob);
			await town.quiet();
			for (const amount of [18n, 19n]) {
				town.expect(bob, tetrad, last, amount, mint);
				await town.quiet();
			}
			town.part(ann, tetrad);
			await town.quiet();
		},
	);
	await story.chapter("bob has it booked", () => visit(bob));
	await story.chapter("a payment that is never delivered", () => cut(17n, 2));
	await story.chapter(
		"ann asks for it where bob has another agent",
		async () => {
			const { agentId } = bob;
			Object.assign(bob, { agentId: agentId.map((byte) => byte ^ 1) });
			const tetrad = await town.meet(ann, bob);
			town.pay(ann, tetrad, last, 17n, mint);
			await town.quiet();
			town.part(ann, tetrad);
			await town.quiet();
			Object.assign(bob, { agentId });
		},
	);
	await story.chapter("all is over, and claimed", async () => {
		await later(19 * DAY);
		await visit(ann);
		await later(4 * DAY);
		await visit(ann);
	});
	await story.chapter(
		"bob gives all back, after an exchange came too late",
		async () => {
			town.giveBack(bob, mint);
			await visit(bob);
			await visit(bob);
		},
	);
	await story.chapter("an old state is put back", async () => {
		await withdraw(ann, 300n, 31n);
		const before = ann.store.copy();
		await pay(8n);
		town.die(ann);
		ann.store = before;
		ann.wasPutBack = true;
		town.restart(ann);
		await pay(9n);
		await visit(ann);
		await pay(9n, "again");
	});
	await story.chapter("her owner overrides that", async () => {
		await town.override(ann, ann.head);
		await visit(ann);
		await pay(10n);
	});
	return `${story.lines.join("\n")}\n`;
}

export const writtenDown = (): string => readFileSync(FILE, "utf8");

export async function writeDown(): Promise<void> {
	writeFileSync(FILE, await tell());
}
