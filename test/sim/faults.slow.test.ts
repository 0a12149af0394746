import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { TAILS } from "../../sim/disk.ts";
import { QUIET } from "../../sim/network.ts";
import {
	DAY,
	drawSwarm,
	EVERYBODY,
	ITEMS,
	inOrder,
	type Plan,
	type Step,
} from "../../sim/plan.ts";
import { runPlan } from "../../sim/run.ts";

/** Some purchases, one after another, and what is to go wrong meanwhile. */
function planOf(steps: readonly Step[], others: Partial<Plan> = {}): Plan {
	const purchases = Array.from(
		{ length: 6 },
		(_, at): Step => ({
			...{ at: 1000 * at, kind: "buy", buyer: 0, merchant: 0 },
			item: at % ITEMS,
		}),
	);
	return {
		seed: "faults",
		buyers: 1,
		merchants: 1,
		issuers: 1,
		notes: [400],
		noteDays: 2,
		graceDays: 7,
		network: QUIET,
		link: QUIET,
		syncMs: [20, 60],
		settleEveryMs: 0,
		...others,
		steps: inOrder([...purchases, ...steps]),
	};
}

/** What a fault is counted as, and steps with which it happens. */
const HAPPEN: Readonly<Record<string, readonly Step[]>> = {
	"crash in recovery": [
		{
			...{ at: 0, kind: "crash", device: "buyer-0-module", point: 20 },
			...{ downMs: 100, again: [3] },
		},
	],
	power: [
		{
			...{ at: 1200, kind: "power", downMs: 100 },
			devices: ["buyer-0-agent", "buyer-0-module", "issuer-0-module"],
		},
	],
	"disk error": [
		{
			...{ at: 0, kind: "disk-error", device: "merchant-0-module" },
			...{ transaction: 1, isWritten: true, forMs: 500 },
		},
		{
			...{ at: 0, kind: "disk-error", device: "buyer-0-agent" },
			...{ transaction: 2, isWritten: true, forMs: 0 },
		},
	],
	replay: ["buyer-0-module", "merchant-0-agent", "issuer-0-agent"].map(
		(device): Step => ({ at: 3500, kind: "replay", device }),
	),
	injects: [1, 2, 3].map(
		(at): Step => ({
			at: 1000 * at + 5,
			kind: "replay",
			device: "buyer-0-agent",
		}),
	),
	"restore of an issuer": [
		{ at: 1500, kind: "backup", device: EVERYBODY },
		{ at: 8000, kind: "restore", device: EVERYBODY, how: "command" },
	],
	damage: ["merchant-0-module", "buyer-0-agent", "issuer-0-module"].flatMap(
		(device): readonly Step[] => [
			{ at: 1500, kind: "backup", device },
			{ at: 3500, kind: "damage", device },
		],
	),
	rot: ["buyer-0-module", "merchant-0-module", "issuer-0-module"].map(
		(device): Step => ({ at: 4500, kind: "rot", device }),
	),
	pair: [{ at: 2500, kind: "pair", side: "buyer-0" }],
	"pairing failed": [
		{
			...{ at: 2500, kind: "lose", device: "merchant-0-module", frame: 1 },
			breaks: true,
		},
		{ at: 2500, kind: "pair", side: "merchant-0" },
	],
	replace: [
		{
			...{ at: 0, kind: "crash", device: "buyer-0-module", point: 1 },
			...{ table: "payments", downMs: 100 },
		},
		{ at: 1500, kind: "replace", device: "buyer-0-agent" },
		{ at: 3500, kind: "replace", device: "merchant-0-agent" },
	],
	cancel: [
		{ at: 100, kind: "withdraw", side: "buyer-0", issuer: 0, amount: 10 },
		{ at: 101, kind: "cancel", side: "buyer-0" },
	],
	archive: [
		{ at: 10_000, kind: "settle", side: "merchant-0", issuer: 0 },
		{ at: 20_000, kind: "settle", side: "buyer-0", issuer: 0 },
		{ at: 4 * DAY, kind: "archive", side: "buyer-0", days: 0, isKilled: false },
	],
	"archive killed": [
		{ at: 10_000, kind: "settle", side: "merchant-0", issuer: 0 },
		{
			at: 4 * DAY,
			kind: "archive",
			side: "merchant-0",
			days: 1,
			isKilled: true,
		},
	],
	"clock not believed at a start": [
		{
			...{ at: 100, kind: "clock", device: "buyer-0-module" },
			aheadMs: DAY,
		},
		{ at: 2500, kind: "clock", device: "buyer-0-module", aheadMs: 0 },
		{ at: 2600, kind: "power", devices: ["buyer-0-module"], downMs: 10 },
	],
	"time forgotten": [
		{
			...{ at: 100, kind: "clock", device: "buyer-0-agent" },
			aheadMs: DAY,
		},
		{ at: 2500, kind: "clock", device: "buyer-0-agent", aheadMs: 0 },
		{ at: 2600, kind: "forget-time", device: "buyer-0-agent" },
	],
	...Object.fromEntries(
		TAILS.map((tail) => [
			`writes ${tail}`,
			[1, 2, 3, 4].map(
				(point): Step => ({
					...{ at: 1000 * point, kind: "crash", point, downMs: 50 },
					...{ isWriting: true, tail },
					device: `${point % 2 === 0 ? "buyer" : "merchant"}-0-module`,
				}),
			),
		]),
	),
};

describe("faults", () => {
	for (const [kind, steps] of Object.entries(HAPPEN))
		test(`"${kind}" happens, and nothing is violated by it`, async () => {
			const { violation, faults } = await runPlan(planOf(steps));
			assert.equal(violation, undefined);
			assert.ok((faults.get(kind) ?? 0) > 0);
		});

	test("a payment that its payee could not hand in, since it was listed until the grace was over, is nobody's", async () => {
		const plan = planOf(
			[
				{
					...{ at: 20_000, kind: "pay", buyer: 0, merchant: 0 },
					...{ issuer: 0, amount: 13 },
				},
				{ at: 80_000, kind: "list", device: "merchant-0-module" },
				{ at: 12 * DAY, kind: "unlist", role: "module" },
			],
			{ settleEveryMs: 3 * DAY },
		);
		const { violation, paid } = await runPlan(plan);
		assert.equal(violation, undefined);
		assert.equal(paid, 1);
	});

	test("each kind of step is drawn by some seed", () => {
		const drawn = new Set(
			Array.from({ length: 300 }, (_, seed) =>
				drawSwarm(String(seed)).steps.map(({ kind }) => kind),
			).flat(),
		);
		for (const kind of KINDS) assert.ok(drawn.has(kind), kind);
	});
});

/** All but what is drawn for one purchase alone. */
const KINDS: readonly Step["kind"][] = [
	"buy",
	"pay",
	"settle",
	"resume",
	"crash",
	"power",
	"disk-error",
	"break",
	"replay",
	"damage",
	"pair",
	"replace",
	"rot",
	"clock",
	"forget-time",
	"full",
	"backup",
	"restore",
	"recertify",
	"list",
	"unlist",
	"withdraw",
	"give-back",
	"cancel",
	"archive",
	"limit",
];
