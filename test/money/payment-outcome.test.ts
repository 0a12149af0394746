import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { nodeCrypto } from "../../src/crypto/index.ts";
import { validateChain } from "../../src/identity/index.ts";
import {
	draftReceipt,
	FIRST_HEAD,
	messages,
	openReceiptUnderChain,
	readReceipt,
} from "../../src/money/index.ts";
import { PAYMENTS } from "../../src/money/purse/purse-tables.ts";
import { hex } from "../../src/wire/index.ts";
import { contractOf, type Module, Town } from "./town.ts";

/* What became of a payment whose receipt was lost: its issuer knows, and nothing that was paid is reported as claimed back. */

const { BETWEEN_MODULES, body, message, WITH_ISSUER } = messages;
const DAY = 86_400_000;
const fromHex = (text: string) => new Uint8Array(Buffer.from(text, "hex"));

interface Scene {
	readonly town: Town;
	readonly mint: Module;
	readonly ann: Module;
	readonly bob: Module;
}

/** Ann has 1000 in one note. */
async function scene(): Promise<Scene> {
	const town = await Town.make({ noteDays: 20, graceDays: 2 });
	const mint = await town.issuer();
	const ann = await town.purse("ann");
	const bob = await town.purse("bob");
	await town.withdraw(ann, mint, 1000n);
	return { town, mint, ann, bob };
}

/** Asks Ann to pay. What `isLost` is lost, and the tetrad ends. */
async function pay(
	{ town, mint, ann, bob }: Scene,
	contract: number,
	amount: bigint,
	isLost: (type: number | undefined) => boolean = () => false,
): Promise<void> {
	const tetrad = await town.meet(ann, bob);
	town.expect(bob, tetrad, contractOf(contract), amount, mint);
	await town.quiet();
	town.pay(ann, tetrad, contractOf(contract), amount, mint);
	await town.work();
	while (town.wire.length > 0) {
		const at = town.wire.findIndex(({ bytes }) => isLost(bytes?.[0]));
		if (at >= 0) town.wire.splice(at, 1);
		else await town.deliver();
	}
	town.part(ann, tetrad);
	await town.quiet();
}

const isReceipt = (type: number | undefined) =>
	type === BETWEEN_MODULES.accepted.type;
const isDelivery = (type: number | undefined) =>
	type === BETWEEN_MODULES.deliver.type;

const stateOf = ({ ann }: Scene, contract: number) =>
	ann.store
		.rows(PAYMENTS)
		.find((row) => Buffer.compare(row.contract, contractOf(contract)) === 0)
		?.state;

/** Meets the issuer, and changes what it says of transfers on the way. */
async function visitChanging(
	{ town, mint, ann }: Scene,
	change: (bytes: Uint8Array) => Uint8Array,
): Promise<string> {
	const tetrad = await town.meet(ann, mint);
	town.settle(ann, tetrad, mint);
	await town.work();
	while (town.wire.length > 0) {
		for (const [i, wired] of town.wire.entries())
			if (wired.bytes?.[0] === WITH_ISSUER.outcome.type)
				town.wire[i] = { ...wired, bytes: change(wired.bytes) };
		await town.deliver();
	}
	town.part(ann, tetrad);
	await town.quiet();
	return ann.last("settled").code;
}

