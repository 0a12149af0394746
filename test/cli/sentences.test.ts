/* What a person is told of money: where it is, and what to do. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { sentence } from "../../src/cli/sentences.ts";
import { purseEvent } from "../../src/device/process/purse-events.ts";
import { TetradError } from "../../src/errors.ts";

const CONTRACT = "c0".repeat(32);
const money = {
	amount: "1.50",
	currency: "PLAY",
	play: true,
	issuer: "mint",
} as const;
const failed = { code: "timed-out", reason: "no answer" } as const;

test("a doubt is said to end with the issuer, and not by itself", () => {
	const said = sentence({
		event: "purchase",
		state: "in-doubt",
		contract: CONTRACT,
		until: "2030-01-01T12:00:00.000Z",
		...failed,
	});
	assert.match(said ?? "", /^in doubt: contract c0/);
	assert.match(
		said ?? "",
		/the issuer says what became of it, until .* at the latest: tetrad resolve ISSUER, or an agent with --settle-at$/,
	);
});

for (const event of ["not-paid", "in-doubt"] as const)
	test(`a refund that is ${event} is asked for again as a refund`, () => {
		const again = (text: string) =>
			sentence(
				event === "not-paid"
					? {
							event,
							contract: "ff".repeat(32),
							text,
							again: false,
							...failed,
							...money,
						}
					: {
							event,
							tetrad: 1,
							contract: "ff".repeat(32),
							text,
							reason: "",
							...money,
						},
			)?.split("\n")[1];
		const refund = again(`refund 1 of ${CONTRACT}`);
		assert.match(
			refund ?? "",
			/: tetrad refund c0c0c0c0c0c0c0c0 --amount 1\.50$/,
		);
		assert.match(again("lunch") ?? "", /: --pay 1\.50 --contract (ff){32}$/);
	});

test("money that an issuer has forgotten is said to be lost, and what there is to show for it", () => {
	const currency = { code: "PLAY", exponent: 2 };
	const issuer = new Uint8Array(41);
	const event = purseEvent(
		{ kind: "lost", subject: new Uint8Array(32), issuer, amount: 150n },
		[{ issuer, name: "mint", currency, isPlay: true }],
	);
	assert.deepEqual(
		[event.kind, event.amount, event.subject],
		["lost", "1.50", "00".repeat(32)],
	);
	assert.match(
		sentence(event) ?? "",
		/^purse: lost 1\.50 PLAY.*: mint does not know the notes.*\n.*credit by hand what they show: contract or note 00/,
	);
});

test("a purchase that was lost at its issuer is not said to have cost nothing", () => {
	const said = (code: "note-unknown" | "timed-out") =>
		sentence({
			...{ event: "purchase", state: "not-bought", contract: CONTRACT },
			...{ code, reason: "why" },
		}) ?? "";
	assert.match(said("timed-out"), /nothing paid/);
	assert.match(said("note-unknown"), /^not bought: contract c0.*why/);
	assert.doesNotMatch(said("note-unknown"), /nothing paid/);
});

test("a token that is taken back is told from one that was never made", () => {
	const issuer = new Uint8Array(44);
	const currency = { code: "SAT", exponent: 0 };
	const said = (error: TetradError | undefined) =>
		sentence(
			purseEvent(
				{
					...{ kind: "ecash", request: new Uint8Array(16), issuer },
					...{ what: "send", state: "taking-back", amount: 5n, fee: 0n },
					...{ returned: 0n, invoice: "", error },
				},
				[{ issuer, name: "mint", currency, isPlay: false }],
			),
		);
	assert.equal(said(undefined), "purse: a token of 5 SAT is taken back");
	assert.equal(
		said(new TetradError("insufficient-funds", "too dear")),
		"purse: a token of 5 SAT was not made, and its ecash is taken back: too dear (insufficient-funds)",
	);
});
