/* What a buyer's program goes on with when it asks again, and what it asks of its agent at once; the agent is not a real one. */
import assert from "node:assert/strict";
import { readdir, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { afterEach, beforeEach, describe, test } from "node:test";
import type {
	AgentService,
	BuyOptions,
	Purchase,
	Quote,
} from "../../src/device/service/index.ts";
import { type ErrorCode, TetradError } from "../../src/errors.ts";
import { PaidAnswers, type PaidTerms, replyTo } from "../../src/paid/index.ts";
import { MAX_PAID_AT_ONCE, MAX_PAYING } from "../../src/paid/limits.ts";
import { utf8 } from "../../src/wire/index.ts";
import { temporaryFolder } from "../support/folders.ts";
import { coded } from "./world.ts";

const RAIN = utf8("rain");

const termsOf = (request: string): PaidTerms => ({
	...{ mode: "sealed", address: "shop.example:7000" },
	...{ agent: "ab".repeat(41), module: "cd".repeat(41) },
	...{ item: `request sealed 42 ${"0".repeat(32)}`, amount: 42n },
	...{ currency: "EUR", exponent: 2, play: false, issuer: "Mint", request },
});

const prepaidTermsOf = (request: string): PaidTerms => ({
	...termsOf(request),
	...{ mode: "prepaid", item: `request prepaid 42 ${"0".repeat(32)}` },
});

/** What an agent was asked to buy. */
interface Asked {
	readonly id: string;
	readonly how: BuyOptions;
}

/** An agent whose purchases end when a test says so. */
class Scripted {
	readonly home: string;
	quotes = 0;
	/** Ids of quotes that were bought, as often as that was asked for. */
	readonly bought: string[] = [];
	/** How the last was bought. */
	how: BuyOptions = {};
	readonly known = new Map<string, Purchase>();
	readonly #ends = new Map<string, PromiseWithResolvers<Purchase>>();
	readonly #asked = Promise.withResolvers<Asked>();

	constructor(home: string) {
		this.home = home;
	}

	get service(): AgentService {
		return this as unknown as AgentService;
	}

	/** What it was first asked to buy, once it was. */
	asked(): Promise<Asked> {
		return this.#asked.promise;
	}

	async status(): Promise<{ readonly home: string }> {
		return { home: this.home };
	}

	async quote(
		_address: string,
		item: string,
		{ order = "" }: { readonly order?: string },
	): Promise<Quote> {
		const { agent, module, ...terms } = termsOf(order);
		const id = (++this.quotes).toString(16).padStart(32, "0");
		return {
			...{ ...terms, id, item, order, merchantId: agent, moduleId: module },
		} as unknown as Quote;
	}

	buy(quote: string, how: BuyOptions): Promise<Purchase> {
		const { to = "", signal } = how;
		this.how = how;
		this.bought.push(quote);
		const end = Promise.withResolvers<Purchase>();
		this.#ends.set(quote, end);
		const contract = "c0ffee";
		const purchase = { quote, path: to, state: "in-doubt", contract };
		this.#asked.resolve({ id: quote, how });
		this.known.set(quote, purchase as unknown as Purchase);
		const stop = () => this.fails(quote, "aborted");
		if (signal?.aborted) stop();
		signal?.addEventListener("abort", stop);
		return end.promise;
	}

	async *purchases(): AsyncGenerator<Purchase, void, undefined> {
		yield* this.known.values();
	}

	/** No merchant answers. */
	async takeRefund(): Promise<bigint> {
		throw new TetradError("timed-out", "nothing came");
	}

	/** The goods are there. */
	async ends(quote: string, of: Partial<Purchase> = {}): Promise<void> {
		const known = this.known.get(quote);
		assert.ok(known !== undefined);
		await writeFile(known.path, RAIN);
		const purchase: Purchase = { ...known, state: "bought", ...of };
		this.known.set(quote, purchase);
		this.#ends.get(quote)?.resolve(purchase);
	}

	fails(quote: string, code: ErrorCode): void {
		if (this.known.get(quote)?.state === "bought") return;
		if (code !== "payment-in-doubt") this.known.delete(quote);
		this.#ends.get(quote)?.reject(new TetradError(code, "it came to that"));
	}
}

describe("a buyer's program that pays for answers", () => {
	let folder: Awaited<ReturnType<typeof temporaryFolder>>;
	let agent: Scripted;

	beforeEach(async () => {
		folder = await temporaryFolder();
		agent = new Scripted(folder.path);
	});
	afterEach(() => folder[Symbol.asyncDispose]());

	/** As a program that has just begun. */
	const program = () =>
		new PaidAnswers(agent.service, { maximum: 42n, currency: "EUR" });

	async function pay(
		request: string,
		answers: PaidAnswers = program(),
		signal?: AbortSignal,
	) {
		const paying = await answers.pay(termsOf(request), request, { signal });
		assert.ok(paying.mode === "sealed");
		paying.answer.catch(() => {});
		return paying;
	}

	const kept = async () => (await readdir(join(folder.path, "answers"))).sort();

	test("goes on with what is in doubt, and asks for no other price", async () => {
		const first = await pay("GET /");
		agent.fails(first.id, "payment-in-doubt");
		await assert.rejects(first.answer, coded("payment-in-doubt"));
		assert.equal((await kept()).length, 1);
		const again = await pay("GET /");
		assert.equal(again.id, first.id);
		assert.equal(again.isToBeSent, false);
		assert.equal(agent.quotes, 1);
		await agent.ends(first.id);
		assert.deepEqual((await again.answer).bytes, RAIN);
		await again.taken();
		assert.deepEqual(await kept(), []);
		const anew = await pay("GET /");
		assert.notEqual(anew.id, first.id);
	});

	test("has what is bought and was not taken, and buys nothing", async () => {
		const first = await pay("GET /");
		await agent.ends(first.id);
		await first.answer;
		const again = await pay("GET /");
		assert.equal(again.isToBeSent, false);
		assert.deepEqual((await again.answer).bytes, RAIN);
		assert.deepEqual(agent.bought, [first.id]);
	});

	test("asks anew for that of which nothing was paid", async () => {
		const first = await pay("GET /");
		agent.fails(first.id, "insufficient-funds");
		await assert.rejects(first.answer, coded("insufficient-funds"));
		assert.deepEqual(await kept(), []);
		assert.ok((await pay("GET /")).isToBeSent);
		assert.equal(agent.quotes, 2);
	});

	test("asks anew for what it had only begun when it died", async () => {
		const first = await pay("GET /");
		agent.known.delete(first.id);
		assert.ok((await pay("GET /")).isToBeSent);
		assert.equal(agent.quotes, 2);
	});

	test("leaves to another program of the same agent what that one is paying for", async () => {
		const first = await pay("GET /");
		const marks = await kept();
		agent.known.delete(first.id);
		const other = await pay("GET /");
		// As the agent says of a second purchase that goes to the same file.
		agent.fails(other.id, "file-unusable");
		await assert.rejects(other.answer, coded("busy", /another program/));
		assert.deepEqual(await kept(), marks);
	});

	test("waits for no owner with a sealed answer, and says what can be done", async () => {
		const answers = new PaidAnswers(agent.service, {
			...{ maximum: 42n, currency: "EUR", waits: true },
			modes: ["sealed", "prepaid"],
		});
		const { id, answer } = await pay("GET /", answers);
		assert.equal(agent.how.waits, false);
		agent.fails(id, "approval-needed");
		await assert.rejects(answer, coded("approval-needed", /allow prepaid/));
		assert.deepEqual(await kept(), []);
	});

	test("waits for its owner with what is prepaid, where that was asked for", async () => {
		const answers = new PaidAnswers(agent.service, {
			...{ maximum: 42n, currency: "EUR", waits: true, modes: ["prepaid"] },
		});
		const paying = answers.pay(prepaidTermsOf("GET /"), "GET /");
		const { id, how } = await agent.asked();
		assert.equal(how.waits, true);
		await agent.ends(id);
		assert.equal((await paying).mode, "prepaid");
	});

	test("has a request sent by the second who asks, where the first has gone before", async () => {
		const answers = program();
		const leaving = new AbortController();
		const [one, two] = [
			pay("GET /", answers, leaving.signal),
			pay("GET /", answers),
		];
		leaving.abort();
		assert.equal((await one).isToBeSent, false);
		assert.equal((await two).isToBeSent, true);
		assert.equal((await pay("GET /", answers)).isToBeSent, false);
		assert.equal(agent.quotes, 1);
	});

	test("shares nothing that was given up, and asks anew once that has ended", async () => {
		const answers = program();
		const one = await pay("GET /", answers);
		one.giveUp(new Error("it is not wanted"));
		const two = await pay("GET /", answers);
		assert.notEqual(two.id, one.id);
		assert.ok(two.isToBeSent);
		await agent.ends(two.id);
		assert.deepEqual((await two.answer).bytes, RAIN);
	});

	test("has what was paid first once more, also where its last caller gave up after it had come", async () => {
		const answers = new PaidAnswers(agent.service, {
			...{ maximum: 42n, currency: "EUR", modes: ["prepaid"] },
		});
		const late = new AbortController();
		const { signal } = late;
		const terms = prepaidTermsOf("GET /");
		const first = answers.pay(terms, "GET /", { signal });
		const { id } = await agent.asked();
		await agent.ends(id, { item: terms.item });
		const lost = replyTo(await first, {
			send: async () => {
				throw new Error("the line broke");
			},
			judge: () => ({ kind: "answer" }),
			read: () => undefined,
		});
		await assert.rejects(lost, coded("payment-in-doubt"));
		// As the timeout of a `fetch` that is over by then.
		late.abort();
		const again = await answers.pay(terms, "GET /");
		assert.equal(again.id, (await first).id);
		assert.deepEqual(agent.bought, [id]);
	});

	test("asks anew while what was taken is still being forgotten, and loses no mark of that", async () => {
		const answers = program();
		const one = await pay("GET /", answers);
		await agent.ends(one.id);
		await one.answer;
		const taking = one.taken();
		const two = await pay("GET /", answers);
		await taking;
		assert.notEqual(two.id, one.id);
		assert.ok(two.isToBeSent);
		const marks = await kept();
		assert.equal(marks.length, 1);
		assert.match(marks[0] ?? "", /\.begun$/);
	});

	describe("and whose merchant knows its ticket no more", () => {
		/** Asks again for what was bought then. */
		async function asksAgain(time: Date, code: ErrorCode): Promise<unknown> {
			const request = "GET /";
			const answers = new PaidAnswers(agent.service, {
				...{ maximum: 42n, currency: "EUR", modes: ["prepaid"] },
			});
			const terms = prepaidTermsOf(request);
			const before = answers.pay(terms, request);
			const { id } = await agent.asked();
			await agent.ends(id, { time: time.toISOString(), item: terms.item });
			await before;
			const again = new PaidAnswers(agent.service, {
				...{ maximum: 42n, currency: "EUR", modes: ["prepaid"] },
			});
			return replyTo(await again.pay(terms, request), {
				send: async () => undefined,
				judge: () => ({
					kind: "refusal",
					code,
					error: new TetradError("refused-by-peer", "it is not known"),
				}),
				read: () => undefined,
			});
		}

		const dayAgo = () => new Date(Date.now() - 25 * 3_600_000);

		test("says that it is paid and not answered any more, and asks anew then", async () => {
			await assert.rejects(
				asksAgain(dayAgo(), "offer-expired"),
				coded("merchandise-wrong", /paid .* no more.* contract c0ffee/),
			);
			assert.deepEqual(await kept(), []);
		});

		test("keeps it while answers are kept", async () => {
			const doubt = coded("payment-in-doubt");
			await assert.rejects(asksAgain(new Date(), "offer-expired"), doubt);
			assert.equal((await kept()).length, 2);
		});

		test("keeps it where its price is owed back, however old it is", async () => {
			const doubt = coded("payment-in-doubt");
			await assert.rejects(asksAgain(dayAgo(), "payment-refused"), doubt);
			assert.equal((await kept()).length, 2);
		});
	});

	test("keeps requests apart, and each in a file that no request names", async () => {
		const requests = ["GET /", "GET /b", "GET /../../etc/passwd"];
		for (const request of requests) await pay(request);
		const marks = await kept();
		assert.equal(marks.length, requests.length);
		for (const mark of marks) assert.match(mark, /^[0-9a-f]{64}\.begun$/);
		for (const { path } of agent.known.values())
			assert.match(basename(path), /^[0-9a-f]{64}$/);
	});

	test("stops a purchase when the last who waits for it has given up, and not before", async () => {
		const answers = program();
		const leaving = new AbortController();
		const one = await pay("GET /", answers, leaving.signal);
		const two = await pay("GET /", answers);
		leaving.abort();
		one.giveUp(undefined);
		assert.equal(agent.known.size, 1);
		two.giveUp(new Error("there is no answer"));
		await assert.rejects(two.answer, coded("aborted"));
		await assert.rejects(one.answer, coded("aborted"));
		assert.equal(agent.known.size, 0);
	});

	test("keeps an answer until all who asked at once have taken it", async () => {
		const answers = program();
		const one = await pay("GET /", answers);
		const two = await pay("GET /", answers);
		await agent.ends(one.id);
		await one.taken();
		await one.taken();
		assert.equal((await kept()).length, 2);
		assert.deepEqual((await two.answer).bytes, RAIN);
		await two.taken();
		assert.deepEqual(await kept(), []);
	});

	test("buys so many at once at one merchant, and lets the others wait", async () => {
		const answers = program();
		const more = 3;
		const all = Array.from({ length: MAX_PAID_AT_ONCE + more }, (_, i) =>
			pay(`GET /${i}`, answers),
		);
		const first = await Promise.all(all.slice(0, MAX_PAID_AT_ONCE));
		assert.equal(agent.bought.length, MAX_PAID_AT_ONCE);
		for (const [i, { id }] of first.slice(0, more).entries()) {
			await agent.ends(id);
			await all[MAX_PAID_AT_ONCE + i];
		}
		assert.equal(agent.bought.length, MAX_PAID_AT_ONCE + more);
	});

	test("lets no more wait than it has room for, and whoever waits give up", async () => {
		const answers = program();
		const leaving = new AbortController();
		const refused: unknown[] = [];
		const all = Array.from({ length: MAX_PAYING + 10 }, (_, i) =>
			pay(`GET /${i}`, answers, leaving.signal).catch((thrown: unknown) =>
				refused.push(thrown),
			),
		);
		await Promise.all(all.slice(0, MAX_PAID_AT_ONCE));
		assert.equal(refused.filter(coded("busy")).length, 10);
		leaving.abort();
		await Promise.all(all);
		assert.equal(refused.filter(coded("busy")).length, 10);
		assert.equal(
			refused.filter(coded("aborted")).length,
			MAX_PAYING - MAX_PAID_AT_ONCE,
		);
		assert.ok(agent.bought.length <= MAX_PAID_AT_ONCE);
	});
});
