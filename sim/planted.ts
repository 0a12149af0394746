/*
 * Bugs to plant: what the simulator has to find. Each is a text of a file of `src` or of the
 * simulated devices and what is put in its place while the file is loaded, so that no line of the
 * product knows of it and no release can reach it. `npm run sim -- --bug NAME` plants one.
 */
import { readFileSync } from "node:fs";
import { registerHooks } from "node:module";
import { PLANTED_FOR_MENDED } from "./planted-mended.ts";
import { PLANTED_FOR_MINTS, PLANTED_FOR_OWNERS } from "./planted-mints.ts";

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
		find: "writeNonce(this.#nonce, aead, this.#counter++);",
		replace: "writeNonce(this.#nonce, aead, this.#counter++ >> 1);",
	},
	"committed-forgotten": {
		what: "a purse that starts does not read what it has committed",
		file: "src/money/purse/purse-load.ts",
		find: 'equals: { state: "committed" },',
		replace: 'equals: { state: "committed, once" },',
	},
	"receipt-made-anew": {
		what: "a payee that is delivered a transfer again makes another receipt of it",
		file: "src/money/purse/payment-acceptance.ts",
		find: "if (row !== undefined) return this.#answer(row, acceptance.transferId);",
		replace:
			'if (row?.state === "to-book") return this.#answer(row, acceptance.transferId);',
		also: [
			{
				file: "src/money/purse/payment-acceptance.ts",
				find: "if (there !== undefined)\n\t\t\t\t\t\treturn unchanged({ row: there, isNew: false });",
				replace:
					'if (there?.state === "to-book")\n\t\t\t\t\t\treturn unchanged({ row: there, isNew: false });',
			},
			{
				file: "src/money/purse/payment-acceptance.ts",
				find: "insert(RECEIPTS, received),",
				replace: "put(RECEIPTS, received),",
			},
		],
	},
	"secret-beside": {
		what: "a merchant's module keeps what it sells with also among the chains that it shows",
		file: "src/trade/module/selling-secrets.ts",
		find: "put(ISSUER_CHAINS, { hash, chain }),",
		replace:
			"put(ISSUER_CHAINS, { hash, chain }), put(ISSUER_CHAINS, { hash: secret, chain: secret }),",
	},
	"job-kept": {
		what: "what a machine waits for stays waited for when it was answered",
		file: "src/machine/work.ts",
		find: "this.#jobs.delete(id);",
		replace: "",
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
	"grace-forgotten": {
		what: "a payee gives up for good what is declined when its notes have expired, and not when the grace is over",
		file: "src/money/purse/issuer-answers.ts",
		find: "bookableUntil(receipt, graceMs) <= now;",
		replace: "bookableUntil(receipt, 0 * graceMs) <= now;",
		also: [
			{
				file: "src/money/purse/issuer-requests.ts",
				find: "isPaymentGivenUp(receipt) && bookableUntil(receipt, graceMs) > now,",
				replace:
					"isPaymentGivenUp(receipt) && bookableUntil(receipt, 0 * graceMs) > now,",
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
		find: "throw wasPaidPerhaps();",
		replace: "void wasPaidPerhaps;",
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
	"own-chain-unread": {
		what: "whoever of the four is shown or told who the others are does not hold that against the lists",
		file: "src/tetrad/role/judge.ts",
		find: "return this.#demanded(verdicts.judge(chain, ROLE_OF[as], now), as);",
		replace:
			"return this.#demanded(verdicts.certified(chain, ROLE_OF[as]), as);",
		// Each of the others would notice it alone.
		also: [
			{
				file: "src/tetrad/role/judge.ts",
				find: "verdicts.judgeNamed(hash, chain, ROLE_OF[as], now),",
				replace: "verdicts.certified(chain, ROLE_OF[as]),",
			},
		],
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
			'for (const asker of purchase.askers) this.#agents.notBought(asker, contract, "aborted", 0n, why); this.#rail.cancel(contract, isJudged || payment !== undefined);',
	},
	"lacked-forgotten": {
		what: "a restored purse that is not behind any more forgets that its agent knows a newer state",
		file: "src/money/purse/witnesses.ts",
		find: "return isRestored(behind) &&",
		replace: "return now < 0 &&",
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
	"approval-of-another": {
		what: "an approval counts for every payment to the module that it is about, as often as one comes",
		file: "src/money/purse/approvals.ts",
		find: `const row = this.#all.get(hex(asked.contract));
		if (row === undefined) return "nothing";`,
		replace: `const row = this.#all.get(hex(asked.contract));
		if (row === undefined) return [...this.#all.values()].some((one) => one.state === "approved" && sameBytes(one.payee, asked.payee)) ? "approved" : "nothing";`,
	},
	"approval-amount-unread": {
		what: "an approval of another amount counts",
		file: "src/money/purse/approvals.ts",
		find: "row.amount === amount &&",
		replace: "",
	},
	"approval-unasked": {
		what: "the owner is not asked about what is above the limit for that",
		file: "src/money/purse/spending-limits.ts",
		find: "if (above !== undefined && costOf(asked) > above)",
		replace: "if (above !== undefined && costOf(asked) < 0n)",
	},
	"agent-unheard": {
		what: "the owner is not asked although the agent wants that",
		file: "src/money/purse/spending-limits.ts",
		find: 'asked.askOwner && said !== "approved"',
		replace: 'asked.askOwner && said === "denied"',
	},
	"new-merchant-unasked": {
		what: "the owner is not asked about the first payment to a module",
		file: "src/money/purse/spending-limits.ts",
		find: "return rules.approveNewMerchants && isNewMerchant",
		replace: "return rules.approveNewMerchants && !isNewMerchant",
	},
	"word-out-of-turn": {
		what: "a word of the owner counts although a later one was there before",
		file: "src/money/purse/approvals.ts",
		find: "if (!isIt || decided <= row.decided) return unchanged(undefined);",
		replace: "if (!isIt) return unchanged(undefined);",
	},
	"denied-too-late": {
		what: "a no of the owner does not stop what is on its way, and the owner is told that it does",
		file: "src/money/purse/approvals.ts",
		find: 'this.#all.set(hex(contract), { ...before, state: "denied", decided });',
		replace: "void decided;",
	},
	"approval-not-durable": {
		what: "the owner is told of a payment that waits, and it is not written down",
		file: "src/money/purse/approvals.ts",
		find: "put(APPROVALS, row),",
		replace: "",
	},
	"overridden-blindly": {
		what: "an override counts whatever the purse is behind",
		file: "src/money/purse/witnesses.ts",
		find: "if (behind === undefined || !sameBytes(behind.value, value))",
		replace: "if (behind === undefined)",
	},
	"override-forgotten": {
		what: "what the owner has overridden is not remembered",
		file: "src/money/purse/witnesses.ts",
		find: "!contains(overridden?.value, value)",
		replace: "!contains(overridden?.value, value.subarray(1))",
	},
	"behind-and-paying": {
		what: "a purse that is behind pays",
		file: "src/money/purse/witnesses.ts",
		find: `case "behind":
				return this.#standing.error;`,
		replace: `case "behind":
				return undefined;`,
	},
	"lapsed-when-declined": {
		what: "a payer counts what it has committed as its own again when the issuer does not resolve it",
		file: "src/money/purse/issuer-answers.ts",
		find: `return { entries, writes: [withdrawn(row)], result: NOTHING_FOLLOWS };
				case "claim":`,
		replace: `return { entries, writes: [withdrawn(row), ...(payment === undefined ? [] : [put(PAYMENTS, { ...payment, in_doubt: 0n, state: "lapsed" })])], result: NOTHING_FOLLOWS };
				case "claim":`,
	},
	"void-forgotten": {
		what: "that a purchase was void after its goods came is not written down",
		file: "src/trade/records/purchases.ts",
		find: 'return from === "provisional" || (from === "final" && to === "refunded");',
		replace:
			'return from === "provisional" || (from === "" && to === "refunded");',
	},
	"part-is-void": {
		what: "a sale that is void is credited again for whoever asks again",
		file: "src/money/issuer/ledger-sales.ts",
		find: "if (isVoid) return outcomeBefore(asked, 2, transfer.amount, false);",
		replace: "void isVoid;",
		also: [
			{
				file: "src/money/issuer/ledger-sales.ts",
				find: "return insert(VOIDS, { transfer, request, returned, at: BigInt(at) });",
				replace:
					'return { kind: "put", table: VOIDS, row: { transfer, request, returned, at: BigInt(at) } };',
			},
		],
	},
	"refund-too-many": {
		what: "what was given back of a sale before is not held against what it was paid with",
		file: "src/trade/records/refunds.ts",
		find: "if (given + amount > paid)",
		replace: "if (amount > paid)",
	},
	"refund-paid-at-once": {
		what: "a refund counts as paid when it is owed",
		file: "src/trade/records/refunds.ts",
		find: 'state: "owed",',
		replace: 'state: "paid",',
	},
	"made-unwritten": {
		what: "goods are made on order before that is written down",
		file: "src/trade/records/sales.ts",
		find: "return done([insert(MADE, row)], true);",
		replace:
			"return row.state === NOTHING.toString() ? done([insert(MADE, row)], true) : done([], true);",
	},
	"unpaid-unlimited": {
		what: "a buyer may leave one thing more unpaid that was made on order",
		file: "src/trade/records/sales.ts",
		find: "if (unpaid.length >= MAX_UNPAID) return done([], false);",
		replace: "if (unpaid.length > MAX_UNPAID) return done([], false);",
		also: [
			{
				file: "src/trade/records/sales.ts",
				find: `equals: { buyer, state: "unpaid" },
				limit: MAX_UNPAID,`,
				replace: `equals: { buyer, state: "unpaid" },
				limit: MAX_UNPAID + 1,`,
			},
		],
	},
	"sold-when-signed": {
		what: "what was made on order counts as sold when its contract is signed",
		file: "src/trade/records/sales.ts",
		find: "[put(MADE, { ...known, contract })]",
		replace: '[put(MADE, { ...known, contract, state: "sold" })]',
	},
	"made-not-kept": {
		what: "what was made on order is not there for whoever has paid and asks for it again",
		file: "sim/made-goods.ts",
		find: "return this.#side.made.get(hex(contractId));",
		replace: "return this.#side.made.get(hex(contractId.subarray(1)));",
	},
	"changed-note-unseen": {
		what: "a purse starts with a note whose document has changed on its disk",
		file: "src/money/purse/purse-book.ts",
		find: "if (!sameBytes(note.id, id)) throw changed();",
		replace: "",
	},
	"goods-not-fetched": {
		what: "goods that are missing when they are paid for are not fetched again",
		file: "src/trade/agent/purchase.ts",
		find: "if (!this.#port.fetchGoods(this, from))",
		replace: "if (from >= 0)",
	},
	"spent-uncounted": {
		what: "what was paid before the module was started does not count against a limit of a day",
		file: "src/money/purse/spending-limits.ts",
		find: "this.#sums = new SpendingSums(spent, spentInAll);",
		replace:
			"this.#sums = new SpendingSums(spent.slice(spent.length), spentInAll);",
	},
	"full-disk-settled": {
		what: "a receipt that could not be kept counts as kept",
		file: "src/money/purse/payment-delivery.ts",
		find: `		const payment = this.#payments.of(contract);
		if (payment?.state.kind === "settling")`,
		replace: `		const payment = this.#payments.of(contract);
		if (payment !== undefined) this.#payments.delete(contract);
		if (payment?.state.kind === "looking-up" as never)`,
	},
	"late-refused": {
		what: "what comes late is refused for good, and not booked first",
		file: "src/money/purse/payment-acceptance.ts",
		find: "if (why === undefined)",
		replace:
			"if (why !== undefined) return this.notTaken(transfer.contract, why); if (why === undefined)",
	},
	"old-key-unsigned": {
		what: "notes that were made out to an earlier key are signed with the new one",
		file: "src/money/purse/issuer-exchange.ts",
		find: "return found && { ...found, under };",
		replace: "return found && { ...found, under: under && undefined };",
	},
	"served-before-booked": {
		what: "what is to be booked first is answered with receipt and key before it is",
		file: "src/money/purse/payment-acceptance.ts",
		find: 'if (row.state === "to-book") return this.notTaken(contract, notBooked());',
		replace: "",
	},
	...PLANTED_FOR_MINTS,
	...PLANTED_FOR_OWNERS,
	...PLANTED_FOR_MENDED,
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
