/* An issuer's machine on a store, asked by modules without a network, and killed where a test wants it. */
import assert from "node:assert/strict";
import { carryOut, type Handlers } from "../../sim/routing.ts";
import { nodeCrypto } from "../../src/crypto/index.ts";
import {
	type CertifiedDevice,
	validateChain,
} from "../../src/identity/index.ts";
import {
	draftTransfer,
	exchangeContract,
	IssuerMachine,
	type IssuerParameters,
	type IssuerReport,
	type MoneyContext,
	type MoneyEffect,
	type MoneyEvent,
	messages,
	type Note,
	type Piece,
	parseNote,
	type Store,
	type Transfer,
	type TransferBody,
} from "../../src/money/index.ts";
import { SaleDesk } from "../../src/trade/issuer/index.ts";
import { copy, hex } from "../../src/wire/index.ts";
import type { TestDevice, World } from "../support/authority.ts";

const { WITH_ISSUER, body, message } = messages;

export const PLAY = { code: "PLAY", exponent: 2 } as const;

/** What a killed process throws. */
export class Killed extends Error {}

/** Where to kill: before or after so many durable writes; "before" it is not written, "after" it is and nobody is told. */
export interface Kill {
	readonly write: number;
	readonly when: "before" | "after";
}

/** A certified module with its key. */
export interface Module {
	readonly device: CertifiedDevice;
	readonly signer: TestDevice["signer"];
	/** The agent behind which it comes; for whoever asks. */
	readonly agent?: CertifiedDevice;
}

export async function moduleOf(world: World, name: string): Promise<Module> {
	const { signer, chain } = await world.module(name);
	const device = validateChain(
		nodeCrypto,
		chain,
		"module",
		world.policy.banks,
		world.now,
	);
	return { device, signer };
}

/** One run of an issuer's module, from its start to its end. */
export class Mint {
	readonly machine: IssuerMachine;
	readonly reports: IssuerReport[] = [];
	readonly ended: string[] = [];
	/** Signatures that it made. */
	signatures = 0;
	writes = 0;
	now: number;
	readonly #self: Module;
	readonly #store: Store;
	readonly #kill: Kill | undefined;
	readonly #heard = new Map<number, Uint8Array[]>();
	#tetrads = 0;

	constructor(
		world: Pick<World, "policy" | "now">,
		self: Module,
		store: Store,
		options: {
			readonly parameters?: Partial<IssuerParameters>;
			readonly now?: number;
			readonly kill?: Kill;
			/** With which it derives selling secrets; without one it knows of no sales. */
			readonly master?: Uint8Array;
		} = {},
	) {
		this.now = options.now ?? world.now;
		this.#self = self;
		this.#store = store;
		this.#kill = options.kill;
		const certified = (chain: Uint8Array, at: number) =>
			validateChain(nodeCrypto, chain, "module", world.policy.banks, at);
		const context: MoneyContext = {
			crypto: nodeCrypto,
			own: self.device,
			judge: certified,
			judgeSigned: certified,
			certified: (chain) =>
				validateChain(
					nodeCrypto,
					chain,
					"module",
					world.policy.banks,
					undefined,
				),
			certifiedAgent: (chain) =>
				validateChain(
					nodeCrypto,
					chain,
					"agent",
					world.policy.agencies,
					undefined,
				),
		};
		const { parameters, master } = options;
		this.machine = new IssuerMachine(
			context,
			{ currency: PLAY, isPlay: true, ...parameters },
			master === undefined
				? undefined
				: new SaleDesk(context, { read: (use) => use(master) }),
		);
	}

