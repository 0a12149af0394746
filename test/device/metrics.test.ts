import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Series } from "../../src/device/operating/metrics/series.ts";
import { Standing } from "../../src/device/operating/metrics/standing.ts";
import type { ProcessEvent } from "../../src/device/process/index.ts";

const MONEY = {
	...{ amount: "4.20", currency: "PLAY", play: true, issuer: "the mint" },
} as const;

const purchase = (
	state: Extract<ProcessEvent, { event: "purchase" }>["state"],
	contract: string,
): ProcessEvent => ({ event: "purchase", state, contract, ...MONEY });

async function sampleOf(
	series: Series,
	name: string,
	labels: Readonly<Record<string, string>> = {},
): Promise<number | undefined> {
	const metric = series.registry.getSingleMetric(name);
	const { values = [] } = (await metric?.get()) ?? {};
	return values.find((one) =>
		Object.entries(labels).every(([label, value]) =>
			Object.entries(one.labels).some(
				([name, held]) => name === label && held === value,
			),
		),
	)?.value;
}

describe("the series of a device", () => {
	test("count each purchase once, by what it came to", async () => {
		const series = new Series();
		for (const event of [
			purchase("paying", "aa"),
			purchase("waiting", "aa"),
			purchase("in-doubt", "aa"),
			purchase("paying", "bb"),
			purchase("paid", "bb"),
			purchase("not-bought", "cc"),
			purchase("wrong", "dd"),
			purchase("void", "ee"),
			purchase("bought", "aa"),
		])
			series.hear(event);
		series.hear({
			...{ event: "bought", contract: "bb", item: "a photo", path: "/here" },
			...{ merchant: "bob", size: 3, receipted: true, ...MONEY },
		});
		const of = (outcome: string) =>
			sampleOf(series, "tetrad_purchases_total", { outcome });
		assert.equal(await of("bought"), 2);
		for (const outcome of ["wrong", "not-bought", "void"])
			assert.equal(await of(outcome), 1, outcome);
		assert.equal(await of("in-doubt"), undefined);
	});

	test("know how many tetrads are open, whatever ends them", async () => {
		const series = new Series();
		const confirmed = (tetrad: number): ProcessEvent => ({
			...{ event: "confirmed", tetrad, place: "A", safetyCode: "12 34" },
			...{ routing: "direct", root: "transcript", suite: "hybrid-aesgcm" },
			devices: { A: "alice", B: "bob", X: "purse", Y: "till" },
		});
		const open = () => sampleOf(series, "tetrad_tetrads_open");
		for (const tetrad of [1, 2]) {
			series.hear({ event: "bound", tetrad });
			series.hear(confirmed(tetrad));
		}
		assert.equal(await open(), 2);
		series.hear({ event: "bound", tetrad: 3 });
		series.hear({ event: "ended", tetrad: 3, code: "timed-out", reason: "" });
		series.hear({ event: "ended", tetrad: 1, by: "self" });
		assert.equal(await open(), 1);
		const ended = "tetrad_tetrads_ended_total";
		assert.equal(await sampleOf(series, ended, { code: "none" }), 1);
		assert.equal(await sampleOf(series, ended, { code: "timed-out" }), 1);
	});

	test("have nothing in them that somebody else has said", async () => {
		const series = new Series();
		const reason = "a reason of bob's";
		const said: ProcessEvent[] = [
			{ event: "refused", peer: "bob", code: "malformed", reason },
			{ event: "unlinked", peer: "bob", code: "truncated", reason },
			{ event: "message", tetrad: 1, session: 1, text: "from bob" },
			{ event: "settled", tetrad: 1, issuer: "bob" },
			{ event: "purse", kind: "paid", peer: "bob", ...MONEY },
			{
				...{ event: "sold", tetrad: 1, contract: "abcd", item: "a photo" },
				...{ buyer: "bob", ...MONEY },
			},
			{
				...{ event: "request", tetrad: 1, peer: "bob", asked: "deposit" },
				...{ outcome: "booked", amount: "4.20", currency: "PLAY" },
			},
		];
		for (const event of said) series.hear(event);
		const text = await series.registry.metrics();
		assert.doesNotMatch(text, /bob|4\.20|PLAY|photo|abcd|the mint/);
		assert.match(text, /tetrad_issuer_requests_total\{asked="deposit"/);
	});
});

describe("how a device stands", () => {
	const NOW = Date.parse("2026-11-28T20:00:00Z");
	const DAY_MS = 86_400_000;
	const sight = {
		role: "agent",
		expires: NOW + 100 * DAY_MS,
		listsDue: NOW + DAY_MS,
		purse: undefined,
		agent: { purchases: 0, refunds: 0 },
	} as const;

	test("is down until it works, without its link, and when it stops", () => {
		const standing = new Standing();
		const status = () => standing.report(sight, NOW).status;
		assert.equal(status(), "down");
		standing.hear({ event: "linked", peer: "module" });
		assert.equal(status(), "ok");
		standing.hear({ event: "unlinked", peer: "module" });
		assert.equal(status(), "down");
		standing.hear({ event: "linked", peer: "module" });
		assert.equal(status(), "ok");
		standing.hear({ event: "stopped" });
		assert.equal(status(), "down");
	});

	test("is degraded while one of several modules is away, and down without all of them", () => {
		const standing = new Standing();
		for (const peer of ["one", "two"]) standing.hear({ event: "linked", peer });
		const said = () => standing.report(sight, NOW);
		assert.equal(said().status, "ok");
		standing.hear({ event: "unlinked", peer: "two" });
		assert.equal(said().status, "degraded");
		assert.match(said().notes[0] ?? "", /its module at two is down/);
		standing.hear({ event: "linked", peer: "two" });
		assert.deepEqual(said().notes, []);
		for (const peer of ["one", "two"])
			standing.hear({ event: "unlinked", peer });
		assert.equal(said().status, "down");
	});

	test("is of a module the same without its agent, for which it waits", () => {
		const standing = new Standing();
		standing.hear({ event: "listening", address: "unix:here" });
		const { status } = standing.report({ ...sight, role: "module" }, NOW);
		assert.equal(status, "ok");
	});

	test("tells what somebody should look after", () => {
		const standing = new Standing();
		standing.hear({ event: "linked", peer: "module" });
		for (const [change, status, note] of [
			[{ expires: NOW + DAY_MS }, "degraded", /recertify/],
			[{ expires: NOW - 1 }, "down", /has expired/],
			[{ listsDue: NOW - 1 }, "degraded", /untrusted list/],
		] as const) {
			const said = standing.report({ ...sight, ...change }, NOW);
			assert.equal(said.status, status);
			assert.match(said.notes[0] ?? "", note);
		}
		const purse = {
			...{ toDeposit: 0, toBook: 0, inDoubt: 0, unanswered: 0 },
			...{ approvals: 0, orders: 0, isBehind: true },
		};
		const said = standing.report({ ...sight, role: "module", purse }, NOW);
		assert.equal(said.status, "degraded");
		assert.match(said.notes[0] ?? "", /the purse is behind/);
	});
});
