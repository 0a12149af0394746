import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { SUITES } from "../../src/session/index.ts";
import { PLACES, type Place, type Routing } from "../../src/tetrad/index.ts";
import { hex, LINK, parseFrame, utf8 } from "../../src/wire/index.ts";
import { FourDevices } from "../support/four-devices.ts";

const ROUTINGS = ["direct", "crossed"] as const;
const ROOTS = ["transcript", "unsafe-xor"] as const;
const LINKS = ["paired", "unsafe-open"] as const;

function assertConfirmed(four: FourDevices): void {
	for (const place of PLACES) {
		assert.equal(four.error(place), undefined, `${place} failed`);
		assert.ok(four.has(place, "confirmed"), `${place} is confirmed`);
		assert.ok(four.has(place, "bound"), `${place} is bound`);
	}
}

describe("all eight combinations of routing, root and link", () => {
	for (const routing of ROUTINGS)
		for (const root of ROOTS)
			for (const link of LINKS)
				test(`${routing}, ${root}, ${link}`, async () => {
					const four = await FourDevices.make({ routing, root, link });
					await four.establish();
					assertConfirmed(four);
					assertOneConversation(four);
					assertEverySessionCarries(four);
				});
});

describe("every suite and both signature algorithms", () => {
	for (const { name } of SUITES)
		for (const algorithm of ["P-256", "Ed25519"] as const)
			test(`${name}, ${algorithm}`, async () => {
				const four = await FourDevices.make({ suites: [name], algorithm });
				await four.establish();
				assertConfirmed(four);
				assertEverySessionCarries(four);
			});
});

function assertOneConversation(four: FourDevices): void {
	const roots = PLACES.map((place) => four[place].confirmed().root);
	const codes = new Set(roots.map((root) => root.safetyCode()));
	assert.equal(codes.size, 1, "one safety code");
	assert.equal([...codes][0]?.split(" ").length, 6);
	const exported = roots.map((root) =>
		hex(root.export("test", utf8("context"), 32)),
	);
	assert.equal(new Set(exported).size, 1, "one exported key");
	const keys = PLACES.map((place) => {
		const k = four.devices[place].keylog.get("K");
		assert.ok(k);
		return hex(k);
	});
	assert.equal(new Set(keys).size, 1, "one root key");
	assert.notEqual(keys[0], exported[0]);
}

function assertEverySessionCarries(four: FourDevices): void {
	const say = (from: Place, text: string) => utf8(`${text} from ${from}`);
	four.apply("A", four.A.send(say("A", "session 1")));
	four.apply("B", four.B.send(say("B", "session 1")));
	four.apply("X", four.X.send(say("X", "session 2")));
	four.apply("Y", four.Y.send(say("Y", "session 2")));
	four.apply("A", four.A.sendToModule(say("A", "session 3")));
	four.apply("X", four.X.sendToAgent(say("X", "session 3")));
	four.apply("B", four.B.sendToModule(say("B", "session 4")));
	four.apply("Y", four.Y.sendToAgent(say("Y", "session 4")));
	for (let next = four.pending.shift(); next; next = four.pending.shift())
		four.deliver(next);
	const heard = (place: Place) =>
		four
			.messages(place)
			.map(
				({ session, bytes }) => `${session}: ${Buffer.from(bytes).toString()}`,
			)
			.sort();
	assert.deepEqual(heard("A"), ["1: session 1 from B", "3: session 3 from X"]);
	assert.deepEqual(heard("B"), ["1: session 1 from A", "4: session 4 from Y"]);
	assert.deepEqual(heard("X"), ["2: session 2 from Y", "3: session 3 from A"]);
	assert.deepEqual(heard("Y"), ["2: session 2 from X", "4: session 4 from B"]);
}

function localDone(four: FourDevices): boolean {
	return (
		four.signing.length === 0 &&
		four.pending.every(({ wire }) => wire === "network")
	);
}

const state = (four: FourDevices, kind: "bound" | "confirmed") =>
	PLACES.filter((place) => four.has(place, kind)).join("");

