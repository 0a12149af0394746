/* An agent with several modules, of which each of its tetrads is with one. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { memoryCarriers } from "../../src/carrier/index.ts";
import {
	type AcceptOptions,
	type ModuleAccess,
	type ModuleLinkEvent,
	MoneyModule,
	pairInProcess,
	type Tetrad,
	TrustedAgent,
} from "../../src/device/runtime/index.ts";
import { TetradError } from "../../src/errors.ts";
import type { Signer } from "../../src/identity/index.ts";
import { hex } from "../../src/wire/index.ts";
import { certify, policyOf, until } from "./support.ts";

/** A module that the merchant's agent can have, and the wire to it. */
interface Till {
	readonly module: MoneyModule;
	readonly id: Uint8Array;
	readonly access: ModuleAccess;
	readonly events: ModuleLinkEvent[];
	/** Whether nobody answers at it. */
	isDown: boolean;
	/** Whether whoever dials it is told nothing, as by a host that has vanished. */
	isSilent: boolean;
	/** Whether it takes connections and says nothing on them. */
	isMute: boolean;
	/** Told when a carrier to it is closed. */
	closed: () => void;
	/** How often it was dialled. */
	dialled: number;
	/** Cuts the links that there are. */
	cut(): void;
}

class World implements AsyncDisposable {
	readonly buyer: TrustedAgent;
	readonly merchant: TrustedAgent;
	readonly tills: readonly Till[];
	readonly #purse: MoneyModule;
	/** How often the keys of all devices have signed. */
	signed = 0;

	private constructor(
		buyer: TrustedAgent,
		merchant: TrustedAgent,
		purse: MoneyModule,
		tills: readonly Till[],
	) {
		this.buyer = buyer;
		this.merchant = merchant;
		this.#purse = purse;
		this.tills = tills;
	}

	static async make(
		count = 2,
		change: Parameters<typeof policyOf>[0] = {},
	): Promise<World> {
		const policy = await policyOf(change);
		const counting = (signer: Signer): Signer => ({
			algorithm: signer.algorithm,
			publicKey: signer.publicKey,
			sign(content) {
				world.signed++;
				return signer.sign(content);
			},
		});
		const device = async (place: "A" | "B" | "X" | "Y", name: string) => {
			const { signer, chain } = await certify(place, name);
			return { identity: { signer: counting(signer), chain }, policy };
		};
		const buyer = new TrustedAgent(await device("A", "alice"));
		const purse = new MoneyModule(await device("X", "alice-purse"));
		const merchant = new TrustedAgent(await device("B", "bob"));
		const tills: Till[] = [];
		const world = new World(buyer, merchant, purse, tills);
		await pairInProcess(buyer, purse);
		for (let number = 1; number <= count; number++)
			tills.push(
				await tillOf(
					merchant,
					new MoneyModule(await device("Y", `bob-till-${number}`)),
				),
			);
		merchant.useModules(tills.map(({ access }) => access));
		return world;
	}

	/** Answers one call of the buyer; the number of the till that the tetrad is with, from 1. */
	async call(
		options: AcceptOptions = {},
		then: "stands" | "over" = "stands",
	): Promise<number> {
		const [near, far] = memoryCarriers();
		// What was called before is known by its address, which carriers in memory have none of.
		Object.assign(near, { kind: "tcp", peer: "tcp:shop.example:7000" });
		const [tetrad] = await Promise.all([
			this.merchant.accept(far, options),
			this.buyer.connect(near),
		]);
		if (then === "over") await tetrad.close();
		return this.tillOf(tetrad);
	}

	tillOf({ parties, place }: Tetrad): number {
		const { deviceId } = parties[place === "A" ? "X" : "Y"];
		return this.tills.findIndex(({ id }) => hex(id) === hex(deviceId)) + 1;
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.buyer.close();
		await this.merchant.close();
		await this.#purse.close();
		for (const { module } of this.tills) await module.close();
	}
}

