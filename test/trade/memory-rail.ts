/*
 * A rail in memory, with a ledger that is always in reach and no notes: what a module's trade has to
 * work over as it works over a purse. Everything durable is in the module's store, and all money in
 * the ledger, which survives everybody.
 *
 *   pay ─offered, not cancelled─▶ COMMIT ─▶ locked in the ledger ─given─▶ KEYED
 *                                               ├─the ledger says key────▲
 *                                               ├─void─▶ REFUNDED
 *                                               └─the money was another's─▶ DECLINED
 */
import assert from "node:assert/strict";
import { nodeCrypto } from "../../src/crypto/index.ts";
import { asTetradError, TetradError } from "../../src/errors.ts";
import {
	byKey,
	done,
	insert,
	type Kind,
	put,
	type Row,
	reading,
	type Table,
	type Transaction,
	table,
	type Write,
} from "../../src/machine/index.ts";
import {
	CLOCK_TOLERANCE_MS,
	type CommittedSale,
	type GivenSecret,
	type IssuerTerms,
	type MakeSalePart,
	type Meeting,
	type MoneyContext,
	type MoneyEffect,
	type MoneyEvent,
	type MoneyMachine,
	messages,
	type OfferedSale,
	type PurseReport,
	type SaleJudge,
	type SalePart,
	type SalePayment,
	type SaleRail,
} from "../../src/money/index.ts";
import {
	concat,
	copy,
	dec,
	enc,
	formOf,
	hex,
	sameBytes,
	u64,
	utf8,
} from "../../src/wire/index.ts";

const { message, WITH_AGENT } = messages;
const NOTHING = new Uint8Array();
const MAX_ROWS = 1000;

const GIVEN: Table<{
	contract: "bytes";
	payee: "bytes";
	issuer: "bytes";
	currency: "text";
	amount: "integer";
	terms: "bytes";
	key_hash: "bytes";
	pay_by: "integer";
	state: "text";
	key: "bytes";
	receipt: "bytes";
	chain: "bytes";
}> = table(
	"memory_given",
	{
		contract: "bytes",
		payee: "bytes",
		issuer: "bytes",
		currency: "text",
		amount: "integer",
		terms: "bytes",
		key_hash: "bytes",
		pay_by: "integer",
		state: "text",
		key: "bytes",
		receipt: "bytes",
		chain: "bytes",
	},
	["contract"],
);
type GivenRow = Row<typeof GIVEN.columns>;

const TAKEN: Table<{ contract: "bytes"; key: "bytes" }> = table(
	"memory_taken",
	{ contract: "bytes", key: "bytes" },
	["contract"],
);

const CANCELLED: Table<{ contract: "bytes" }> = table(
	"memory_cancelled",
	{ contract: "bytes" },
	["contract"],
);

interface Lock {
	readonly payer: string;
	readonly payee: string;
	readonly sale: OfferedSale & Pick<SalePayment, "payee" | "keyHash">;
	state: "locked" | "claimed" | "refunded" | "declined";
	key: Uint8Array;
}

/** Whose money is where. Nobody's death touches it. */
export class MemoryLedger {
	readonly #accounts = new Map<string, bigint>();
	readonly #locks = new Map<string, Lock>();
	/** Selling secrets, by the module's device id in hexadecimal. */
	readonly secrets: Map<string, GivenSecret> = new Map();
	/** Finds the key of terms, as an issuer does. */
	judge: SaleJudge | undefined;
	/** Whether the money of the next sale has been given to somebody else by then. */
	isSpentBefore = false;

	give(account: Uint8Array, amount: bigint): void {
		this.#add(hex(account), amount);
	}

	balance(account: Uint8Array): bigint {
		return this.#accounts.get(hex(account)) ?? 0n;
	}

