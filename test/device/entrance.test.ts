import assert from "node:assert/strict";
import { getEventListeners, once } from "node:events";
import { createConnection, type Socket } from "node:net";
import { describe, test } from "node:test";
import {
	type Carrier,
	connect,
	type Listener,
	listen,
} from "../../src/carrier/index.ts";
import { SoftwareAuthority } from "../../src/device/authority/software-authority.ts";
import {
	connectPatiently,
	MoneyModule,
	pairInProcess,
	type Tetrad,
	type TetradEvent,
	TrustedAgent,
} from "../../src/device/runtime/index.ts";
import { asTetradError } from "../../src/errors.ts";
import { generateSoftwareKey } from "../../src/keys/index.ts";
import {
	type LoadLimits,
	makePolicy,
	messages,
	type Policy,
} from "../../src/tetrad/index.ts";
import {
	encodeFrame,
	FRAME,
	hex,
	REFUSAL,
	utf8,
} from "../../src/wire/index.ts";

const agency = await SoftwareAuthority.create("agency", "Agency", "P-256");
const bank = await SoftwareAuthority.create("bank", "Bank", "P-256");

async function side(
	name: string,
	policy: Partial<Policy> = {},
): Promise<TrustedAgent> {
	const whole = makePolicy({
		agencies: [agency.anchor],
		banks: [bank.anchor],
		...policy,
	});
	const identity = async (authority: SoftwareAuthority) => {
		const signer = await generateSoftwareKey("P-256");
		return { signer, chain: await authority.issue(name, signer) };
	};
	const agent = new TrustedAgent({
		identity: await identity(agency),
		policy: whole,
	});
	const module = new MoneyModule({
		identity: await identity(bank),
		policy: whole,
	});
	await pairInProcess(agent, module);
	await agent.reachModule();
	return agent;
}

/** An agent that answers over TCP, and what becomes of those who call. */
class Shop implements AsyncDisposable {
	readonly agent: TrustedAgent;
	readonly listener: Listener;
	readonly tetrads: readonly Tetrad[];
	/** Codes of why, in order. */
	readonly refused: readonly string[];
	readonly #running: ReadonlySet<Promise<void>>;
	readonly #stop: AbortController;
	readonly #listening: { readonly carriers: number };

	static async open(
		load: Partial<LoadLimits>,
		policy: Partial<Policy> = {},
	): Promise<Shop> {
		const agent = await side("shop", { ...policy, load });
		const stop = new AbortController();
		const tetrads: Tetrad[] = [];
		const refused: string[] = [];
		const running = new Set<Promise<void>>();
		const listening = { carriers: 0 };
		const takeOne = (carrier: Carrier) => {
			listening.carriers++;
			const { signal } = stop;
			const run = agent.accept(carrier, { signal }).then(
				(tetrad) => void tetrads.push(tetrad),
				(thrown: unknown) => void refused.push(asTetradError(thrown).code),
			);
			running.add(run);
		};
		const listener = await listen("127.0.0.1:0", takeOne, {
			turnsAway: (source) => agent.turnsAway(source) !== undefined,
		});
		return new Shop(
			...([agent, listener, listening, stop, tetrads] as const),
			...([refused, running] as const),
		);
	}

	private constructor(
		agent: TrustedAgent,
		listener: Listener,
		listening: { readonly carriers: number },
		stop: AbortController,
		tetrads: readonly Tetrad[],
		refused: readonly string[],
		running: ReadonlySet<Promise<void>>,
	) {
		this.agent = agent;
		this.listener = listener;
		this.#listening = listening;
		this.tetrads = tetrads;
		this.refused = refused;
		this.#stop = stop;
		this.#running = running;
	}

	/** Connections that something was made for. */
	get carriers(): number {
		return this.#listening.carriers;
	}

