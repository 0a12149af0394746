/* Bugs to plant into what purses do with the ecash of mints (planted.ts). */
import type { Planted } from "./planted.ts";

const ECASH = "src/money/purse/ecash";

export const PLANTED_FOR_MINTS: Readonly<Record<string, Planted>> = {
	"refund-before-the-deadline": {
		what: "a payer takes what is locked back before the deadline",
		file: `${ECASH}/locked-sale.ts`,
		find: "return core.now >= deadlineOf(row)",
		replace: "return core.now >= 0",
	},
	"refund-unasked": {
		what: "a payer counts what is locked as its own at the deadline, without asking the mint",
		file: `${ECASH}/locked-sale.ts`,
		find: "? this.#refund()\n\t\t\t\t\t: this.#waitForDeadline();",
		replace:
			"? this.#refunded([], row.amount)\n\t\t\t\t\t: this.#waitForDeadline();",
	},
	"claim-uncounted-for": {
		what: "a payee counts a lock as claimed before the mint has answered",
		file: `${ECASH}/claiming.ts`,
		find: "claim.state = this.#claiming(row, swap, talk);",
		replace:
			'const soon = this.#claiming(row, swap, talk); claim.state = soon; this.#move(soon, { ...row, state: "claimed" }, []);',
	},
	"key-before-claim": {
		what: "a payee gives the key before the mint has given it the money",
		file: `${ECASH}/claiming.ts`,
		find: "claim.state = this.#claiming(row, swap, talk);",
		replace:
			"claim.state = this.#claiming(row, swap, talk); this.#give(row, claim.tetrads);",
	},
	"lock-hash-unread": {
		what: "a payee takes a lock for another hash",
		file: "src/money/cashu/read-lock.ts",
		find: "if (secret !== lockSecret({ ...expected, refund }, nonce))",
		replace:
			"if (secret !== lockSecret({ ...expected, refund }, nonce) && !secret)",
		also: [
			{
				file: "src/money/cashu/read-lock.ts",
				find: 'if (members.get("data") !== hex(expected.keyHash))',
				replace: 'if (members.get("data") === "")',
			},
		],
	},
	"lock-deadline-unread": {
		what: "a payee takes a lock with another deadline",
		...tagUnread("locktime"),
	},
	"lock-binding-unread": {
		what: "a payee takes a lock that is of another tetrad",
		...tagUnread("tetrad_binding"),
	},
	"lock-contract-unread": {
		what: "a payee takes a lock that is for another contract",
		...tagUnread("tetrad_contract"),
	},
	"lock-key-unread": {
		what: "a payee takes a lock to another key",
		...tagUnread("pubkeys"),
		also: [
			...tagUnread("pubkeys").also,
			{
				file: "src/money/cashu/read-lock.ts",
				find: "if (hex(refund).slice(2) === payee.slice(2))",
				replace: 'if (payee === "")',
			},
		],
	},
	"lock-sum-unread": {
		what: "a payee does not hold what is locked against the price",
		file: "src/money/cashu/verify-lock.ts",
		find: "if (sum !== expected.price + fee)",
		replace: "if (sum < 0n)",
	},
	"lock-keyset-unread": {
		what: "a payee takes a lock of a keyset that the mint does not have",
		file: "src/money/cashu/verify-lock.ts",
		find: "const keyset = keysets.get(proof.keyset);",
		replace:
			"const keyset = keysets.get(proof.keyset) ?? keysets.active(unit, 0);",
		also: [
			{
				file: `${ECASH}/own-outputs.ts`,
				find: "const keyset = keysets?.get(id);",
				replace:
					'const keyset = keysets?.get(id) ?? keysets?.active("sat", 0);',
			},
			{
				file: "src/money/cashu/verify-lock.ts",
				find: "!ecash.verifyCarriedDleq(dleq, utf8(secret), signature, key)",
				replace: 'secret === ""',
			},
		],
	},
	"lock-signature-unread": {
		what: "a payee takes a lock that does not show that the mint signed it",
		file: "src/money/cashu/verify-lock.ts",
		find: "!ecash.verifyCarriedDleq(dleq, utf8(secret), signature, key)",
		replace: '(secret === "" && !ecash && !utf8 && !dleq && !signature)',
	},
	"counter-unwritten": {
		what: "how far outputs were derived is not written down by who pays: it is used again after a start",
		file: `${ECASH}/offering.ts`,
		find: "...countersOf(this.#book, swap.outputs),",
		replace: "",
	},
	"ecash-unasked": {
		what: "what is paid with ecash does not wait for its owner",
		file: `${ECASH}/offering.ts`,
		find: `			case "waiting": {
				const done = approvals.waits(asked)`,
		replace: `			case "waiting": {
				if (asked.amount > 0n) return true;
				const done = approvals.waits(asked)`,
	},
	"approved-fee-unread": {
		what: "an approval counts whatever a mint asks for beside the price by then",
		file: "src/money/purse/approvals.ts",
		find: "const isWithin = asked.fee <= row.fee;",
		replace: "const isWithin = asked.fee >= 0n;",
	},
	"fee-uncounted": {
		what: "what a mint asks for beside the price does not count against limits",
		file: "src/money/purse/spending-limits.ts",
		find: "return amount + fee;",
		replace: "return fee < 0n ? fee : amount;",
	},
	"fee-unlimited": {
		what: "a mint may ask for anything beside a price",
		file: "src/money/purse/spending-limits.ts",
		find: "return fee <= most",
		replace: "return fee <= most || fee > most",
	},
	"asked-before-durable": {
		what: "a mint is asked to lock money before that is durable",
		file: `${ECASH}/offering.ts`,
		find: 'sale.state = { kind: "committing", row, swap };',
		replace:
			'sale.state = { kind: "committing", row, swap }; this.#parts.ask({ kind: "asking-about-paid", contract }, this.#mints.of(asked.issuer)?.url ?? "", swap.request);',
	},
	"spent-as-paid": {
		what: "what a mint says is spent counts as bought, without a key",
		file: `${ECASH}/locked-sale.ts`,
		find: 'case "spent-without-key":',
		replace:
			'case "spent-without-key": if (core.now > 0) return this.#keyed({ key: new Uint8Array(32), receipt: NOTHING, chain: NO_CHAIN });',
	},
	"lost-answer-guessed": {
		what: "a mint that does not answer is taken not to have done what it was asked",
		file: `${ECASH}/locked-sale.ts`,
		find: "this.#run?.run.unanswered();\n\t\tthis.#talk.later();",
		replace:
			'if (this.#row.state === "locking") return this.#move({ ...this.#row, state: "declined" }, this.#running().of.spends); this.#run?.run.unanswered();\n\t\tthis.#talk.later();',
	},
	"change-lost": {
		what: "what a lock was too much for is not kept",
		file: `${ECASH}/locked-sale.ts`,
		find: 'return this.#move(lockedIn(row, lock), change);\n\t\t\t}\n\t\t\tcase "not-done":',
		replace:
			'return void change, this.#move(lockedIn(row, lock), []);\n\t\t\t}\n\t\t\tcase "not-done":',
	},
	"refund-key-shared": {
		what: "a payer has one key for the refunds of all contracts",
		file: "src/money/cashu/keys.ts",
		find: "return scalar(crypto, seed, enc(REFUND, contract));",
		replace: "return scalar(crypto, seed, enc(REFUND, contract.subarray(32)));",
	},
	"payee-key-shared": {
		what: "a payee has one key for all contracts",
		file: "src/money/cashu/keys.ts",
		find: "return scalar(crypto, base, enc(PAYEE, termsHash));",
		replace: "return scalar(crypto, base, enc(PAYEE, termsHash.subarray(32)));",
	},
	"restored-unbelieved": {
		what: "what a mint restores is not taken, so that a swap whose answer was lost counts as somebody else's",
		file: `${ECASH}/swap-run.ts`,
		find: "const proofs = restoredProofs(this.#ecash, keysets, of, body);",
		replace:
			"const all = restoredProofs(this.#ecash, keysets, of, body); const proofs = rest.length < 0 ? all : undefined;",
	},
};