	/** Everything, locked or not. */
	get total(): bigint {
		let total = 0n;
		for (const amount of this.#accounts.values()) total += amount;
		for (const { state, sale } of this.#locks.values())
			if (state === "locked") total += sale.amount;
		return total;
	}

	/** Once for a contract, however often it is asked for. */
	lock(sale: Lock["sale"]): Lock {
		const id = hex(sale.contract);
		const known = this.#locks.get(id);
		if (known !== undefined) return known;
		const [payer, payee] = [hex(sale.payer), hex(sale.payee)];
		assert.ok(this.balance(sale.payer) >= sale.amount, "paid without money");
		this.#add(payer, -sale.amount);
		if (this.isSpentBefore) this.#add("somebody else", sale.amount);
		const state = this.isSpentBefore ? "declined" : "locked";
		const lock: Lock = { payer, payee, sale, state, key: NOTHING };
		this.#locks.set(id, lock);
		return lock;
	}

	find(contract: Uint8Array): Lock | undefined {
		return this.#locks.get(hex(contract));
	}

	/** Whether the money is the payee's then. */
	claim(contract: Uint8Array, key: Uint8Array): boolean {
		const lock = this.#locks.get(hex(contract));
		assert.ok(lock, "nothing is locked for it");
		if (
			lock.state === "locked" &&
			sameBytes(nodeCrypto.sha256(key), lock.sale.keyHash)
		) {
			lock.state = "claimed";
			lock.key = copy(key);
			this.#add(lock.payee, lock.sale.amount);
		}
		return lock.state === "claimed";
	}

	/** What became of it, for good. */
	resolve(contract: Uint8Array): Lock {
		const lock = this.#locks.get(hex(contract));
		assert.ok(lock && this.judge, "nothing is locked for it");
		if (lock.state !== "locked") return lock;
		const { verdict } = this.judge.judge(lock.sale.terms, lock.sale);
		if (verdict.kind === "sold") this.claim(contract, verdict.key);
		else {
			lock.state = "refunded";
			this.#add(lock.payer, lock.sale.amount);
		}
		return lock;
	}

	#add(account: string, amount: bigint): void {
		this.#accounts.set(account, (this.#accounts.get(account) ?? 0n) + amount);
	}
}

/** What goes between the modules, by its first byte. */
const OFFER = 1;
const OFFERED = 2;
const LOCKED = 3;
const HANDED = 4;

interface Asked {
	readonly tetrad: number;
	readonly payment: SalePayment;
	readonly also: readonly Write[];
}

export interface MemoryRailOptions {
	readonly context: MoneyContext;
	readonly issuers: readonly IssuerTerms[];
	readonly sale: MakeSalePart;
	readonly ledger: MemoryLedger;
}

export class MemoryRail implements MoneyMachine<PurseReport> {
	readonly deadline: undefined = undefined;
	readonly pending: Map<number, Kind> = new Map();
	readonly #then = new Map<
		number,
		{
			readonly done: (result: never) => void;
			readonly failed: (error: TetradError) => void;
		}
	>();
	readonly #options: MemoryRailOptions;
	readonly #meetings = new Map<number, Meeting>();
	readonly #part: SalePart;
	/** Offered to their payees and not committed, by contract. */
	readonly #asked = new Map<string, Asked>();
	/** Delivered and not answered: in which tetrad, by contract. */
	readonly #delivered = new Map<string, { tetrad: number; row: GivenRow }>();
	#effects: MoneyEffect<PurseReport>[] = [];
	#now = 0;
	#last = 0;

