import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
	type Carrier,
	connect,
	type Listener,
	listen,
} from "../../src/carrier/index.ts";
import { SoftwareAuthority } from "../../src/device/authority/software-authority.ts";
import {
	MoneyModule,
	pairInProcess,
	type Tetrad,
	TrustedAgent,
} from "../../src/device/runtime/index.ts";
import type { Signer } from "../../src/identity/index.ts";
import { generateSoftwareKey } from "../../src/keys/index.ts";
import { makePolicy, type Policy } from "../../src/tetrad/index.ts";
import { hex, parseUtf8, utf8 } from "../../src/wire/index.ts";
import { issueList } from "./support.ts";

const agency = await SoftwareAuthority.create("agency", "Agency", "Ed25519");
const bank = await SoftwareAuthority.create("bank", "Bank", "Ed25519");

/** An agent and its module in this process, and how often their keys signed. */
interface Side extends AsyncDisposable {
	readonly agent: TrustedAgent;
	readonly module: MoneyModule;
	readonly signed: { count: number };
	/** Another process of the same agent, with a link of its own to the same module. */
	another(): Promise<TrustedAgent>;
}

async function side(name: string, policy: Partial<Policy>): Promise<Side> {
	const whole = makePolicy({
		agencies: [agency.anchor],
		banks: [bank.anchor],
		...policy,
	});
	const signed = { count: 0 };
	const identity = async (authority: SoftwareAuthority) => {
		const key = await generateSoftwareKey("Ed25519");
		const signer: Signer = {
			algorithm: key.algorithm,
			publicKey: key.publicKey,
			sign(content) {
				signed.count++;
				return key.sign(content);
			},
		};
		return { signer, chain: await authority.issue(name, key) };
	};
	const shared = { policy: whole };
	const ofAgent = { identity: await identity(agency), ...shared };
	const agent = new TrustedAgent(ofAgent);
	const module = new MoneyModule({
		identity: await identity(bank),
		...shared,
	});
	await pairInProcess(agent, module);
	await agent.reachModule();
	return {
		...{ agent, module, signed },
		async another() {
			const other = new TrustedAgent(ofAgent);
			await pairInProcess(other, module);
			await other.reachModule();
			return other;
		},
		async [Symbol.asyncDispose]() {
			await agent.close();
			await module.close();
		},
	};
}

const YES = { resumption: "yes" } as const;

/** Who takes the next connection. */
interface Calls {
	take: ((carrier: Carrier) => void) | undefined;
}

/** A buyer's side and a shop's, which listens. */
class Street implements AsyncDisposable {
	readonly buyer: Side;
	shop: Side;
	readonly listener: Listener;
	readonly #calls: Calls;

	static async open(
		ofBuyer: Partial<Policy> = YES,
		ofShop: Partial<Policy> = YES,
	): Promise<Street> {
		const calls: Calls = { take: undefined };
		const listener = await listen("127.0.0.1:0", (carrier) =>
			calls.take?.(carrier),
		);
		return new Street(
			await side("buyer", ofBuyer),
			await side("shop", ofShop),
			listener,
			calls,
		);
	}

	private constructor(
		buyer: Side,
		shop: Side,
		listener: Listener,
		calls: Calls,
	) {
		this.buyer = buyer;
		this.shop = shop;
		this.listener = listener;
		this.#calls = calls;
	}

	/** A tetrad as its four devices have it. */
	async meet(
		answers: TrustedAgent = this.shop.agent,
	): Promise<Record<"a" | "b" | "x" | "y", Tetrad>> {
		const answering = new Promise<Carrier>((resolve) => {
			this.#calls.take = resolve;
		}).then((carrier) => answers.accept(carrier));
		const carrier = await connect(this.listener.address);
		const [a, b, x, y] = await Promise.all([
			...([this.buyer.agent.connect(carrier), answering] as const),
			...([this.buyer.module.accept(), this.shop.module.accept()] as const),
		]);
		return { a, b, x, y };
	}

	/** The same, and how many signatures that took. */
	async signatures(answers: TrustedAgent = this.shop.agent): Promise<number> {
		const all = () => this.buyer.signed.count + this.shop.signed.count;
		const before = all();
		const { a, b, x, y } = await this.meet(answers);
		assert.equal(
			new Set([a, b, x, y].map(({ safetyCode }) => safetyCode)).size,
			1,
		);
		const count = all() - before;
		await a.close();
		await Promise.all([b.closed, x.closed, y.closed]);
		return count;
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.buyer[Symbol.asyncDispose]();
		await this.shop[Symbol.asyncDispose]();
		await this.listener.close();
	}
}