describe("a payment whose receipt was lost", () => {
	test("is paid when the payee deposited it and took a new key, and is not reported as claimed back", async () => {
		const here = await scene();
		const { town, mint, ann, bob } = here;
		await pay(here, 1, 300n, isReceipt);
		assert.equal(town.balance(ann, mint).inDoubt, 300n);
		assert.equal((await town.visit(bob, mint)).code, "");
		await town.recertify(bob);
		town.now += 23 * DAY;
		assert.equal((await town.visit(ann, mint)).code, "");
		assert.equal(stateOf(here, 1), "settled");
		assert.equal(town.total(ann, mint), 0n);
		assert.equal(town.account(mint, ann), 700n);
		assert.equal(town.account(mint, bob), 300n);
		await pay(here, 1, 300n);
		assert.equal(ann.heard.at(-1)?.kind, "paid");
		assert.deepEqual(
			ann.heard.filter(
				({ kind, isInDoubt }) => kind === "failed" && !isInDoubt,
			),
			[],
		);
		town.requireConserved(mint);
	});

	test("ends with the issuer's answer at the next settling, long before its notes expire", async () => {
		const here = await scene();
		const { town, mint, ann, bob } = here;
		await pay(here, 1, 300n, isReceipt);
		await town.visit(ann, mint);
		assert.equal(town.balance(ann, mint).inDoubt, 300n);
		await town.visit(bob, mint);
		await town.visit(ann, mint);
		assert.equal(town.balance(ann, mint).inDoubt, 0n);
		const paid = ann.reports.filter(({ kind }) => kind === "paid");
		assert.equal(paid.length, 1);
	});

	test("comes with the chain under which it was signed, and verifies after the payee took a new key", async () => {
		const here = await scene();
		const { town, mint, ann, bob } = here;
		await pay(here, 1, 300n, isReceipt);
		const old = bob.device;
		await town.recertify(bob);
		await pay(here, 1, 300n);
		assert.equal(town.balance(ann, mint).inDoubt, 0n);
		const requireOld = ({
			receipt,
			chain,
		}: {
			receipt: string;
			chain: string;
		}) => {
			const { value } = openReceiptUnderChain(
				nodeCrypto,
				fromHex(receipt),
				fromHex(chain),
				(encoded, at) => {
					const { banks } = town.world.policy;
					const device = validateChain(
						nodeCrypto,
						encoded,
						"module",
						banks,
						at,
					);
					assert.deepEqual(device.publicKey, old.publicKey);
					return device;
				},
			);
			assert.equal(value.amount, 300n);
		};
		requireOld(ann.last("paid"));
		requireOld(bob.last("received"));
		// And again from what is stored, at both.
		town.restart(ann);
		town.restart(bob);
		await pay(here, 1, 300n);
		requireOld(ann.last("paid"));
		requireOld(bob.last("received"));
	});

	test("is not ended by a receipt under a key that is listed, and is by the issuer", async () => {
		const here = await scene();
		const { town, mint, ann, bob } = here;
		await pay(here, 1, 300n, isReceipt);
		await town.visit(bob, mint);
		const old = bob.device;
		await town.recertify(bob);
		await town.distrust(old, ann);
		await pay(here, 1, 300n);
		assert.equal(town.balance(ann, mint).inDoubt, 300n);
		assert.deepEqual(ann.ended, []);
		await town.visit(ann, mint);
		assert.equal(town.balance(ann, mint).inDoubt, 0n);
	});
});

/** The receipt of the first payment is at Ann's, whose store has not answered yet. */
async function receiptHasCome(here: Scene): Promise<void> {
	const { town, mint, ann, bob } = here;
	const tetrad = await town.meet(ann, bob);
	town.expect(bob, tetrad, contractOf(1), 300n, mint);
	await town.quiet();
	town.pay(ann, tetrad, contractOf(1), 300n, mint);
	await town.work();
	while (!isReceipt(town.wire[0]?.bytes?.[0])) await town.deliver();
	// Somebody else of the same agent's asks while the receipt is being written.
	const { events } = ann;
	events.push({ kind: "from-module", tetrad, bytes: bytesOf(town) });
	town.pay(ann, tetrad, contractOf(1), 300n, mint);
}

/** What the agent has heard of payments. */
function toldOf({ heard }: Module): readonly string[] {
	return heard
		.filter(({ kind }) => kind === "paid" || kind === "failed")
		.map(({ kind, isInDoubt }) => (isInDoubt ? "in doubt" : kind));
}

function bytesOf({ wire }: Town): Uint8Array {
	const bytes = wire.shift()?.bytes;
	assert.ok(bytes);
	return bytes;
}