	constructor(options: MemoryRailOptions) {
		this.#options = options;
		const now = () => this.#now;
		const rail: SaleRail = {
			context: options.context,
			get now() {
				return now();
			},
			meetings: this.#meetings,
			issuerOf: (issuer) =>
				options.issuers.find((terms) => sameBytes(terms.issuer, issuer)),
			moneys: options.issuers.map((terms) => ({ ...terms, isOfMint: false })),
			spendable: (then) => then(options.issuers.map(() => 0n)),
			atMint: () => undefined,
			feeOf: () => undefined,
			pay: (tetrad, payment, also) => this.#pay(tetrad, payment, also),
			// Its store and its ledger are put back by nobody.
			recall: ({ contract }) => this.#cancel(contract),
			cancel: (contract) => this.#cancel(contract),
			committed: (contracts, then) =>
				reading(
					contracts.map((contract) => byKey(GIVEN, { contract })),
					(rows) => then(rows.map(([row]) => row && committed(row))),
				),
			transact: (job, transaction) =>
				this.#transact(
					transaction,
					(result) => this.#part.written(job, result),
					(error) => this.#part.notWritten(job, error),
				),
			toAgent: (tetrad, bytes) => {
				if (this.#meetings.has(tetrad))
					this.#effects.push({ kind: "to-agent", tetrad, bytes });
			},
			toModule: (tetrad, bytes) => this.#toModule(tetrad, bytes),
			report: (report) => this.#effects.push({ kind: "report", report }),
		};
		this.#part = options.sale(rail);
	}

	handle(event: MoneyEvent, now: number): readonly MoneyEffect<PurseReport>[] {
		this.#effects = [];
		this.#now = now;
		switch (event.kind) {
			case "opened":
				this.#opened(event.meeting);
				break;
			case "closed":
				this.#closed(event.tetrad);
				break;
			case "from-agent":
			case "from-module":
				this.#said(event);
				break;
			case "written":
				this.#settle(event.id)?.done(event.result as never);
				break;
			case "not-written":
				this.#settle(event.id)?.failed(event.error);
				break;
			case "time":
				this.#part.time();
				break;
			default:
				assert.fail(`no ${event.kind} on this rail`);
		}
		return this.#effects;
	}

	#settle(id: number) {
		const then = this.#then.get(id);
		this.#then.delete(id);
		this.pending.delete(id);
		return then;
	}

