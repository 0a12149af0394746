import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { LOG, REQUESTS } from "../../src/money/purse/purse-tables.ts";
import { fixedSigner } from "../support/fixed-crypto.ts";
import { filled } from "./documents.ts";
import { type Module, Town } from "./town.ts";

/* An owner orders to withdraw, and thinks better of it. */

const REQUEST = filled(16, 7);

async function scene(): Promise<{
	readonly town: Town;
	readonly mint: Module;
	readonly ann: Module;
}> {
	const town = await Town.make();
	const mint = await town.issuer();
	const ann = await town.purse("ann");
	town.fund(mint, ann, 500n);
	return { town, mint, ann };
}

const cancelled = ({ reports }: Module): boolean[] =>
	reports.flatMap((report) =>
		report.kind === "cancelled" ? [report.isDone] : [],
	);

const logged = ({ store }: Module): string[] =>
	store.rows(LOG).map(({ what }) => what);

describe("an order that its owner cancels", () => {
	test("is not carried out, and its history says so", async () => {
		const { town, mint, ann } = await scene();
		await town.order(ann, mint, 300n, REQUEST);
		await town.quiet();
		await town.cancel(ann, mint, 300n, REQUEST);
		assert.deepEqual(cancelled(ann), [true]);
		assert.deepEqual(logged(ann), ["ordered", "cancelled"]);
		assert.equal((await town.visit(ann, mint)).code, "");
		assert.equal(town.total(ann, mint), 0n);
		assert.equal(town.account(mint, ann), 500n);
	});

	test("stays cancelled over a restart, when either comes again, and is logged once", async () => {
		const { town, mint, ann } = await scene();
		await town.order(ann, mint, 300n, REQUEST);
		await town.quiet();
		for (let i = 0; i < 2; i++) {
			await town.cancel(ann, mint, 300n, REQUEST);
			town.restart(ann);
			await town.order(ann, mint, 300n, REQUEST);
			await town.visit(ann, mint);
		}
		assert.deepEqual(logged(ann), ["ordered", "cancelled"]);
		assert.equal(town.account(mint, ann), 500n);
	});

	test("is not carried out when it comes after that", async () => {
		const { town, mint, ann } = await scene();
		await town.cancel(ann, mint, 300n, REQUEST);
		assert.deepEqual(cancelled(ann), [true]);
		await town.order(ann, mint, 300n, REQUEST);
		await town.visit(ann, mint);
		assert.equal(town.account(mint, ann), 500n);
		assert.deepEqual(
			store(ann).map(({ state }) => state),
			["cancelled"],
		);
	});

	test("stays ordered when it may have been carried out, and its notes come", async () => {
		const { town, mint, ann } = await scene();
		await town.order(ann, mint, 300n, REQUEST);
		const tetrad = await town.meet(ann, mint);
		town.settle(ann, tetrad, mint);
		await town.work();
		while (town.account(mint, ann) === 500n) await town.deliver();
		town.wire.length = 0;
		town.part(ann, tetrad);
		await town.quiet();
		town.restart(ann);
		await town.cancel(ann, mint, 300n, REQUEST);
		assert.deepEqual(cancelled(ann), [false]);
		assert.deepEqual(
			store(ann).map(({ state }) => state),
			["ordered"],
		);
		await town.visit(ann, mint);
		assert.equal(town.balance(ann, mint).spendable, 300n);
		await town.cancel(ann, mint, 300n, REQUEST);
		assert.deepEqual(cancelled(ann).slice(-1), [false]);
		town.requireConserved(mint);
	});

	test("is carried out when somebody else cancels it", async () => {
		const { town, mint, ann } = await scene();
		await town.order(ann, mint, 300n, REQUEST);
		const thief = fixedSigner("Ed25519", "thief");
		await town.cancel(ann, mint, 300n, REQUEST, thief);
		assert.deepEqual(cancelled(ann), []);
		assert.ok(ann.reports.some(({ kind }) => kind === "trouble"));
		await town.visit(ann, mint);
		assert.equal(town.balance(ann, mint).spendable, 300n);
	});
});

const store = ({ store }: Module) => store.rows(REQUESTS);