describe("a payment whose receipt has come", () => {
	test("is paid to its agent before the receipt is durable, and in doubt when that is lost", async () => {
		const here = await scene();
		const { town, mint, ann } = here;
		await receiptHasCome(here);
		town.killAt(ann, { write: 1, when: "before" });
		await town.work();
		assert.equal(ann.machine, undefined);
		assert.deepEqual(toldOf(ann), ["paid"]);
		assert.equal(ann.reports.filter(({ kind }) => kind === "paid").length, 0);
		town.restart(ann);
		assert.equal(town.balance(ann, mint).inDoubt, 300n);
		// It is delivered again as soon as they meet, and the payee gives the same receipt.
		await town.meet(ann, here.bob);
		await town.quiet();
		assert.equal(stateOf(here, 1), "settled");
		assert.equal(town.balance(ann, mint).inDoubt, 0n);
	});

	test("is in doubt for its owner when the receipt could not be written, until it comes again", async () => {
		const here = await scene();
		const { town, mint, ann } = here;
		await receiptHasCome(here);
		ann.store.isFull = true;
		await town.quiet();
		assert.deepEqual(toldOf(ann), ["paid", "paid"]);
		assert.equal(
			ann.reports.filter(({ kind }) => kind === "in-doubt").length,
			1,
		);
		assert.equal(town.balance(ann, mint).inDoubt, 300n);
		ann.store.isFull = false;
		await pay(here, 1, 300n);
		assert.deepEqual(toldOf(ann), ["paid", "paid", "paid"]);
		assert.equal(stateOf(here, 1), "settled");
	});

	test("stays what its issuer has said of it, when that was written before the receipt", async () => {
		const here = await scene();
		const { town, mint, ann, bob } = here;
		await pay(here, 1, 300n, isReceipt);
		const visit = await town.meet(ann, mint);
		const tetrad = await town.meet(ann, bob);
		town.settle(ann, visit, mint);
		await town.work();
		const isOutcome = (type: number | undefined) =>
			type === WITH_ISSUER.outcome.type;
		const next = (isIt: (type: number | undefined) => boolean) =>
			town.wire.findIndex(({ bytes }) => isIt(bytes?.[0]));
		while (next(isOutcome) < 0 || next(isReceipt) < 0)
			await town.deliver(
				town.wire.findIndex(
					({ bytes }) => !isOutcome(bytes?.[0]) && !isReceipt(bytes?.[0]),
				),
			);
		const [said] = town.wire.splice(next(isOutcome), 1);
		assert.ok(said?.bytes);
		const { request } = body(WITH_ISSUER.outcome, said.bytes);
		const [receipt] = town.wire.splice(next(isReceipt), 1);
		assert.ok(receipt?.bytes);
		ann.events.push(
			{
				kind: "from-module",
				tetrad: visit,
				bytes: message(WITH_ISSUER.outcome, {
					request,
					state: 2,
					credited: 300n,
					key: undefined,
				}),
			},
			{ kind: "from-module", tetrad, bytes: receipt.bytes },
		);
		await town.quiet();
		assert.equal(stateOf(here, 1), "lapsed");
		assert.equal(ann.reports.filter(({ kind }) => kind === "paid").length, 0);
		assert.deepEqual(
			ann.heard.filter(({ kind }) => kind === "paid"),
			[],
		);
	});
});

describe("a receipt that comes when its issuer has said that it is booked", () => {
	const received = ({ ann }: Scene) => {
		const row = ann.store
			.rows(PAYMENTS)
			.find(({ contract }) => hex(contract) === hex(contractOf(1)));
		return row?.receipt.length ?? 0;
	};

	/** The issuer has booked it for its payee, and the receipt is on its way. */
	async function booked(): Promise<
		Scene & { readonly tetrad: number; readonly receipt: Uint8Array }
	> {
		const here = await scene();
		const { town, mint, ann, bob } = here;
		await pay(here, 1, 300n, isReceipt);
		await town.visit(bob, mint);
		const tetrad = await town.meet(ann, bob);
		const next = () =>
			town.wire.findIndex(({ bytes }) => isReceipt(bytes?.[0]));
		while (next() < 0) await town.deliver();
		const [receipt] = town.wire.splice(next(), 1);
		assert.ok(receipt?.bytes);
		return { ...here, tetrad, receipt: receipt.bytes };
	}

	/** Asked again, also after a restart, the purse gives it, and nothing is paid or reported twice. */
	async function requireKept(here: Scene): Promise<void> {
		const { town, mint, ann } = here;
		assert.ok(received(here) > 0);
		assert.equal(stateOf(here, 1), "settled");
		assert.equal(ann.reports.filter(({ kind }) => kind === "paid").length, 1);
		town.restart(ann);
		await pay(here, 1, 300n);
		const { receipt, chain } = ann.last("paid");
		const { value } = openReceiptUnderChain(
			nodeCrypto,
			fromHex(receipt),
			fromHex(chain),
			(encoded, at) => {
				const { banks } = town.world.policy;
				return validateChain(nodeCrypto, encoded, "module", banks, at);
			},
		);
		assert.equal(value.amount, 300n);
		assert.equal(town.balance(ann, mint).spendable, 700n);
		town.requireConserved(mint);
	}

	test("is kept, long after that was durable", async () => {
		const here = await booked();
		const { town, mint, ann, tetrad, receipt } = here;
		await town.visit(ann, mint);
		assert.equal(received(here), 0);
		assert.equal(stateOf(here, 1), "settled");
		for (let i = 0; i < 2; i++)
			ann.events.push({ kind: "from-module", tetrad, bytes: receipt });
		await town.quiet();
		assert.deepEqual(ann.ended, []);
		await requireKept(here);
	});

	test("is kept, and told to who asked, when it is written right after that", async () => {
		const here = await booked();
		const { town, mint, ann, tetrad, receipt } = here;
		const visit = await town.meet(ann, mint);
		town.settle(ann, visit, mint);
		await town.work();
		const isOutcome = () =>
			town.wire.findIndex(
				({ bytes }) => bytes?.[0] === WITH_ISSUER.outcome.type,
			);
		while (isOutcome() < 0) await town.deliver();
		const [said] = town.wire.splice(isOutcome(), 1);
		assert.ok(said?.bytes);
		town.pay(ann, tetrad, contractOf(1), 300n, mint);
		await town.work();
		ann.events.push(
			{ kind: "from-module", tetrad: visit, bytes: said.bytes },
			{ kind: "from-module", tetrad, bytes: receipt },
		);
		await town.quiet();
		const told = ann.heard.filter(({ kind }) => kind === "paid");
		assert.equal(told.length, 1);
		assert.ok(told[0] && told[0].receipt.length > 0);
		await requireKept(here);
	});

	test("is not kept when it is for another transfer", async () => {
		const here = await booked();
		const { town, mint, ann, bob, tetrad, receipt } = here;
		await town.visit(ann, mint);
		const fields = body(BETWEEN_MODULES.accepted, receipt);
		const right = readReceipt(fields.receipt);
		for (const wrong of [
			{ ...right, transfer: new Uint8Array(32) },
			{ ...right, amount: 301n },
		]) {
			const draft = draftReceipt(wrong);
			const signature = await bob.signer.sign(draft.toSign);
			const bytes = message(BETWEEN_MODULES.accepted, {
				...fields,
				receipt: draft.sign(signature),
			});
			ann.events.push({ kind: "from-module", tetrad, bytes });
			await town.quiet();
		}
		assert.equal(received(here), 0);
	});
});

