/* Untrusted lists among four running devices. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { SoftwareAuthority } from "../../src/device/authority/software-authority.ts";
import type { MoneyModule } from "../../src/device/runtime/money-module.ts";
import type { TrustedAgent } from "../../src/device/runtime/trusted-agent.ts";
import type { TetradError } from "../../src/errors.ts";
import { PLACES, type Place } from "../../src/tetrad/index.ts";
import { Devices, issueList, listOf, settled, until } from "./support.ts";

const DAY_MS = 86_400_000;

const learned = (devices: Devices, place: Place): bigint[] =>
	devices.lists[place].flatMap((event) =>
		event.kind === "learned" ? [event.number] : [],
	);

const trouble = (devices: Devices, place: Place): string[] =>
	devices.lists[place].flatMap((event) =>
		event.kind === "trouble" ? [event.error.code] : [],
	);

const kindOf = (place: Place) =>
	place === "A" || place === "B" ? "agency" : "bank";

const sideOf = (place: Place) =>
	place === "A" || place === "X" ? "A–X" : "B–Y";

function device(devices: Devices, place: Place): TrustedAgent | MoneyModule {
	return devices[place];
}

describe("a list that one of four learns", () => {
	for (const place of PLACES)
		test(`${place}, reaches the other three while a tetrad lives, and only once`, async () => {
			await using devices = await Devices.make();
			await devices.tetrad();
			await device(devices, place).learnList(
				await listOf("bank", { number: 7n }),
			);
			for (const other of PLACES)
				await until(
					() => learned(devices, other).length > 0,
					`${other} learns of the list`,
				);
			await settled(() => PLACES.map((at) => devices.lists[at].length).join());
			for (const other of PLACES) {
				assert.deepEqual(learned(devices, other), [7n], other);
				assert.deepEqual(trouble(devices, other), [], other);
				assert.deepEqual(devices.ends(other), [], other);
			}
		});

	test("before it met the others, reaches them when it does, whichever was first", async () => {
		await using devices = await Devices.make();
		await devices.A.learnList(await listOf("bank", { number: 2n }));
		await devices.Y.learnList(await listOf("agency", { number: 5n }));
		await devices.Y.learnList(await listOf("bank", { number: 1n }));
		await devices.tetrad();
		for (const other of PLACES)
			await until(
				() => learned(devices, other).includes(5n),
				`${other} learns of the agency's list`,
			);
		for (const other of PLACES)
			await until(
				() => learned(devices, other).includes(2n),
				`${other} learns of the bank's list`,
			);
		assert.deepEqual(learned(devices, "Y"), [5n, 1n, 2n]);
	});

	test("reaches a module that was never online without any tetrad, over its link", async () => {
		await using devices = await Devices.make();
		await devices.B.learnList(await listOf("agency", { number: 3n }));
		await devices.B.reachModule();
		await until(() => learned(devices, "Y").length > 0, "Y learns of it");
		assert.deepEqual(learned(devices, "X"), []);
	});

	test("of many megabytes, passes while messages do", async () => {
		await using devices = await Devices.make();
		const { A, B } = await devices.tetrad();
		await devices.A.learnList(
			await listOf("bank", { number: 9n, more: 60_000 }),
		);
		await A.agent.send(new Uint8Array(1000));
		assert.equal((await B.agent.receive())?.length, 1000);
		assert.deepEqual(learned(devices, "B"), [], "the message came first");
		await until(() => learned(devices, "Y").length > 0, "Y learns of it");
	});
});

describe("a device that lands on a list", () => {
	for (const bad of PLACES)
		for (const first of PLACES)
			test(`${bad}, which ${first} learns first, loses its live tetrad at all four`, async () => {
				await using devices = await Devices.make();
				const tetrads = await devices.tetrad();
				const list = await listOf(kindOf(bad), {
					number: 1n,
					listed: [device(devices, bad).device],
				});
				await device(devices, first).learnList(list);
				for (const place of PLACES)
					await until(
						() => devices.ends(place).length === 1 || tetrads[place].ended,
						`${place} drops the tetrad`,
					);
				const error = devices.ends(first)[0];
				assert.equal(error?.code, "untrusted");
				assert.match(
					error?.message ?? "",
					new RegExp(`"${device(devices, bad).device.name}"`),
				);
				const { connecting, accepting } = devices.meet();
				const codes = await Promise.all(
					[connecting, accepting].map((promise) =>
						promise.then(
							() => "a tetrad",
							({ code }: TetradError) => code,
						),
					),
				);
				assert.ok(!codes.includes("a tetrad"), codes.join());
			});

	test("as an own module loses the link", async () => {
		await using devices = await Devices.make();
		await devices.A.reachModule();
		const [carrier] = devices.dialed.A;
		assert.ok(carrier);
		await devices.A.learnList(
			await listOf("bank", { number: 1n, listed: [devices.X.device] }),
		);
		await assert.rejects(devices.A.reachModule(), { code: "untrusted" });
	});

	for (const place of PLACES)
		test(`at any step of an establishment, as ${place} learns, leaves no tetrad`, async () => {
			await using devices = await Devices.make({
				module: { onTetrad: () => {} },
			});
			let steps = 0;
			devices.watch = () => steps++;
			const first = await devices.meet().connecting;
			const count = steps;
			await first.close();
			const bad: Place = sideOf(place) === "A–X" ? "B" : "A";
			assert.ok(count > 8);
			for (let at = 0; at < count; at += 1) {
				await using others = await Devices.make({
					module: { onTetrad: () => {} },
				});
				const own = await listOf("agency", {
					number: 1n,
					listed: [device(others, bad).device],
				});
				let step = 0;
				others.watch = () => {
					if (step++ === at)
						void device(others, place)
							.learnList(own)
							.catch(() => {});
				};
				const { connecting, accepting } = others.meet();
				for (const promise of [connecting, accepting]) {
					const tetrad = await promise.catch(() => undefined);
					if (tetrad !== undefined)
						await until(() => tetrad.ended, `the tetrad ends, step ${at}`);
				}
			}
		});
});

describe("lists that a policy demands", () => {
	test("and that are missing or too old let no tetrad come about, and links do", async () => {
		await using devices = await Devices.make({
			policy: { untrustedLists: { maxAgeMs: 30 * DAY_MS } },
		});
		const refused = async () => {
			const { connecting } = devices.meet();
			await assert.rejects(connecting, { code: "list-stale" });
		};
		await refused();
		for (const kind of ["agency", "bank"] as const)
			await devices.A.learnList(
				await listOf(kind, {
					number: 1n,
					thisUpdate: Date.now() - 31 * DAY_MS,
				}),
			);
		await refused();
		for (const agent of [devices.A, devices.B])
			for (const kind of ["agency", "bank"] as const)
				await agent.learnList(await listOf(kind, { number: 2n }));
		await devices.A.reachModule();
		await until(() => learned(devices, "X").length >= 2, "X learns");
		await devices.B.reachModule();
		await until(() => learned(devices, "Y").length >= 2, "Y learns");
		await devices.tetrad();
	});
});

describe("a list from the owner is refused", () => {
	test("when it is older than the one that is held, or of a stranger", async () => {
		await using devices = await Devices.make();
		await devices.A.learnList(await listOf("agency", { number: 5n }));
		await assert.rejects(
			devices.A.learnList(await listOf("agency", { number: 4n })),
			{ code: "list-refused", message: /list 4 .*older than list 5/ },
		);
		const stranger = await SoftwareAuthority.create("agency", "Stranger");
		await assert.rejects(
			devices.A.learnList(await issueList(stranger, { number: 9n })),
			{ code: "chain-refused" },
		);
		await assert.rejects(devices.A.learnList(new Uint8Array(3)), {
			code: "malformed",
		});
		assert.deepEqual(learned(devices, "A"), [5n]);
	});
});

test("a list that cannot be stored is in force all the same, and the owner hears of it", async () => {
	await using devices = await Devices.make({
		device: () => ({
			lists: {
				bundles: [],
				store: () => Promise.reject(new Error("the disk is full")),
			},
		}),
	});
	await devices.tetrad();
	await assert.rejects(
		devices.A.learnList(
			await listOf("agency", { number: 1n, listed: [devices.B.device] }),
		),
	);
	assert.deepEqual(learned(devices, "A"), [1n]);
	assert.equal(trouble(devices, "A").length, 1);
	await until(() => devices.ends("A").length === 1, "A drops the tetrad");
	assert.equal(devices.ends("A")[0]?.code, "untrusted");
});