async function tillOf(agent: TrustedAgent, module: MoneyModule): Promise<Till> {
	const [agentEnd, moduleEnd] = memoryCarriers();
	const confirm = () => true;
	const [{ pairing }, atModule] = await Promise.all([
		agent.pair(agentEnd, { confirm }),
		module.pair(moduleEnd, { confirm, tried: () => {} }),
	]);
	const cuts: (() => void)[] = [];
	const events: ModuleLinkEvent[] = [];
	const till: Till = {
		...{ module, id: pairing.peerDeviceId, events },
		...{ isDown: false, isSilent: false, isMute: false, dialled: 0 },
		closed() {},
		cut() {
			for (const cut of cuts.splice(0)) cut();
		},
		access: {
			pairing,
			observe: (event) => events.push(event),
			dial() {
				till.dialled++;
				if (till.isSilent)
					return new Promise<never>((_, reject) => {
						cuts.push(() =>
							reject(new TetradError("carrier-failed", "it was cut")),
						);
					});
				if (till.isDown)
					throw new TetradError("carrier-failed", "nobody answers there");
				const [near, far] = memoryCarriers();
				cuts.push(() => far.destroy());
				const { close } = near;
				near.close = () => {
					close.call(near);
					till.closed();
				};
				if (till.isMute) return near;
				module.serve(far, { pairing: atModule.pairing }).catch(() => {});
				return near;
			},
		},
	};
	return till;
}