describe("the flights", () => {
	test("direct: A and X are bound after two, all are confirmed after four, the first message rides on the third", async () => {
		const firstMessage = utf8("an order");
		const four = await FourDevices.make({ firstMessage });
		four.start();

		await flight(four, "A", 1);
		assert.equal(state(four, "bound"), "");
		await flight(four, "B", 1);
		assert.equal(state(four, "bound"), "AX");
		assert.equal(state(four, "confirmed"), "");
		// Flight 3 is two frames: the flight itself and the first message.
		await flight(four, "A", 2);
		assert.equal(state(four, "bound"), "ABXY");
		assert.equal(state(four, "confirmed"), "BY");
		assert.deepEqual(four.messages("B"), [{ session: 1, bytes: firstMessage }]);
		const order = four.events.B.map(({ kind }) => kind);
		assert.ok(
			order.indexOf("messages") > order.indexOf("bound"),
			"the first message is released when B is bound",
		);
		await flight(four, "B", 1);
		assert.equal(state(four, "confirmed"), "ABXY");
		assert.equal(four.pending.length, 0);
	});

	test("crossed: B and Y are bound after three, A and X confirmed after four, all after five, with the first message", async () => {
		const firstMessage = utf8("an order");
		const four = await FourDevices.make({ routing: "crossed", firstMessage });
		four.start();
		await flight(four, "A", 1);
		await flight(four, "B", 1);
		assert.equal(state(four, "confirmed"), "");
		await flight(four, "A", 1);
		assert.ok(four.has("B", "bound") && four.has("Y", "bound"));
		assert.equal(state(four, "confirmed"), "");
		await flight(four, "B", 1);
		assert.equal(state(four, "confirmed"), "AX");
		await flight(four, "A", 2);
		assert.equal(state(four, "confirmed"), "ABXY");
		assert.equal(four.messages("B").length, 1);
		assert.equal(four.pending.length, 0);
	});

	/** Lets exactly one flight cross: `frames` frames from `from`, then everything local that follows. */
	async function flight(
		four: FourDevices,
		from: Place,
		frames: number,
	): Promise<void> {
		await settle(four);
		const waiting = four.pending.filter(({ wire }) => wire === "network");
		assert.equal(waiting.length, frames, `flight from ${from}`);
		for (const delivery of waiting) {
			assert.equal(delivery.from, from);
			four.pending.splice(four.pending.indexOf(delivery), 1);
			four.deliver(delivery);
		}
		await settle(four);
	}

	/** Runs everything local and leaves what is on the network where it is. */
	async function settle(four: FourDevices): Promise<void> {
		while (!localDone(four)) {
			const local = four.pending.findIndex(({ wire }) => wire === "link");
			const [next] = local < 0 ? [] : four.pending.splice(local, 1);
			if (next === undefined) await four.signNext();
			else four.deliver(next);
		}
	}

	for (const routing of ROUTINGS)
		test(`${routing}: signatures run in parallel, two on the critical path`, async () => {
			const four = await FourDevices.make({ routing });
			four.start();
			const batches: string[] = [];
			while (four.pending.length > 0 || four.signing.length > 0) {
				for (let next = four.pending.shift(); next; next = four.pending.shift())
					four.deliver(next);
				batches.push(
					four.signing
						.map(({ place }) => place)
						.sort()
						.join(""),
				);
				const count = four.signing.length;
				for (let i = 0; i < count; i++) await four.signNext();
			}
			assertConfirmed(four);
			assert.deepEqual(batches.filter(Boolean), ["BY", "AX"]);
		});
});

describe("negotiation", () => {
	test("a responder with another first choice asks once for its own, and the list does not change", async () => {
		const four = await FourDevices.make({
			suites: ["hybrid-aesgcm", "hybrid-chachapoly"],
			responderSuites: ["hybrid-chachapoly", "hybrid-aesgcm"],
		});
		await four.establish();
		assertConfirmed(four);
		const { offer } = four.Y.confirmed().transcript;
		assert.equal(offer.selected.name, "hybrid-chachapoly");
		assert.deepEqual([...offer.suites], [1, 2]);
	});

	const AES = [
		"hybrid-chachapoly-aesgcm",
		"hybrid-chachapoly",
		"hybrid-aesgcm",
	] as const;
	const NO_AES = ["hybrid-chachapoly", "hybrid-aesgcm"] as const;
	for (const [how, suites, responderSuites, selected] of [
		["both compute AES fast", AES, AES, "hybrid-chachapoly-aesgcm"],
		["the caller does not", NO_AES, AES, "hybrid-chachapoly"],
		["the one that is called does not", AES, NO_AES, "hybrid-chachapoly"],
		["one takes nothing but AES", AES, ["hybrid-aesgcm"], "hybrid-aesgcm"],
		[
			"one takes nothing but ChaCha20",
			["hybrid-chachapoly"],
			AES,
			"hybrid-chachapoly",
		],
	] as const)
		test(`two new homes agree on what both seal well: ${how}`, async () => {
			const four = await FourDevices.make({ suites, responderSuites });
			await four.establish();
			assertConfirmed(four);
			for (const place of PLACES)
				assert.equal(
					four[place].confirmed().transcript.offer.selected.name,
					selected,
				);
		});

	test("no common suite is refused", async () => {
		const four = await FourDevices.make({
			suites: ["hybrid-aesgcm"],
			responderSuites: ["hybrid-chachapoly"],
		});
		await four.establish();
		assert.equal(four.error("B")?.code, "negotiation-failed");
		assert.equal(four.error("A")?.code, "refused-by-peer");
		assert.ok(four.X.ended);
	});
});

