/* A mint that is named by another address than before, at which the purse has its ecash still. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { put } from "../../src/machine/index.ts";
import { mintId } from "../../src/money/documents/index.ts";
import { ecashTables } from "../../src/money/index.ts";
import { hex } from "../../src/wire/index.ts";
import { crypto } from "../money/cashu/test-mint.ts";
import { filled } from "../money/documents.ts";
import { makeWorld } from "../support/authority.ts";
import { EcashMarket, MINT_ISSUER } from "./ecash-market.ts";

const world = await makeWorld({ algorithm: "Ed25519" });
const BEFORE = mintId(crypto, "https://mint-before.example");

for (const isMoved of [true, false])
	test(`a restore ${isMoved ? "says what the purse has of the address before, and leaves it there" : "of what the purse has says nothing"}`, async () => {
		const ecash = await EcashMarket.make({ world });
		const { market } = ecash;
		const { ann, town } = market;
		const { PROOFS } = ecashTables;
		const writes = ann.store
			.rows(PROOFS)
			.map((row) => put(PROOFS, { ...row, mint: BEFORE }));
		if (isMoved) ann.store.run({ kind: "done", writes, result: undefined });
		town.restart(ann);
		ann.events.push({
			kind: "ecash-order",
			order: { kind: "restore", request: filled(16, 1), mint: MINT_ISSUER },
		});
		await market.quiet();
		await ecash.pass();
		const troubles = ann.reports.flatMap((report) =>
			report.kind === "trouble" ? [report.error.message] : [],
		);
		assert.equal(troubles.length, isMoved ? 1 : 0);
		if (isMoved)
			assert.match(troubles[0] ?? "", /has 1000 of a mint at another/);
		const owner = hex(isMoved ? BEFORE : MINT_ISSUER);
		assert.ok(ann.store.rows(PROOFS).every(({ mint }) => hex(mint) === owner));
		assert.equal(ecash.balance(ann), 1000n);
	});