	/** A tetrad with a module. */
	meet(peer: Module): number {
		const tetrad = ++this.#tetrads;
		const { deviceId } = peer.device;
		this.#heard.set(tetrad, []);
		const effects = this.machine.handle(
			{
				kind: "opened",
				meeting: {
					tetrad,
					place: "Y",
					ids: {
						A: deviceId,
						B: this.#self.device.deviceId,
						X: deviceId,
						Y: this.#self.device.deviceId,
					},
					binding: new Uint8Array(32),
					exporter: new Uint8Array(32),
					peer: peer.device,
					agents: { own: this.#self.device, other: peer.agent ?? peer.device },
				},
			},
			this.now,
		);
		assert.deepEqual(effects, []);
		return tetrad;
	}

	/** What the module hears in answer, when all that follows from its message is done. */
	async ask(tetrad: number, bytes: Uint8Array): Promise<Uint8Array[]> {
		await this.event({ kind: "from-module", tetrad, bytes });
		return this.#heard.get(tetrad)?.splice(0) ?? [];
	}

	/** The only answer, from a tetrad that is for this request alone. */
	async once(peer: Module, bytes: Uint8Array): Promise<Uint8Array> {
		const tetrad = this.meet(peer);
		const answers = await this.ask(tetrad, bytes);
		await this.event({ kind: "closed", tetrad });
		assert.equal(answers.length, 1, this.ended.join());
		return answers[0] as Uint8Array;
	}

	async event(event: MoneyEvent): Promise<void> {
		for (const effect of this.machine.handle(event, this.now))
			await carryOut(effect, this.#handlers);
	}

	readonly #handlers: Handlers<
		MoneyEffect<IssuerReport>,
		void | Promise<void>
	> = {
		"to-module": ({ tetrad, bytes }) => {
			this.#heard.get(tetrad)?.push(copy(bytes));
		},
		transact: async ({ id, transaction }) => {
			this.writes++;
			const { write, when } = this.#kill ?? {};
			if (write === this.writes && when === "before") throw new Killed();
			const result = await this.#store.transact(transaction);
			if (write === this.writes) throw new Killed();
			return this.event({ kind: "written", id, result });
		},
		sign: async ({ id, content }) => {
			this.signatures++;
			const signature = await this.#self.signer.sign(content);
			return this.event({ kind: "signed", id, signature });
		},
		end: ({ error }) => {
			this.ended.push(error.code);
		},
		ask: () => assert.fail("an issuer asks nobody"),
		report: ({ report }) => {
			this.reports.push(report);
		},
		"to-agent": () => assert.fail("an issuer tells its agent nothing"),
	};
}

export function requestId(): Uint8Array {
	return nodeCrypto.random(16);
}

export function withdraw(request: Uint8Array, amount: bigint): Uint8Array {
	const fields = { request, amount };
	return copy(message(WITH_ISSUER.withdraw, fields));
}

export function balance(): Uint8Array {
	return copy(message(WITH_ISSUER.balance, { request: requestId() }));
}

export function deposit(
	request: Uint8Array,
	transfer: Transfer,
	notes: readonly Note[],
	issuer: Module,
	terms: Uint8Array = messages.NO_TERMS,
): Uint8Array {
	return copy(
		message(WITH_ISSUER.deposit, {
			request,
			transfer: transfer.document,
			notes: notes.map(({ document }) => document),
			chains: [issuer.device.encodedChain],
			terms,
		}),
	);
}

export function exchange(
	request: Uint8Array,
	into: 0 | 1,
	transfer: Transfer,
	notes: readonly Note[],
	issuer: Module,
): Uint8Array {
	return copy(
		message(WITH_ISSUER.exchange, {
			request,
			into,
			transfer: transfer.document,
			notes: notes.map(({ document }) => document),
			chains: [issuer.device.encodedChain],
		}),
	);
}

export function claim(
	request: Uint8Array,
	note: Note,
	issuer: Module,
	offset = 0n,
): Uint8Array {
	return copy(
		message(WITH_ISSUER.claim, {
			request,
			offset,
			note: note.document,
			chain: issuer.device.encodedChain,
		}),
	);
}

export function resolve(
	request: Uint8Array,
	transfer: Transfer,
	notes: readonly Note[],
	issuer: Module,
	terms: Uint8Array = messages.NO_TERMS,
): Uint8Array {
	return copy(
		message(WITH_ISSUER.resolve, {
			request,
			transfer: transfer.document,
			notes: notes.map(({ document }) => document),
			chains: [issuer.device.encodedChain],
			terms,
		}),
	);
}

/** A transfer that the payer signs. */
export async function pay(
	payer: Module,
	payee: Module,
	pieces: readonly Piece[],
	issuer: Module,
	changes: Partial<TransferBody> = {},
): Promise<Transfer> {
	const draft = draftTransfer({
		payer: payer.device.deviceId,
		payee: payee.device.deviceId,
		issuer: issuer.device.deviceId,
		currency: "PLAY",
		amount: pieces.reduce((sum, { amount }) => sum + amount, 0n),
		contract: nodeCrypto.random(32),
		binding: nodeCrypto.random(32),
		parties: nodeCrypto.random(32),
		pieces,
		purpose: "payment",
		...changes,
	});
	return draft.sign(nodeCrypto, await payer.signer.sign(draft.toSign));
}

/** Own notes to their issuer, for that request. */
export function giveBack(
	payer: Module,
	pieces: readonly Piece[],
	issuer: Module,
	request: Uint8Array,
	into: 0 | 1,
): Promise<Transfer> {
	const contract = exchangeContract(nodeCrypto, request, into);
	return pay(payer, issuer, pieces, issuer, { contract });
}

export function piece(note: Note, offset: bigint, amount: bigint): Piece {
	return { noteId: note.id, offset, amount };
}

/** An answer as text and numbers. */
export type Answer =
	| { readonly kind: "issued"; readonly notes: readonly Note[] }
	| {
			readonly kind: "booked";
			readonly credited: bigint;
			readonly conflicts: readonly string[];
	  }
	| { readonly kind: "account"; readonly balance: bigint }
	| {
			readonly kind: "outcome";
			readonly state: 0 | 1 | 2;
			readonly credited: bigint;
	  }
	| {
			readonly kind: "declined";
			readonly code: string;
			readonly reason: string;
	  };

export function readAnswer(bytes: Uint8Array): Answer {
	switch (bytes[0]) {
		case WITH_ISSUER.issued.type: {
			const { notes } = body(WITH_ISSUER.issued, bytes);
			return {
				kind: "issued",
				notes: notes.map((document) => parseNote(nodeCrypto, document)),
			};
		}
		case WITH_ISSUER.booked.type: {
			const { credited, conflicts } = body(WITH_ISSUER.booked, bytes);
			return { kind: "booked", credited, conflicts: conflicts.map(hex) };
		}
		case WITH_ISSUER.account.type: {
			const { balance } = body(WITH_ISSUER.account, bytes);
			return { kind: "account", balance };
		}
		case WITH_ISSUER.outcome.type: {
			const { state, credited } = body(WITH_ISSUER.outcome, bytes);
			return { kind: "outcome", state, credited };
		}
		case WITH_ISSUER.declined.type: {
			const { code, reason } = body(WITH_ISSUER.declined, bytes);
			return { kind: "declined", code, reason };
		}
		default:
			return assert.fail(`an answer begins with ${bytes[0]}`);
	}
}

/** The one note of an answer. */
export function noteIn(bytes: Uint8Array): Note {
	const answer = readAnswer(bytes);
	assert.equal(
		answer.kind,
		"issued",
		answer.kind === "declined" ? answer.reason : "",
	);
	assert.ok(answer.kind === "issued" && answer.notes.length === 1);
	return answer.notes[0] as Note;
}

/** What an answer says was credited; fails the test when it says anything else. */
export function credited(bytes: Uint8Array): bigint {
	const answer = readAnswer(bytes);
	assert.ok(
		answer.kind === "booked",
		answer.kind === "declined" ? answer.reason : answer.kind,
	);
	return answer.credited;
}
