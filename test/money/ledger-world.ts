/* An issuer, modules with accounts, and a ledger in SQLite that is audited at the end. */
import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { nodeCrypto } from "../../src/crypto/index.ts";
import { runAudit } from "../../src/device/issuer/audit-run.ts";
import {
	type AuditResult,
	claimLedger,
	credit,
	type IssuerParameters,
	LEDGER_SCHEMA,
	type Note,
	openAccount,
	type Store,
	type Transaction,
} from "../../src/money/index.ts";
import { openSqliteStore } from "../../src/store/index.ts";
import { makeWorld, type World } from "../support/authority.ts";
import { temporaryFolder } from "../support/folders.ts";
import {
	balance,
	type Kill,
	Mint,
	type Module,
	moduleOf,
	noteIn,
	readAnswer,
	requestId,
	withdraw,
} from "./mint.ts";

export interface Ledgers extends AsyncDisposable {
	readonly world: World;
	readonly issuer: Module;
	readonly payer: Module;
	readonly payee: Module;
	/** The issuer as it runs, and again after it was killed. */
	mint: Mint;
	module(name: string): Promise<Module>;
	/** The process is gone, and another one begins on what is durable. */
	restart(options?: {
		readonly kill?: Kill;
		readonly now?: number;
		readonly issuer?: Module;
	}): Promise<Mint>;
	/** As it is open now. */
	store(): Store;
	transact<Result>(transaction: Transaction<Result>): Promise<Result>;
	/** Of this ledger's store, or of what shows it otherwise. */
	audit(of?: Pick<Store, "snapshot">): Promise<AuditResult>;
	/** Fails the test unless everything is as it must be. */
	sound(): Promise<AuditResult>;
	/** A note from the payer's account. */
	note(value: bigint, holder?: Module): Promise<Note>;
	balanceOf(module: Module): Promise<bigint>;
	fund(module: Module, amount: bigint): Promise<void>;
	/** Changes the closed store by SQL, and opens it again. */
	tamper(change: (database: DatabaseSync) => void): Promise<void>;
}

export interface LedgerOptions {
	readonly parameters?: Partial<IssuerParameters>;
	/** The issuer's, for a test of sales. */
	readonly master?: Uint8Array;
	/** In a file, for a test that kills or tampers; in memory unless given. */
	readonly onDisk?: true;
	/** Any other store, which is opened anew at each restart. */
	readonly open?: () => Promise<Store>;
}

export async function makeLedger(
	options: LedgerOptions = {},
): Promise<Ledgers> {
	const { parameters = {}, onDisk } = options;
	const master = options.master === undefined ? {} : { master: options.master };
	const isKept = onDisk === true || options.open !== undefined;
	await using stack = new AsyncDisposableStack();
	const folder = onDisk && stack.use(await temporaryFolder());
	const path = folder === undefined ? ":memory:" : `${folder.path}/ledger.db`;
	const open =
		options.open ?? (() => openSqliteStore({ path, schema: LEDGER_SCHEMA }));
	let store: Store = await open();
	stack.defer(() => store[Symbol.asyncDispose]());
	const world = await makeWorld();
	const [issuer, payer, payee] = await Promise.all([
		moduleOf(world, "mint"),
		moduleOf(world, "alice-purse"),
		moduleOf(world, "bob-till"),
	]);
	const held = stack.move();
	const ledgers: Ledgers = {
		world,
		issuer,
		payer,
		payee,
		mint: new Mint(world, issuer, store, { parameters, ...master }),
		module: (name) => moduleOf(world, name),
		async restart(how = {}) {
			if (isKept) {
				await store[Symbol.asyncDispose]();
				store = await open();
			}
			const now = how.now ?? ledgers.mint.now;
			ledgers.mint = new Mint(world, how.issuer ?? issuer, store, {
				parameters,
				...master,
				now,
				...(how.kill === undefined ? {} : { kill: how.kill }),
			});
			return ledgers.mint;
		},
		store: () => store,
		transact: (transaction) => store.transact(transaction),
		audit(of: Pick<Store, "snapshot"> = store) {
			const { terms } = ledgers.mint.machine;
			return runAudit(terms, world.policy, of);
		},
		async sound() {
			const result = await ledgers.audit();
			assert.equal(result.problems.join("\n"), "");
			assert.ok(result.balanced);
			const { issued, outstanding, returned, expired } = result;
			assert.equal(issued, outstanding + returned + expired);
			return result;
		},
		async note(value, holder = payer) {
			await ledgers.fund(holder, value);
			const asked = withdraw(requestId(), value);
			return noteIn(await ledgers.mint.once(holder, asked));
		},
		async balanceOf(module) {
			const answer = readAnswer(await ledgers.mint.once(module, balance()));
			assert.ok(answer.kind === "account");
			return answer.balance;
		},
		async fund({ device: { deviceId } }, amount) {
			const { now: at } = ledgers.mint;
			await store.transact(openAccount(deviceId, at));
			const reference = nodeCrypto.random(8).join(".");
			await store.transact(
				credit(nodeCrypto, { account: deviceId, amount, reference, at }),
			);
		},
		async tamper(change) {
			await store[Symbol.asyncDispose]();
			const database = new DatabaseSync(path);
			change(database);
			database.close();
			store = await open();
			await ledgers.restart();
		},
		[Symbol.asyncDispose]: () => held.disposeAsync(),
	};
	const { terms } = ledgers.mint.machine;
	await store.transact(claimLedger(terms));
	return ledgers;
}