/** The same for what owners order of mints. */
export const PLANTED_FOR_OWNERS: Readonly<Record<string, Planted>> = {
	"pending-is-unpaid": {
		what: "an invoice counts as unpaid while its mint is paying it, and what was to pay it as the purse's again",
		file: `${ECASH}/melting-run.ts`,
		find: 'case "pending":\n\t\t\t\t// It is asked',
		replace:
			'case "pending":\n\t\t\t\tif (states === undefined) return over({ kind: "spent", states: this.#stored.inputs.map(() => ({ kind: "unspent" }) as never) });\n\t\t\t\t// It is asked',
	},
	"minted-twice": {
		what: "an order for new ecash that is handed in again is carried out again",
		file: `${ECASH}/owner-orders.ts`,
		find: "if (row !== undefined) {\n\t\t\tthis.#all.delete(hex(request));\n\t\t\treturn this.#tellAgain(row);",
		replace:
			'if (row !== undefined && row.kind !== "mint") {\n\t\t\tthis.#all.delete(hex(request));\n\t\t\treturn this.#tellAgain(row);',
		also: [
			{
				file: `${ECASH}/order-writes.ts`,
				find: 'how === "insert" ? insert(ECASH_ORDERS, row) : put(ECASH_ORDERS, row),',
				replace: "put(ECASH_ORDERS, row),",
			},
		],
	},
	"token-told-before-durable": {
		what: "an owner is told that a token is there while that is written",
		file: `${ECASH}/owner-orders.ts`,
		find: 'work.talk.writing();\n\t\t\t\treturn this.#move(next, "put");',
		replace:
			'work.talk.writing();\n\t\t\t\tthis.#tell(next.to);\n\t\t\t\treturn this.#move(next, "put");',
	},
	"ordered-before-durable": {
		what: "a mint is asked for what an owner orders before that is durable",
		file: `${ECASH}/owner-orders.ts`,
		find: 'this.#move(made.value, "insert");',
		replace:
			'if (made.value.to.swap.length > 0) this.#talkAbout(order).ask(this.#trades.run(made.value.to, false).next);\n\t\tthis.#move(made.value, "insert");',
	},
	"part-is-redeemed": {
		what: "a token counts as redeemed, and is looked after no more, when a part of it is",
		file: `${ECASH}/sending.ts`,
		find: 'return states.every(({ kind }) => kind === "spent")',
		replace: 'return states.some(({ kind }) => kind === "spent")',
	},
	"taken-back-though-spent": {
		what: "a token that somebody has redeemed counts as taken back",
		file: `${ECASH}/sending.ts`,
		find: "if (left.length === 0) return redeemed(row);",
		replace: "if (left.length === 0) return tookBack(row, swap.spends);",
	},
	"spent-is-restored": {
		what: "a restore counts what is spent",
		file: `${ECASH}/restore-run.ts`,
		find: 'this.#proofs.push(...found.filter(isNew("unspent")));',
		replace:
			'this.#proofs.push(...found.filter((proof, at) => isNew("unspent")(proof, at) || isNew("spent")(proof, at)));',
	},
	"under-way-is-restored": {
		what: "a restore counts what was under way when it began, and is spent by the time that it ends",
		file: `${ECASH}/restore-run.ts`,
		find: "this.#own = new Set([...underWay, ...held.map(({ secret }) => secret)]);",
		replace:
			"this.#own = new Set([...[...underWay].slice(underWay.size), ...held.map(({ secret }) => secret)]);",
	},
	"melt-change-lost": {
		what: "what a mint gives back of what an invoice was paid with is not kept",
		file: `${ECASH}/melting.ts`,
		find: 'got,\n\t\t\t\t\tentry: { what: "melted", amount: row.amount },',
		replace:
			'got: got.slice(got.length),\n\t\t\t\t\tentry: { what: "melted", amount: row.amount },',
	},
	"melt-fee-unread": {
		what: "what a mint asks for spending is not held against what paying an invoice may cost",
		file: `${ECASH}/melting.ts`,
		find: "if (feeReserve + chosen.fee > maxFee)",
		replace: "if (feeReserve > maxFee)",
	},
	"order-counter-unwritten": {
		what: "how far outputs were derived is not written down by what an owner orders",
		file: `${ECASH}/order-writes.ts`,
		find: "...countersOf(book, outputs),",
		replace: "...countersOf(book, outputs.slice(outputs.length)),",
	},
};

/** A tag of a lock that a payee does not look at. */
function tagUnread(tag: string): Pick<Planted, "file" | "find" | "replace"> & {
	readonly also: NonNullable<Planted["also"]>;
} {
	const file = "src/money/cashu/read-lock.ts";
	return {
		file,
		find: "if (found[0] !== values[0])",
		replace: `if (found[0] !== values[0] && name !== "${tag}")`,
		also: [
			{
				file,
				find: "if (secret !== lockSecret({ ...expected, refund }, nonce))",
				replace: 'if (secret === "" && lockSecret && nonce === "")',
			},
		],
	};
}