describe("an agent with several modules", () => {
	test("answers with the one that has the fewest tetrads, and with the one that is named", async () => {
		await using world = await World.make(3);
		await Promise.all(
			world.tills.map(({ id }) => world.merchant.reachModule(id)),
		);
		const met: number[] = [];
		// They stand.
		for (let count = 0; count < 9; count++) met.push(await world.call());
		for (const at of [0, 3, 6])
			assert.deepEqual(met.slice(at, at + 3).toSorted(), [1, 2, 3]);
		const alone = await World.make();
		await using _ = alone;
		for (const { id } of alone.tills) await alone.merchant.reachModule(id);
		const seen = new Set<number>();
		// With a call for each of two things nobody meets the same one each time.
		for (let count = 0; seen.size < 2; count++) {
			assert.ok(count < 100);
			await alone.call({}, "over");
			seen.add(await alone.call({}, "over"));
		}
		for (const [at, { id }] of world.tills.entries())
			for (let count = 0; count < 2; count++)
				assert.equal(await world.call({ module: id }), at + 1);
	});

	test("calls with the first, and with the one that is named", async () => {
		await using world = await World.make();
		const calling = async (module?: Uint8Array) => {
			const [near, far] = memoryCarriers();
			const [tetrad] = await Promise.all([
				world.merchant.connect(near, { module }),
				world.buyer.accept(far),
			]);
			return world.tillOf(tetrad);
		};
		assert.equal(await calling(), 1);
		assert.equal(await calling(), 1);
		assert.equal(await calling(world.tills[1]?.id), 2);
	});

	test("answers with the others while one is out of reach, and with it again when it is back", async () => {
		await using world = await World.make();
		const [first, second] = world.tills;
		assert.ok(first && second);
		await world.merchant.reachModule(first.id);
		await world.merchant.reachModule(second.id);
		assert.deepEqual(
			[await world.call(), await world.call()].toSorted(),
			[1, 2],
		);
		first.isDown = true;
		first.cut();
		await until(
			() => first.events.at(-1)?.kind === "unlinked",
			"the link is known to be lost",
		);
		const before = first.dialled;
		for (let count = 0; count < 8; count++) assert.equal(await world.call(), 2);
		assert.ok(
			first.dialled - before <= 2,
			"it is not dialled for each call that another one takes",
		);
		await assert.rejects(world.call({ module: first.id }), {
			code: "carrier-failed",
		});
		first.isDown = false;
		assert.equal(await world.call({ module: first.id }), 1);
		// It has fewer than the other one, which has had all of them.
		assert.equal(await world.call(), 1);
		assert.equal(second.events.length, 1);
	});

	test("answers with whichever is there first when nobody says whether another one is", async () => {
		for (let count = 0; count < 8; count++) {
			await using world = await World.make();
			const [first] = world.tills;
			assert.ok(first);
			first.isSilent = true;
			try {
				const late = AbortSignal.timeout(5_000);
				assert.equal(await world.call({ signal: late }), 2);
			} finally {
				first.cut();
			}
		}
	});

	test("says why none can be reached when none can", async () => {
		await using world = await World.make();
		for (const till of world.tills) till.isDown = true;
		await assert.rejects(world.call(), { code: "carrier-failed" });
		await assert.rejects(world.merchant.reachModule(), {
			code: "carrier-failed",
		});
	});

	test("a tetrad with one goes on when the link with another is lost", async () => {
		await using world = await World.make();
		const [first, second] = world.tills;
		assert.ok(first && second);
		const [near, far] = memoryCarriers();
		const [tetrad] = await Promise.all([
			world.merchant.accept(far, { module: second.id }),
			world.buyer.connect(near),
		]);
		await world.call({ module: first.id });
		first.cut();
		await until(
			() => first.events.at(-1)?.kind === "unlinked",
			"the link is known to be lost",
		);
		assert.equal(tetrad.ended, false);
		await tetrad.close();
	});

	test("answers with a module that is spared only where no other is there, and where it is named", async () => {
		await using world = await World.make();
		const [first, second] = world.tills;
		assert.ok(first && second);
		for (const { id } of world.tills) await world.merchant.reachModule(id);
		world.merchant.spareModule(first.id);
		// Those of the second stand.
		for (let count = 0; count < 6; count++) assert.equal(await world.call(), 2);
		assert.equal(await world.call({ module: first.id }), 1);
		second.isDown = true;
		second.cut();
		await until(
			() => second.events.at(-1)?.kind === "unlinked",
			"the link is known to be lost",
		);
		assert.equal(await world.call(), 1);
		second.isDown = false;
		await world.merchant.reachModule(second.id);
		world.merchant.spareModule(second.id);
		// Both are spared, and this one has fewer.
		assert.equal(await world.call(), 2);
	});

	test("is resumed with whichever module is met, without signatures only with the one of before", async () => {
		await using world = await World.make(2, { resumption: "yes" });
		const ids = world.tills.map(({ id }) => id);
		for (const id of ids) await world.merchant.reachModule(id);
		const isSigned: boolean[] = [];
		for (const number of [1, 1, 2, 2, 1, 2, 2]) {
			const before = world.signed;
			const met = await world.call({ module: ids[number - 1] }, "over");
			assert.equal(met, number);
			isSigned.push(world.signed > before);
		}
		assert.deepEqual(isSigned, [true, false, true, false, true, true, false]);
	});

	test("is closed at once, with all of its tetrads, while one of them says nothing", async () => {
		for (const how of ["isSilent", "isMute"] as const) {
			const world = await World.make();
			await using _ = world;
			const [first, second] = world.tills;
			assert.ok(first && second);
			const [near, far] = memoryCarriers();
			const [tetrad] = await Promise.all([
				world.merchant.accept(far, { module: first.id }),
				world.buyer.connect(near),
			]);
			second[how] = true;
			const reaching = world.merchant.reachModule(second.id);
			const refused = assert.rejects(reaching, { code: "tetrad-closed" });
			const since = performance.now();
			try {
				await world.merchant.close();
				assert.ok(performance.now() - since < 2_000, how);
				assert.equal(tetrad.ended, true);
				await refused;
			} finally {
				second.cut();
			}
		}
	});

	test("has one link with each, also when it is needed in the moment in which one comes to nothing", async () => {
		await using world = await World.make();
		const [first] = world.tills;
		assert.ok(first);
		first.isMute = true;
		const failing = world.merchant.reachModule(first.id);
		await until(() => first.dialled === 1, "it is dialled");
		first.isMute = false;
		let again: Promise<void> | undefined;
		first.closed = () => {
			first.closed = () => {};
			queueMicrotask(() => {
				again = world.merchant.reachModule(first.id);
			});
		};
		first.cut();
		await assert.rejects(failing, { code: "carrier-failed" });
		await again;
		await world.merchant.reachModule(first.id);
		assert.equal(await world.call({ module: first.id }), 1);
		assert.equal(first.dialled, 2);
		assert.deepEqual(first.events, [{ kind: "linked" }]);
	});

	test("has none that it does not know, none twice, and not any number", async () => {
		await using world = await World.make();
		await assert.rejects(world.call({ module: new Uint8Array(41) }), {
			code: "not-paired",
		});
		const [one] = world.tills;
		assert.ok(one);
		const { access } = one;
		for (const wrong of [[], [access, access]])
			assert.throws(() => world.merchant.useModules(wrong), {
				code: "invalid-argument",
			});
		const many = Array.from({ length: 17 }, (_, at) => ({
			...access,
			pairing: {
				...access.pairing,
				peerDeviceId: new Uint8Array(41).fill(at),
			},
		}));
		assert.throws(() => world.merchant.useModules(many), {
			code: "invalid-argument",
		});
		world.merchant.useModules(many.slice(0, 16));
	});
});
