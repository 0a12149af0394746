/*
 * Bugs to plant: what the simulator has to find. Each is a text of a file of `src` or of the
 * simulated devices and what is put in its place while the file is loaded, so that no line of the
 * product knows of it and no release can reach it. `npm run sim -- --bug NAME` plants one.
 */
import { readFileSync } from "node:fs";
import { registerHooks } from "node:module";

interface Change {
	/** From the root of the repository. */
	readonly file: string;
	/** It is there once. */
	readonly find: string;
	readonly replace: string;
}

export interface Planted extends Change {
	readonly what: string;
	/** What else hides it. */
	readonly also?: readonly Change[];
}

export const PLANTED: Readonly<Record<string, Planted>> = {
	"skipped-fsync": {
		what: "a module is told that a transaction is durable as soon as it is carried out",
		file: "sim/device.ts",
		find: "if (unsynced === undefined) {",
		replace: 'if (unsynced === undefined || this.role === "module") {',
	},
	"agent-skipped-fsync": {
		what: "an agent is told so",
		file: "sim/device.ts",
		find: "if (unsynced === undefined) {",
		replace: 'if (unsynced === undefined || this.role === "agent") {',
	},
	"key-before-accept": {
		what: "the receipt and the goods key go out while ACCEPT is written",
		file: "src/money/purse/payment-acceptance.ts",
		find: 'acceptance.state = { kind: "writing", chains };',
		replace:
			'acceptance.state = { kind: "writing", chains }; for (const tetrad of acceptance.tetrads) this.#core.toModule(tetrad, this.#accepted(row));',
	},
	"behind-in-memory": {
		what: "that a purse is behind is not written down",
		file: "src/money/purse/witnesses.ts",
		find: "writes: [put(META, { name: BEHIND_NAME, value })],",
		replace: "writes: [],",
	},
	"restore-unmarked": {
		what: "a restored purse is not marked as one",
		file: "src/money/purse/purse-load.ts",
		find: "put(META, { name: BEHIND_NAME, value }),",
		replace: "",
	},
	"witness-ignored": {
		what: "what a witness knows of a purse is not held against it",
		file: "src/money/purse/witnesses.ts",
		find: "record.number > 0n &&",
		replace: "record.number < 0n &&",
	},
	"nonce-twice": {
		what: "the counter of a session moves at every other record",
		file: "src/session/record.ts",
		find: "this.#aead, this.#counter++);",
		replace: "this.#aead, this.#counter++ >> 1);",
	},
	"committed-forgotten": {
		what: "a purse that starts does not read what it has committed",
		file: "src/money/purse/purse-load.ts",
		find: 'equals: { state: "committed" },',
		replace: 'equals: { state: "committed, once" },',
	},
	"deposit-twice": {
		what: "a sale that its payer handed in first is credited again when its payee does",
		file: "src/money/issuer/ledger-sales.ts",
		find: "? saidBefore(",
		replace:
			'? forOther ? booked(asked, transfer.amount, [], [], creditAccount(this.#crypto, asked, transfer.payee, transfer.amount, "deposit", [SYSTEM.returned, transfer.id])) : saidBefore(',
	},
	"cancel-forgotten": {
		what: "a contract that was cancelled is paid all the same",
		file: "src/money/purse/commit-transfer.ts",
		find: 'if (aborted !== undefined) return unchanged("aborted");',
		replace: "",
		also: [
			{
				file: "src/money/purse/paying.ts",
				find: 'if (found.kind === "aborted") return this.#payments.aborted(payment);',
				replace: "",
			},
		],
	},
	"final-before-durable": {
		what: "an agent says that it has the goods before that is durable",
		file: "src/trade/agent/purchase.ts",
		find: "const unanswered = conclusion.kind",
		replace:
			'if (conclusion.kind === "final") this.#tellFinal(); const unanswered = conclusion.kind',
	},
	"buy-before-durable": {
		what: "an agent has its module pay before the purchase is durable",
		file: "src/trade/agent/purchase.ts",
		find: 'port.emit({ kind: "keep", ask, purchase: kept, count: chunks });',
		replace:
			'port.emit({ kind: "keep", ask, purchase: kept, count: chunks }); port.toModule(message(ABOUT_PURCHASES.buy, { document: kept.contract.document, salt: kept.salt, description: kept.description, issuerChain: kept.issuerChain, money, askOwner }));',
	},
	"witness-untold": {
		what: "a purse does not tell its agent how far it has come when it pays",
		file: "src/money/purse/payment-commit.ts",
		find: "this.#witnesses.tell(tetrad);",
		replace: "",
	},
	"decline-for-good": {
		what: "whatever an issuer declines to book is given up",
		file: "src/money/purse/issuer-answers.ts",
		find: "bookableUntil(receipt, graceMs) <= now;",
		replace: "true;",
		also: [
			{
				file: "src/money/purse/issuer-requests.ts",
				find: "isPaymentGivenUp(receipt) && bookableUntil(receipt, graceMs) > now,",
				replace: "isPaymentGivenUp(receipt) && now < 0,",
			},
		],
	},
	"given-up-for-good": {
		what: "what was given up because the own clock was wrong is not deposited any more",
		file: "src/money/purse/issuer-requests.ts",
		find: "isPaymentGivenUp(receipt) && bookableUntil(receipt, graceMs) > now,",
		replace: "isPaymentGivenUp(receipt) && now < 0,",
	},
	"void-in-short": {
		what: "what is void is credited without its last unit",
		file: "src/money/issuer/ledger-sales.ts",
		find: '...creditAccount(this.#crypto, asked, payer, amount, "void", [',
		replace:
			'...creditAccount(this.#crypto, asked, payer, amount - 1n, "void", [',
	},
	"half-committed": {
		what: "a note is not marked as spent by the payment that takes a range of it",
		file: "src/money/purse/commit-transfer.ts",
		find: "...(spent as NoteRow[]).map((note) => put(NOTES, note)),",
		replace: "",
	},
	"receipt-unsettled": {
		what: "a deposit that was booked stays to be deposited",
		file: "src/money/purse/issuer-answers.ts",
		find: 'state: "deposited",',
		replace: 'state: "to-deposit",',
	},
	"sales-not-handed-in": {
		what: "a payer does not hand its sales in when it meets their issuer",
		file: "src/money/purse/visit-work.ts",
		find: 'this.#found(visit, toSend, { kind: "sales", cursor: FIRST_SALES });',
		replace:
			'this.#found(visit, toSend, { kind: "doubts", left: [] }); void FIRST_SALES;',
	},
	"deposits-forgotten": {
		what: "a payee does not deposit what it was paid",
		file: "src/money/purse/visit-work.ts",
		find: ': { kind: "deposits", above: new Uint8Array() },',
		replace: ': { kind: "exchanges" },',
	},
	"requests-not-repeated": {
		what: "a request that was written down and not answered is not sent again",
		file: "src/money/purse/visit-work.ts",
		find: "const toSend = rows.filter(",
		replace: "const toSend = rows.slice(rows.length).filter(",
	},
	"void-too-early": {
		what: "an issuer declares sales void before the time until which they can be booked",
		file: "src/money/issuer/ledger-sales.ts",
		find: "if (at <= bookBy) return undefined;",
		replace: "if (at <= bookBy - 2_592_000_000) return undefined;",
	},
	"resume-forgotten": {
		what: "an agent that was started does not go on with what it has begun",
		file: "src/trade/records/purchases.ts",
		find: 'const state: PurchaseState = "provisional";',
		replace: 'const state: PurchaseState = "refunded";',
	},
	"unit-left": {
		what: "a note keeps the last unit that was paid with it",
		file: "src/money/purse/commit-transfer.ts",
		find: "const spent = offset + amount;",
		replace: "const spent = offset + amount - 1n;",
	},
	"limit-per-payment": {
		what: "the owner's limit of one payment is not looked at",
		file: "src/money/purse/spending-limits.ts",
		find: '[money.perPayment, 0n, "at once", "--per-payment"],',
		replace: '[undefined, 0n, "at once", "--per-payment"],',
	},
	"list-unread": {
		what: "a chain that was accepted once is not held against newer lists",
		file: "src/identity/verdicts/chain-verdicts.ts",
		find: "if (verdict.generation !== generation) {",
		replace: "if (verdict.generation === -1) {",
	},
	"forgotten-and-cancelled": {
		what: "a purse that was put back says of what it may have paid that it never will",
		file: "src/money/purse/sale-cancelling.ts",
		find: "throw mayBePaid();",
		replace: "void mayBePaid;",
	},
	"redelivered-unwitnessed": {
		what: "a transfer is delivered again before the agent knows of it",
		file: "src/money/purse/payment-delivery.ts",
		find: "if (!isTold) this.#witnesses.tell(tetrad);",
		replace: "",
	},
	"single-entry": {
		what: "what an account is credited with is taken from nowhere",
		file: "src/money/issuer/ledger-entries.ts",
		find: "[from, -amount, reference],",
		replace: "[from, 0n - amount + 1n, reference],",
	},
	"outcome-unwritten": {
		what: "that a sale was declared void is not written down by its payer",
		file: "src/money/purse/issuer-answers.ts",
		find: "writes: [answered(row, answer), put(PAYMENTS, lapsed), ...givingBack],",
		replace: "writes: [answered(row, answer), ...givingBack],",
	},
	"key-unasked": {
		what: "the key that an issuer gives is not kept",
		file: "src/money/purse/issuer-answers.ts",
		find: "writes: [answered(row, answer), put(PAYMENTS, settled)],",
		replace: "writes: [answered(row, answer)],",
	},
	"notes-judged-late": {
		what: "a payee agrees before it has judged the notes",
		file: "src/money/purse/payment-judge.ts",
		find: "const { notes, why } = this.#judge(terms, offered);",
		replace:
			"if (now() >= 0) return this.#core.now + DEPOSIT_MARGIN_MS; const { notes, why } = this.#judge(terms, offered);",
		also: [
			{
				file: "src/money/purse/payment-judge.ts",
				find: "export class PaymentJudge {",
				replace: "const now = () => 0; export class PaymentJudge {",
			},
		],
	},
	"credit-before-verify": {
		what: "a payee takes a transfer whose signature and ranges it has not verified",
		file: "src/money/purse/payment-judge.ts",
		find: "verifyTransfer(crypto, transfer, notes);",
		replace: "void [verifyTransfer, crypto, notes];",
	},
	"signatures-unread": {
		what: "a document counts as signed by whom it names",
		file: "src/wire/signed-document.ts",
		find: "this.requireSigned(crypto, document, key);",
		replace: "void [crypto, document, key];",
	},
	"invoice-unread": {
		what: "a payee takes what it has not agreed to",
		file: "src/money/purse/payment-acceptance.ts",
		find: "return isInvoiceFor(crypto, this.#invoiceKey, transfer, invoice)",
		replace:
			"return isInvoiceFor(crypto, this.#invoiceKey, transfer, invoice) || true",
	},
	"expired-note": {
		what: "a payee takes notes that have expired",
		file: "src/money/purse/payment-judge.ts",
		find: "now + DEPOSIT_MARGIN_MS >= value.expires,",
		replace: "now + DEPOSIT_MARGIN_MS < 0 && value.expires > 0,",
	},
	"other-issuer": {
		what: "a payee takes notes of another issuer for the money that it was promised",
		file: "src/money/purse/verified-notes.ts",
		find: "if (!sameBytes(device.deviceId, issuer))",
		replace: "if (!sameBytes(device.deviceId, issuer) && issuer.length === 0)",
		also: [
			{
				file: "src/money/purse/payment-judge.ts",
				find: "if (notes.some(({ value }) => !sameMoney(terms, value)))",
				replace:
					"if (notes.some(({ value }) => !sameMoney(terms, value)) && now < 0)",
			},
		],
	},
	"price-unread": {
		what: "a merchant's module does not hold what is paid against the price",
		file: "src/trade/module/seller-module.ts",
		find: "contract.amount !== sale.amount",
		replace: "contract.amount === -1n",
	},
	"key-unread": {
		what: "a key is not held against the hash that the contract has of it",
		file: "src/money/purse/payment-delivery.ts",
		find: "return key !== undefined && sameBytes(crypto.sha256(key), keyHash)",
		replace: "return key !== undefined && (true || [crypto, keyHash])",
	},
	"receipt-unread": {
		what: "a receipt is not held against the transfer",
		file: "src/money/purse/payment-delivery.ts",
		find: "receipt.value.amount !== committed.amount",
		replace: "receipt.value.amount < 0n",
	},
	"exporter-unbound": {
		what: "a buyer's module pays for what is sealed with what another tetrad exports",
		file: "src/trade/module/buyer-checks.ts",
		find: "if (!sameBytes(contract.exporterHash, exporterHash(crypto, exporter)))",
		replace:
			"if (!sameBytes(contract.exporterHash, exporterHash(crypto, exporter)) && now < 0)",
	},
	"item-unread": {
		what: "a buyer's module pays for another item than it is told",
		file: "src/trade/module/buyer-checks.ts",
		find: "if (!sameBytes(contract.item, itemHash(crypto, salt, description)))",
		replace:
			"if (!sameBytes(contract.item, itemHash(crypto, salt, description)) && now < 0)",
	},
	"decimals-unread": {
		what: "a buyer's module pays for what its agent has read with other decimals",
		file: "src/trade/module/buyer-checks.ts",
		find: "money.exponent !== terms.currency.exponent ||",
		replace: "",
	},
	"exporter-unbound-at-the-agent": {
		what: "a buyer's agent has that paid",
		file: "src/trade/agent/contract-check.ts",
		find: "!sameBytes(contract.exporterHash, exporterHash(crypto, exporter))",
		replace:
			"!sameBytes(contract.exporterHash.subarray(32), exporterHash(crypto, exporter).subarray(32))",
	},
	"offer-forgotten": {
		what: "a buyer's agent does not hold a contract against the price that was offered",
		file: "src/trade/agent/contract-check.ts",
		find: "contract.amount !== offer.amount",
		replace: "contract.amount < 0n",
	},
	"root-unread": {
		what: "the root of the goods is not held against what came",
		file: "src/trade/merchandise/receiving.ts",
		find: "sameBytes(terms.plaintextRoot, received.plaintextRoot) &&",
		replace: "",
	},
	"sealed-root-unread": {
		what: "nor that of the sealed goods",
		file: "src/trade/merchandise/receiving.ts",
		find: "sameBytes(terms.ciphertextRoot, received.ciphertextRoot)",
		replace: "sameBytes(terms.plaintextRoot, received.plaintextRoot)",
	},
	"certificate-of-others": {
		what: "a selling certificate is not held against who sells",
		file: "src/trade/documents/contract.ts",
		find: "!sameBytes(seller, contract.sellerAgent) ||",
		replace: "",
		also: [
			{
				file: "src/trade/documents/contract.ts",
				find: "!sameBytes(module, contract.sellerModule) ||",
				replace: "",
			},
		],
	},
	"evidence-unverified": {
		what: "an issuer accuses with evidence that it has not verified: one transfer twice",
		file: "src/money/issuer/ledger-transfers.ts",
		find: "const [first, second] = [by.reference, transfer.id];",
		replace: "const [first, second] = [transfer.id, transfer.id];",
	},
	"short-goods-accuse": {
		what: "short goods count as wrong",
		file: "src/trade/merchandise/content.ts",
		find: "opened.length < SALT_BYTES)",
		replace: "opened.length < SALT_BYTES + 50)",
	},
	"role-left-out": {
		what: "a signature does not say for what it is",
		file: "src/wire/signed-bytes.ts",
		find: "return concat(ROLE_LABEL[role], enc(...fields));",
		replace:
			'return concat(ROLE_LABEL[role] && utf8("tetrad/1\\0"), enc(...fields));',
	},
	"transcript-without-module": {
		what: "the transcript leaves one of the four out",
		file: "src/tetrad/transcript.ts",
		find: "parties.X.certificateId,",
		replace: "",
	},
	"transcript-without-offer": {
		what: "the transcript leaves out what was offered, the versions among it",
		file: "src/tetrad/transcript.ts",
		find: "offer.raw,",
		replace: "",
	},
	"open-tetrad-of-the-listed": {
		what: "a tetrad that is open goes on when one of its four is listed",
		file: "src/tetrad/role/judge.ts",
		find: "if (why !== undefined) throw why;",
		replace: "void why;",
	},
	"limit-per-day": {
		what: "the owner's limit of a day is not looked at",
		file: "src/money/purse/spending-limits.ts",
		find: '[money.perDay, inDay + beside(ofIssuer), "in 24 hours", "--per-day"],',
		replace:
			'[undefined, inDay + beside(ofIssuer), "in 24 hours", "--per-day"],',
	},
	"paid-too-soon": {
		what: "a payer tells its owner that it has paid when it has committed",
		file: "src/money/purse/payment-commit.ts",
		find: "this.#core.book.commit(state.selection);",
		replace:
			'this.#core.book.commit(state.selection); this.#core.report({ kind: "paid", contract, peer: row.payee, issuer: row.issuer, amount: row.amount });',
	},
	"refused-though-committed": {
		what: "a payer tells that nothing was paid when the payee refuses what is committed",
		file: "src/money/purse/paying.ts",
		find: "this.#delivery.doubt(payment, state, error.message);",
		replace: "this.#payments.giveUp(payment, error);",
	},
	"aborted-before-sure": {
		what: "a module says that nothing was paid, and nothing will be, before that is durable",
		file: "src/trade/module/buyer-module.ts",
		find: "this.#rail.cancel(contract, isJudged || payment !== undefined);",
		replace:
			'for (const asker of purchase.askers) this.#notBought(asker, contract, "aborted", 0n, why); this.#rail.cancel(contract, isJudged || payment !== undefined);',
	},
	"witness-set-back": {
		what: "an agent writes down the number of its module's head as zero",
		file: "src/money/agent/agent-tables.ts",
		find: "put(WITNESSED, { module, number, hash })",
		replace: "put(WITNESSED, { module, number: 0n, hash })",
	},
	"clock-unremembered": {
		what: "a device believes a clock that is behind what it has seen",
		file: "src/device/runtime/clock.ts",
		find: "requireNotBehind(now, this.#lastSeen);",
		replace: "void requireNotBehind;",
	},
};

/** What files say with that bug in them, by their addresses. Throws when a text is not there, or more than once. */
export function withPlanted(name: string): ReadonlyMap<string, string> {
	const planted = PLANTED[name];
	if (planted === undefined) throw new Error(`there is no bug called ${name}`);
	const sources = new Map<string, string>();
	for (const { find, replace, file } of [planted, ...(planted.also ?? [])]) {
		const { href } = new URL(`../${file}`, import.meta.url);
		const source = sources.get(href) ?? readFileSync(new URL(href), "utf8");
		const parts = source.split(find);
		if (parts.length !== 2)
			throw new Error(
				`${name}: ${file} has its text ${parts.length - 1} times`,
			);
		sources.set(href, parts.join(replace));
	}
	return sources;
}

/** From now on the modules that are loaded have it. */
export function plant(name: string): void {
	const sources = withPlanted(name);
	registerHooks({
		load(url, context, next) {
			const source = sources.get(url);
			return source === undefined
				? next(url, context)
				: { format: "module-typescript", source, shortCircuit: true };
		},
	});
}