	/** Who waits for it to stop. */
	get listeners(): number {
		return getEventListeners(this.#stop.signal, "abort").length;
	}

	/** When everybody who has come was answered or refused. */
	async settled(): Promise<void> {
		await Promise.all(this.#running);
	}

	get port(): number {
		const { address } = this.listener;
		assert.equal(address.kind, "tcp");
		return address.kind === "tcp" ? address.port : 0;
	}

	/** A plain socket of another address of this machine. */
	async socket(from = "127.0.0.1"): Promise<Socket> {
		const socket = createConnection({
			host: "127.0.0.1",
			port: this.port,
			localAddress: from,
		});
		socket.on("error", () => {});
		await once(socket, "connect");
		return socket;
	}

	async [Symbol.asyncDispose](): Promise<void> {
		this.#stop.abort();
		await this.listener.close();
		await this.settled();
		await this.agent.close();
	}
}

/** All that the other end says until it hangs up, in hexadecimal. */
async function everything(socket: Socket): Promise<string> {
	const parts: Buffer[] = [];
	socket.on("data", (part: Buffer) => parts.push(part));
	if (!socket.destroyed) await once(socket, "close").catch(() => {});
	return Buffer.concat(parts).toString("hex");
}

const said = (why: number) =>
	hex(encodeFrame(FRAME.refusal, Uint8Array.of(why)));

const anOffer = encodeFrame(
	FRAME.offer,
	messages.F1.encode({
		offer: new Uint8Array(10),
		message1: new Uint8Array(2432),
	}),
);

describe("an agent that answers over TCP", () => {
	for (const policy of [{}, { suites: ["hybrid-chachapoly"] as const }])
		test(`and is busy asks for a cookie${"suites" in policy ? ", and then for another suite" : ""}`, async () => {
			await using shop = await Shop.open({ busyFrom: 0 }, policy);
			await using buyer = await side("buyer");
			const tetrad = await buyer.connect(await connect(shop.listener.address), {
				firstMessage: utf8("hello"),
			});
			await shop.settled();
			assert.equal(shop.tetrads[0]?.safetyCode, tetrad.safetyCode);
			const { cookies, admitted, halfOpen, working } = shop.agent.admission;
			assert.deepEqual(
				{ cookies, admitted, halfOpen, working },
				{
					cookies: 1,
					admitted: "suites" in policy ? 2 : 1,
					halfOpen: 0,
					working: 0,
				},
			);
			await tetrad.close();
		});

	test("tells who is too much that it is busy, and nobody else", async () => {
		await using shop = await Shop.open({ halfOpenOfAddress: 2 });
		const silent = [await shop.socket(), await shop.socket()];
		assert.equal(await everything(await shop.socket()), said(REFUSAL.busy));
		const other = await shop.socket("127.0.0.2");
		other.end(encodeFrame(FRAME.record, new Uint8Array(40)));
		assert.equal(await everything(other), said(REFUSAL.stopped));
		await using buyer = await side("buyer");
		const calling = buyer.connect(await connect(shop.listener.address));
		await assert.rejects(calling, { code: "busy" });
		for (const socket of silent) socket.destroy();
	});

	test("cuts who says nothing, or one byte after another", async () => {
		await using shop = await Shop.open({ offerMs: 300 });
		const silent = await shop.socket();
		const slow = await shop.socket();
		const dripping = setInterval(() => slow.write(anOffer.subarray(0, 1)), 50);
		const heard = await Promise.all([everything(silent), everything(slow)]);
		clearInterval(dripping);
		assert.deepEqual(heard[0], said(REFUSAL.stopped));
		await shop.settled();
		assert.ok(shop.refused.includes("timed-out"));
		assert.equal(shop.agent.admission.halfOpen, 0);
	});

	test("makes nothing for those of a flood that nobody is told of", async () => {
		await using shop = await Shop.open({ halfOpenOfAddress: 2 });
		const silent = [await shop.socket(), await shop.socket()];
		const said = { busy: 0, nothing: 0 };
		const flood = Array.from({ length: 200 }, async () => {
			const socket = createConnection(shop.port, "127.0.0.1");
			socket.on("error", () => {});
			said[(await everything(socket)) === "" ? "nothing" : "busy"]++;
		});
		await Promise.all(flood);
		const { refused, halfOpen } = shop.agent.admission;
		assert.deepEqual([refused, halfOpen], [200, 2]);
		assert.equal(shop.carriers, 2 + said.busy);
		assert.ok(said.nothing > 0, JSON.stringify(said));
		assert.equal(shop.listeners, 1);
		for (const socket of silent) socket.destroy();
		await shop.settled();
		assert.equal(shop.listeners, 0);
	});

	test("goes on when an offer that it works on is none", async () => {
		await using shop = await Shop.open({ working: 1, workingOfAddress: 1 });
		for (let i = 0; i < 3; i++) {
			const socket = await shop.socket();
			socket.write(anOffer);
			assert.equal(await everything(socket), said(REFUSAL.stopped));
		}
		await shop.settled();
		assert.deepEqual(shop.refused, Array(3).fill("malformed"));
		await using buyer = await side("buyer");
		const tetrad = await buyer.connect(await connect(shop.listener.address));
		await tetrad.close();
	});

	test("counts the tetrads of an agent that has proved who it is", async () => {
		await using shop = await Shop.open({ tetradsOfDevice: 1 });
		await using buyer = await side("buyer");
		const call = async () => connect(shop.listener.address);
		const first = await buyer.connect(await call());
		await assert.rejects(async () => buyer.connect(await call()), {
			code: "busy",
		});
		await using another = await side("another");
		const theirs = await another.connect(await call());
		await first.close();
		await shop.tetrads[0]?.closed;
		const second = await buyer.connect(await call());
		await Promise.all([second.close(), theirs.close()]);
	});

	test("stops although somebody is silent", async () => {
		const shop = await Shop.open({});
		const socket = await shop.socket();
		// Taken, since one that came later was answered.
		await using buyer = await side("buyer");
		await (await buyer.connect(await connect(shop.listener.address))).close();
		await shop[Symbol.asyncDispose]();
		assert.ok(shop.refused.includes("aborted"));
		socket.destroy();
	});
});

describe("an agent that calls one that is busy", () => {
	test("tries again, and is told nothing of the tries between", async () => {
		await using shop = await Shop.open({ halfOpenOfAddress: 1 });
		const silent = await shop.socket();
		await using buyer = await side("buyer");
		const events: TetradEvent["kind"][] = [];
		let tries = 0;
		const dial = async () => {
			if (++tries === 3) {
				silent.destroy();
				// The shop hears of it before it hears of the next.
				while (shop.agent.admission.halfOpen > 0)
					await new Promise((resolve) => setTimeout(resolve, 5));
			}
			return connect(shop.listener.address);
		};
		const tetrad = await connectPatiently(buyer, dial, {
			observe: ({ kind }) => events.push(kind),
		});
		assert.equal(tries, 3);
		assert.deepEqual(events, ["bound", "confirmed"]);
		await tetrad.close();
	});

	test("gives up when its patience is over, or its owner's", async () => {
		await using shop = await Shop.open({ halfOpenOfAddress: 1 });
		const silent = await shop.socket();
		await using buyer = await side("buyer");
		const events: TetradEvent["kind"][] = [];
		const dial = () => connect(shop.listener.address);
		const observe = ({ kind }: TetradEvent) => void events.push(kind);
		await assert.rejects(
			connectPatiently(buyer, dial, { patienceMs: 0, observe }),
			{ code: "busy" },
		);
		assert.deepEqual(events, ["ended"]);
		const signal = AbortSignal.timeout(50);
		await assert.rejects(connectPatiently(buyer, dial, { signal }), {
			code: "aborted",
		});
		silent.destroy();
	});
});