describe("devices that call the same shop again", () => {
	test("sign once, and resume from then on", async () => {
		await using street = await Street.open();
		assert.equal(await street.signatures(), 4);
		for (let i = 0; i < 3; i++) assert.equal(await street.signatures(), 0);
	});

	test("speak in a tetrad that was resumed as in any other", async () => {
		await using street = await Street.open();
		await street.signatures();
		const { a, b, x, y } = await street.meet();
		for (const [from, to, text] of [
			[a.agent, b.agent, "session 1"],
			[y.module, x.module, "session 2"],
			[x.agent, a.module, "session 3"],
			[b.module, y.agent, "session 4"],
		] as const) {
			await from.send(utf8(text));
			const { value } = await to[Symbol.asyncIterator]().next();
			assert.equal(parseUtf8(value as Uint8Array), text);
		}
		const key = (tetrad: Tetrad) =>
			hex(tetrad.export("test", new Uint8Array(), 32));
		assert.equal(new Set([a, b, x, y].map(key)).size, 1);
		await b.close();
		await Promise.all([a.closed, x.closed, y.closed]);
		assert.equal(await street.signatures(), 0);
	});

	test("also when it is busy and asks for cookies", async () => {
		await using street = await Street.open(YES, {
			...YES,
			load: { busyFrom: 0 },
		});
		assert.equal(await street.signatures(), 4);
		assert.equal(await street.signatures(), 0);
		assert.equal(street.shop.agent.admission.cookies, 2);
	});

	test("sign when somebody answers there who knows of no token, on the same connection and with one cookie", async () => {
		await using street = await Street.open();
		await street.signatures();
		await street.shop[Symbol.asyncDispose]();
		const policy = { ...YES, load: { busyFrom: 0 } };
		street.shop = await side("shop", policy);
		assert.equal(await street.signatures(), 4);
		const { admitted, cookies } = street.shop.agent.admission;
		// The offer with a token, and the one without.
		assert.deepEqual({ admitted, cookies }, { admitted: 2, cookies: 1 });
		assert.equal(await street.signatures(), 0);
	});

	test("count as one caller, also when the token was of no use", async () => {
		const policy = { ...YES, load: { tetradsOfDevice: 1 } };
		await using street = await Street.open(YES, policy);
		for (let i = 0; i < 3; i++) {
			await street.shop[Symbol.asyncDispose]();
			street.shop = await side("shop", policy);
			for (let j = 0; j < 3; j++) await street.signatures();
		}
	});

	test("sign at another process of the shop's agent, which knows of no token, and resume at that from then on", async () => {
		await using street = await Street.open();
		await using other = await street.shop.another();
		assert.equal(await street.signatures(), 4);
		// The token is used up, and of no use there.
		assert.equal(await street.signatures(other), 4);
		assert.equal(await street.signatures(other), 0);
		// Nor is that of the other here; each has its own.
		assert.equal(await street.signatures(), 4);
		assert.equal(await street.signatures(), 0);
	});

	for (const [who, ofBuyer, ofShop] of [
		["the buyer", {}, YES],
		["the shop", YES, {}],
		["neither", {}, {}],
	] as const)
		test(`sign each time unless both say yes: ${who} says nothing`, async () => {
			await using street = await Street.open(ofBuyer, ofShop);
			for (let i = 0; i < 3; i++) assert.equal(await street.signatures(), 4);
		});

	test("refuse whom a list names since, though they have a token", async () => {
		await using street = await Street.open();
		await street.signatures();
		const listed = [street.shop.module.device];
		await street.buyer.agent.learnList(
			await issueList(bank, { number: 1n, listed }),
		);
		await assert.rejects(street.meet(), { code: "untrusted" });
	});
});

describe("one module with the links of several processes of its agent", () => {
	test("has each tetrad with the process that made it, however many there are at once", async () => {
		await using street = await Street.open({}, {});
		await using second = await street.shop.another();
		await using third = await street.shop.another();
		const answering = [street.shop.agent, second, third];
		const tetrads: Record<"a" | "b" | "x" | "y", Tetrad>[] = [];
		for (let count = 0; count < 9; count++)
			tetrads.push(await street.meet(answering[count % 3]));
		const codes = tetrads.map(
			({ a, b, x, y }) =>
				new Set([a, b, x, y].map(({ safetyCode }) => safetyCode)),
		);
		assert.ok(codes.every(({ size }) => size === 1));
		assert.equal(new Set(codes.flatMap((of) => [...of])).size, 9);
		for (const [at, { b, y }] of tetrads.entries()) {
			await b.module.send(utf8(`to module ${at}`));
			await y.agent.send(utf8(`to agent ${at}`));
		}
		const heard = async (channel: AsyncIterable<Uint8Array>) => {
			const { value } = await channel[Symbol.asyncIterator]().next();
			return parseUtf8(value as Uint8Array);
		};
		for (const [at, { b, y }] of tetrads.entries()) {
			assert.equal(await heard(y.agent), `to module ${at}`);
			assert.equal(await heard(b.module), `to agent ${at}`);
		}
		// One that goes takes its own tetrads with it, and no others.
		await second.close();
		for (const [at, { a, b }] of tetrads.entries())
			if (at % 3 === 1) await Promise.allSettled([a.closed, b.closed]);
		for (const [at, { a, b, x, y }] of tetrads.entries()) {
			const ended = [a, b, x, y].map(({ ended }) => ended);
			if (at % 3 !== 1) assert.deepEqual(ended, Array(4).fill(false), `${at}`);
			else assert.ok(b.ended, `${at}`);
		}
		const [{ b, y } = assert.fail()] = tetrads;
		await b.module.send(utf8("still here"));
		assert.equal(await heard(y.agent), "still here");
	});
});
