/* How an owner reads of a transfer that is taken only once its issuer has booked it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { balanceJson, sayBalances } from "../../src/cli/balances.ts";
import { sentence } from "../../src/cli/sentences.ts";
import { purseEvent } from "../../src/device/process/purse-events.ts";
import type { Balance } from "../../src/device/service/index.ts";

const PLAY = { code: "PLAY", exponent: 2 } as const;
const ISSUER = new Uint8Array(41);
const TERMS = { issuer: ISSUER, name: "mint", currency: PLAY, isPlay: true };
const BALANCE: Balance = {
	...{ spendable: 0n, held: 0n, toDeposit: 0n, toBook: 0n },
	...{ inDoubt: 0n, toClaim: 0n, ordered: 0n },
	...{ currency: PLAY.code, exponent: PLAY.exponent },
	...{ play: true, issuer: "mint" },
};

test("what is to book is a sum of its own, in the table while there is any", (t) => {
	const toBook = { ...BALANCE, toBook: 250n };
	const json = balanceJson(toBook);
	assert.deepEqual(
		[json.toBook, json.toDeposit, json.spendable],
		["2.50", "0.00", "0.00"],
	);
	const said = (balance: Balance): string => {
		const lines: string[] = [];
		const writing = t.mock.method(process.stdout, "write", (line: string) => {
			lines.push(line);
			return true;
		});
		sayBalances([balance]);
		writing.mock.restore();
		return lines.join("");
	};
	assert.match(said(toBook), /to deposit +to book/);
	assert.match(
		said(toBook),
		/to book, of mint: not received before the issuer has booked all of it/,
	);
	assert.doesNotMatch(said(BALANCE), /to book/);
});

test("the report of it does not say that it was received", () => {
	const event = purseEvent(
		{
			kind: "to-book",
			contract: new Uint8Array(32),
			peer: ISSUER,
			issuer: ISSUER,
			amount: 250n,
		},
		[TERMS],
	);
	assert.deepEqual([event.kind, event.amount], ["to-book", "2.50"]);
	assert.match(
		sentence(event) ?? "",
		/^purse: took down 2\.50 PLAY.*not received before its issuer has booked all of it$/,
	);
});