describe("money-grade calls before the tetrad is confirmed", () => {
	for (const routing of ROUTINGS)
		test(`are refused at every step (${routing})`, async () => {
			const four = await FourDevices.make({ routing });
			const refused = { code: "not-confirmed" };
			four.start();
			const check = () => {
				for (const place of PLACES) {
					if (four.has(place, "confirmed")) continue;
					assert.throws(() => four[place].confirmed(), refused);
					assert.throws(() => four[place].send(utf8("pay")), refused);
				}
			};
			check();
			await four.run(() => {
				check();
				return false;
			});
			assertConfirmed(four);
		});
});

describe("the end of a tetrad", () => {
	for (const closer of PLACES)
		test(`${closer} closes in order, and the other three end in order`, async () => {
			const four = await (await FourDevices.make()).establish();
			four.apply(
				closer,
				closer === "A" || closer === "B"
					? four[closer].close(four.now)
					: four[closer].close(),
			);
			await four.run();
			for (const place of PLACES) {
				assert.ok(four[place].ended, `${place} has ended`);
				assert.equal(four.error(place), undefined);
				assert.throws(() => four[place].confirmed(), {
					code: "tetrad-closed",
				});
			}
		});

	for (const routing of ROUTINGS)
		test(`a device that stops answering ends the other three at their deadline (${routing})`, async () => {
			const trial = await (await FourDevices.make({ routing })).establish();
			const steps = trial.delivered.length;
			for (const silent of PLACES)
				for (let step = 0; step < steps; step++) {
					const four = await FourDevices.from(trial.devices, trial.now, {
						routing,
					});
					let seen = 0;
					four.intercept = (d) =>
						d.from === silent && seen >= step ? [] : [d];
					four.start();
					await four.run(() => {
						seen = four.delivered.length;
						return false;
					});
					for (const place of PLACES) {
						const { deadline } = four[place];
						if (deadline === undefined) continue;
						four.now = deadline;
						four.apply(place, four[place].time(deadline));
						assert.equal(four.error(place)?.code, "timed-out");
					}
					for (const place of PLACES)
						assert.ok(four[place].ended || four.has(place, "confirmed"));
				}
		});
});

test("the network shows only offers, answers and sealed records", async () => {
	const four = await (await FourDevices.make()).establish();
	const types = four.delivered
		.filter(({ wire }) => wire === "network")
		.map(({ bytes }) => parseFrame(bytes).type);
	assert.deepEqual(types, [0x01, 0x03, 0x05, 0x05]);
	assert.ok(four.delivered.some(({ type }) => type === LINK.bindInitiator));
});

for (const routing of ["direct", "crossed"] as readonly Routing[])
	test(`every device names the same four devices, by place (${routing})`, async () => {
		const four = await (await FourDevices.make({ routing })).establish();
		for (const place of PLACES) {
			const { parties } = four[place].confirmed().transcript;
			assert.deepEqual(
				PLACES.map((of) => parties[of].name),
				["alice", "bob", "alice-purse", "bob-till"],
			);
		}
	});

test("session 2 is closed under its own seal when an agent closes", async () => {
	const four = await (await FourDevices.make()).establish();
	four.apply("A", four.A.close(four.now));
	await four.run();
	const by = (place: Place) => {
		const end = four.events[place].find(({ kind }) => kind === "ended");
		return end?.kind === "ended" ? end.by : undefined;
	};
	assert.deepEqual(PLACES.map(by), ["self", "agent", "agent", "module"]);
});

test("a module that does not answer cannot keep its agent from closing", async () => {
	const four = await (await FourDevices.make()).establish();
	four.intercept = (delivery) => (delivery.from === "X" ? [] : [delivery]);
	four.apply("A", four.A.close(four.now));
	await four.run();
	assert.ok(!four.A.ended);
	four.now = four.A.deadline ?? 0;
	four.apply("A", four.A.time(four.now));
	await four.run();
	for (const place of PLACES) assert.equal(four.error(place), undefined);
});