	#transact<Result>(
		transaction: Transaction<Result>,
		done: (result: Result) => void,
		failed: (error: TetradError) => void,
	): void {
		const id = ++this.#last;
		this.pending.set(id, { kind: "transaction" });
		this.#then.set(id, { done, failed });
		this.#effects.push({ kind: "transact", id, transaction });
	}

	#toModule(tetrad: number, bytes: Uint8Array): void {
		if (this.#meetings.has(tetrad))
			this.#effects.push({ kind: "to-module", tetrad, bytes });
	}

	#said({
		kind,
		tetrad,
		bytes,
	}: Extract<MoneyEvent, { kind: "from-agent" | "from-module" }>): void {
		const meeting = this.#meetings.get(tetrad);
		if (meeting === undefined) return;
		const [type = 0] = bytes;
		try {
			if (kind === "from-module") this.#fromModule(meeting, bytes);
			else if (type === WITH_AGENT.settle.type) this.#meetLedger(meeting);
			else if (type !== WITH_AGENT.witness.type) {
				assert.ok(this.#part.hears("agent", type));
				this.#part.fromAgent(meeting, bytes);
			}
		} catch (thrown) {
			const error = asTetradError(thrown);
			this.#effects.push({ kind: "end", tetrad, error });
		}
	}

	#fromModule(meeting: Meeting, bytes: Uint8Array): void {
		const fields = dec(bytes.subarray(1), 6).map(copy);
		const [contract = NOTHING] = fields;
		switch (bytes[0]) {
			case OFFER:
				return this.#judge(meeting, saleOf(meeting, fields));
			case OFFERED:
				return this.#offered(contract, fields);
			case LOCKED:
				return this.#locked(meeting, saleOf(meeting, fields));
			case HANDED:
				return this.#handed(contract, fields);
			default:
				throw new TetradError("unexpected-message", "no message of this rail");
		}
	}

	// The payer.

	#pay(tetrad: number, payment: SalePayment, also: readonly Write[]): void {
		const { contract } = payment;
		this.#transact(
			reading(
				[byKey(GIVEN, { contract }), byKey(CANCELLED, { contract })],
				([[row], [cancelled]]) =>
					done([], { row, isCancelled: cancelled !== undefined }),
			),
			({ row, isCancelled }) => {
				if (row !== undefined) return this.#goOn(tetrad, row);
				if (isCancelled) return this.#notPaid(contract, "it was cancelled");
				const { ledger, context } = this.#options;
				if (ledger.balance(context.own.deviceId) < payment.amount)
					return this.#notPaid(contract, "there is not enough money");
				if (!this.#meetings.has(tetrad))
					return this.#notPaid(contract, "the tetrad is over");
				this.#asked.set(hex(contract), { tetrad, payment, also });
				this.#toModule(tetrad, saying(OFFER, payment));
			},
			(error) => this.#part.happened({ kind: "not-paid", contract, error }),
		);
	}

	#notPaid(contract: Uint8Array, why: string): void {
		const error = new TetradError("payment-refused", why);
		this.#part.happened({ kind: "not-paid", contract, error });
	}

	#offered(
		contract: Uint8Array,
		[, code, reason]: readonly Uint8Array[],
	): void {
		const asked = this.#asked.get(hex(contract));
		if (asked === undefined) return;
		const refusal = text(code);
		const { payment, also, tetrad } = asked;
		if (refusal !== "" || this.#now + CLOCK_TOLERANCE_MS >= payment.payBy) {
			this.#asked.delete(hex(contract));
			return this.#notPaid(contract, refusal === "" ? "late" : text(reason));
		}
		const row = rowOf(payment);
		this.#transact(
			reading([byKey(CANCELLED, { contract })], ([[cancelled]]) =>
				cancelled === undefined
					? done([insert(GIVEN, row), ...also], true)
					: done([], false),
			),
			(isCommitted) => {
				this.#asked.delete(hex(contract));
				if (!isCommitted) return this.#notPaid(contract, "it was cancelled");
				this.#part.happened({ kind: "committed", contract });
				this.#deliver(tetrad, row);
			},
			(error) => {
				this.#asked.delete(hex(contract));
				this.#part.happened({ kind: "not-paid", contract, error });
			},
		);
	}

	#cancel(contract: Uint8Array): void {
		this.#transact(
			reading([byKey(GIVEN, { contract })], ([[row]]) =>
				row === undefined
					? done([put(CANCELLED, { contract })], true)
					: done([], false),
			),
			(isCancelled) => {
				if (isCancelled) this.#asked.delete(hex(contract));
				const kind = isCancelled ? "aborted" : "too-late";
				this.#part.happened({ kind, contract });
			},
			(error) =>
				this.#part.happened({ kind: "not-cancelled", contract, error }),
		);
	}

	/** It is locked before anybody is told; again, when that was not done. */
	#deliver(tetrad: number, row: GivenRow): void {
		this.#lock(row);
		this.#delivered.set(hex(row.contract), { tetrad, row });
		this.#toModule(tetrad, saying(LOCKED, row));
	}

	#lock(row: GivenRow): Lock {
		const { ledger, context } = this.#options;
		const keyHash = row.key_hash;
		const payer = context.own.deviceId;
		return ledger.lock({ ...row, keyHash, payer });
	}

	#goOn(tetrad: number, row: GivenRow): void {
		if (row.state === "committed") return this.#deliver(tetrad, row);
		this.#tell(row);
	}

	#tell({ state, contract, ...row }: GivenRow): void {
		const { key, receipt, chain, amount } = row;
		switch (state) {
			case "keyed":
				return this.#part.happened({
					...{ kind: "keyed", contract, key, receipt, chain },
				});
			case "refunded":
				return this.#part.happened({
					...{ kind: "refunded", contract, amount, by: "issuer" },
				});
			default: {
				const error = new TetradError("double-spent", "it was spent before");
				return this.#part.happened({ kind: "declined", contract, error });
			}
		}
	}

	#handed(
		contract: Uint8Array,
		[
			,
			key = NOTHING,
			receipt = NOTHING,
			chain = NOTHING,
			refusal = NOTHING,
		]: readonly Uint8Array[],
	): void {
		const delivered = this.#delivered.get(hex(contract));
		if (delivered === undefined) return;
		this.#delivered.delete(hex(contract));
		if (refusal.length > 0) return this.#doubt(contract, text(refusal));
		const { row } = delivered;
		const isKey = sameBytes(nodeCrypto.sha256(key), row.key_hash);
		const state = isKey ? "keyed" : "committed";
		this.#change(
			{ contract, state, ...(isKey ? { key } : {}), receipt, chain },
			(after) => {
				if (after.state === "keyed") return this.#tell(after);
				this.#part.happened({
					...{ kind: "receipt-without-key", contract, receipt, chain },
				});
				this.#doubt(contract, "there is no key with the receipt");
			},
		);
	}

	#doubt(contract: Uint8Array, why: string): void {
		const error = new TetradError("payment-in-doubt", why);
		this.#part.happened({ kind: "in-doubt", contract, error });
	}

	#change(
		changes: Partial<GivenRow> & Pick<GivenRow, "contract">,
		then: (row: GivenRow) => void,
	): void {
		const { contract } = changes;
		this.#transact(
			reading([byKey(GIVEN, { contract })], ([[row]]) => {
				assert.ok(row);
				if (row.state !== "committed") return done([], row);
				const changed = { ...row, ...changes };
				return done([put(GIVEN, changed)], changed);
			}),
			then,
			({ message: why }) => this.#doubt(contract, why),
		);
	}

	// The payee.

	#judge(meeting: Meeting, sale: OfferedSale): void {
		const refusal = this.#part.judge(meeting, sale);
		this.#toModule(
			meeting.tetrad,
			concat(
				Uint8Array.of(OFFERED),
				enc(
					sale.contract,
					utf8(refusal?.code ?? ""),
					utf8(refusal?.message ?? ""),
				),
			),
		);
	}

	#locked(meeting: Meeting, sale: OfferedSale): void {
		const { contract } = sale;
		const { ledger, context } = this.#options;
		const hand = (key: Uint8Array, refusal = "") =>
			this.#toModule(
				meeting.tetrad,
				concat(
					Uint8Array.of(HANDED),
					enc(
						...[contract, key, RECEIPT, context.own.encodedChain],
						utf8(refusal),
					),
				),
			);
		const lock = ledger.find(contract);
		if (
			lock === undefined ||
			lock.payee !== hex(context.own.deviceId) ||
			lock.payer !== hex(sale.payer) ||
			lock.sale.amount !== sale.amount ||
			!sameBytes(lock.sale.terms, sale.terms) ||
			lock.state === "refunded" ||
			lock.state === "declined"
		)
			return hand(NOTHING, "no money is locked for it");
		const sold = this.#part.sell(meeting, sale);
		if (sold instanceof TetradError) return hand(NOTHING, sold.message);
		const key = copy(sold.key);
		this.#transact(
			reading([byKey(TAKEN, { contract })], ([[known]]) =>
				done(
					known === undefined
						? [insert(TAKEN, { contract, key }), ...sold.also]
						: [],
					known?.key ?? key,
				),
			),
			(kept) => {
				if (!ledger.claim(contract, kept))
					return hand(NOTHING, "it cannot be claimed any more");
				const chain = context.own.encodedChain;
				this.#part.happened({
					...{ kind: "sold", ...sale, key: kept, receipt: RECEIPT, chain },
					tetrads: [],
					isBooked: true,
				});
				hand(kept);
			},
			({ message: why }) => hand(NOTHING, why),
		);
	}

	// Meetings.

	#opened(meeting: Meeting): void {
		this.#meetings.set(meeting.tetrad, meeting);
		this.#part.opened(meeting);
		this.#each((row) => {
			if (sameBytes(row.payee, meeting.peer.deviceId))
				this.#deliver(meeting.tetrad, row);
		});
	}

	#closed(tetrad: number): void {
		this.#meetings.delete(tetrad);
		for (const [id, asked] of this.#asked) {
			if (asked.tetrad !== tetrad) continue;
			this.#asked.delete(id);
			this.#notPaid(asked.payment.contract, "the tetrad is over");
		}
		for (const [id, delivered] of this.#delivered) {
			if (delivered.tetrad !== tetrad) continue;
			this.#delivered.delete(id);
			this.#doubt(delivered.row.contract, "the tetrad ended");
		}
		this.#part.closed(tetrad);
	}

	/** Each sale that is committed and has no end. */
	#each(act: (row: GivenRow) => void): void {
		this.#transact(
			reading([{ table: GIVEN, limit: MAX_ROWS }], ([rows]) => done([], rows)),
			(rows) => {
				for (const row of rows) if (row.state === "committed") act(row);
			},
			() => {},
		);
	}

	#meetLedger(meeting: Meeting): void {
		const { ledger, context, issuers } = this.#options;
		this.#each((row) => {
			const { contract } = row;
			this.#lock(row);
			const { state, key } = ledger.resolve(contract);
			const to = state === "claimed" ? "keyed" : state;
			this.#change({ contract, state: to, key }, (after) => this.#tell(after));
		});
		this.#transact(
			reading([{ table: TAKEN, limit: MAX_ROWS }], ([rows]) => done([], rows)),
			(rows) => {
				for (const { contract, key } of rows) ledger.claim(contract, key);
			},
			() => {},
		);
		const [issuer] = issuers;
		const given = ledger.secrets.get(hex(context.own.deviceId));
		assert.ok(issuer);
		if (
			given !== undefined &&
			this.#part.wantedSecret(meeting, issuer) !== undefined
		)
			this.#transact(
				this.#part.keepSecret(meeting, issuer, given),
				(result) => this.#part.secretKept(result),
				(error) => assert.fail(error),
			);
		this.#effects.push({
			kind: "to-agent",
			tetrad: meeting.tetrad,
			bytes: message(WITH_AGENT.settled, { code: "", reason: "" }),
		});
	}
}