describe("a settling", () => {
	test("brings back what was never delivered, beside what was paid from the same note", async () => {
		const here = await scene();
		const { town, mint, ann, bob } = here;
		await pay(here, 1, 300n, isReceipt);
		await pay(here, 2, 200n, isDelivery);
		await town.visit(bob, mint);
		town.now += 23 * DAY;
		assert.equal((await town.visit(ann, mint)).code, "");
		assert.equal(stateOf(here, 1), "settled");
		assert.equal(stateOf(here, 2), "lapsed");
		assert.equal(town.account(mint, ann), 700n);
		assert.equal(town.total(ann, mint), 0n);
		await pay(here, 2, 200n);
		assert.equal(ann.last("failed").code, "payment-refused");
		town.requireConserved(mint);
	});

	test("ends no doubt that the issuer does not speak of now: it is asked again", async () => {
		const here = await scene();
		const { town, mint, ann, bob } = here;
		await pay(here, 1, 300n, isReceipt);
		await town.visit(bob, mint);
		const code = await visitChanging(here, (bytes) => {
			const { request } = body(WITH_ISSUER.outcome, bytes);
			return message(WITH_ISSUER.declined, {
				request,
				code: "busy",
				reason: "",
			});
		});
		assert.equal(code, "busy");
		assert.equal(stateOf(here, 1), "committed");
		assert.equal((await town.visit(ann, mint)).code, "");
		assert.equal(stateOf(here, 1), "settled");
		assert.equal(town.balance(ann, mint).inDoubt, 0n);
	});
});

describe("an issuer that is asked what became of a transfer", () => {
	test("tells its payer and its payee, and nobody else", async () => {
		const here = await scene();
		const { town, mint, ann, bob } = here;
		const cyd = await town.purse("cyd");
		await pay(here, 1, 300n);
		await town.visit(bob, mint);
		const [row] = ann.store.rows(PAYMENTS);
		assert.ok(row);
		const said: [number, bigint][] = [];
		town.sent = (bytes) => {
			if (bytes[0] !== WITH_ISSUER.outcome.type) return;
			const { state, credited } = body(WITH_ISSUER.outcome, bytes);
			said.push([state, credited]);
		};
		for (const [i, asker] of [ann, bob, cyd].entries()) {
			const tetrad = await town.meet(asker, mint);
			mint.events.push({
				kind: "from-module",
				tetrad,
				bytes: message(WITH_ISSUER.inquire, {
					request: new Uint8Array(16).fill(i),
					transfer: row.transfer_id,
				}),
			});
			await town.quiet();
		}
		assert.deepEqual(said, [
			[1, 300n],
			[1, 300n],
			[0, 0n],
		]);
	});

	test("ends the doubt about a payment for whose ranges another was booked", async () => {
		const here = await scene();
		const { town, mint, ann, bob } = here;
		const cyd = await town.purse("cyd");
		const copied = ann.store.copy();
		await pay(here, 1, 300n);
		await town.visit(bob, mint);
		ann.store = copied;
		ann.head = FIRST_HEAD;
		town.restart(ann);
		await pay({ ...here, bob: cyd }, 2, 300n, isReceipt);
		await town.visit(cyd, mint);
		await town.visit(ann, mint);
		assert.equal(town.balance(ann, mint).inDoubt, 0n);
		assert.equal(stateOf(here, 2), "short");
		await pay({ ...here, bob: cyd }, 2, 300n);
		assert.equal(ann.last("failed").code, "double-spent");
	});
});