const RECEIPT: Uint8Array = utf8("a receipt of this rail");

function rowOf(payment: SalePayment): GivenRow {
	const { contract, payee, issuer, currency, amount, terms } = payment;
	return {
		...{ contract, payee, issuer, currency, amount, terms },
		key_hash: payment.keyHash,
		pay_by: BigInt(payment.payBy),
		state: "committed",
		key: NOTHING,
		receipt: NOTHING,
		chain: NOTHING,
	};
}

function committed(row: GivenRow): CommittedSale {
	const { key, receipt, chain, state } = row;
	return {
		payment: {
			...row,
			keyHash: row.key_hash,
			payBy: Number(row.pay_by),
			what: "",
		},
		step: state as CommittedSale["step"],
		refund: undefined,
		why: undefined,
		...{ key, receipt, chain },
	};
}

function saying(
	type: number,
	{
		contract,
		issuer,
		currency,
		amount,
		terms,
	}: Pick<SalePayment, "contract" | "issuer" | "currency" | "amount" | "terms">,
): Uint8Array {
	return concat(
		Uint8Array.of(type),
		enc(contract, issuer, utf8(currency), formOf(u64, amount), terms),
	);
}

function saleOf(
	{ peer }: Meeting,
	[
		contract = NOTHING,
		issuer = NOTHING,
		currency,
		amount = NOTHING,
		terms = NOTHING,
	]: readonly Uint8Array[],
): OfferedSale {
	return {
		...{ contract, issuer, terms, payer: peer.deviceId },
		currency: text(currency),
		amount: BigInt(`0x${hex(amount)}`),
	};
}

function text(bytes: Uint8Array = NOTHING): string {
	return new TextDecoder().decode(bytes);
}
