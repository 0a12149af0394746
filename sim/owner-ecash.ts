/*
 * What the owner of a side does with the ecash in its purse beside purchases. As with `Purse` of
 * `src/device/purse`, what it orders is a signed file in the home of its module until that has taken
 * it down, and is handed over at each start; what has come of it the owner reads off the store.
 */
import type { Row } from "../src/machine/index.ts";
import { parseProofs, writeToken } from "../src/money/cashu/index.ts";
import {
	draftEcashOrder,
	type EcashOrder,
	ecashOrderOf,
	ecashTables,
	openEcashOrder,
	type PurseReport,
	REQUEST_ID_BYTES,
} from "../src/money/index.ts";
import { hex, sameBytes } from "../src/wire/index.ts";
import type { SimulatedSigner } from "./crypto.ts";
import type { SimulatedMint } from "./mint.ts";
import type { OwnersStep } from "./mint-plan.ts";
import type { Side } from "./side.ts";

const { ECASH_ORDERS } = ecashTables;

type EcashOrderRow = Row<(typeof ecashTables.ECASH_ORDERS)["columns"]>;

/** How often an owner looks what has come of what it ordered, in milliseconds, and for how often. */
const LOOK_MS = 2_000;
const LOOKS = 60;

type StepOf<Kind extends OwnersStep["kind"]> = Extract<
	OwnersStep,
	{ readonly kind: Kind }
>;

/** An order without what names it. */
type Nameless = EcashOrder extends infer Of
	? Of extends EcashOrder
		? Omit<Of, "request">
		: never
	: never;

interface Ordered {
	readonly order: EcashOrder;
	readonly document: Uint8Array;
}

export class OwnerEcash {
	readonly #side: Side;
	readonly #signer: SimulatedSigner;
	/** All that it has ordered, the last one last. */
	readonly #ordered: Ordered[] = [];
	/** Files in the home of its module, by the request. */
	readonly #files = new Map<string, Ordered>();
	/** Mints at which it has restored since its purse was last put back. */
	readonly #restored = new Set<string>();

	constructor(side: Side, signer: SimulatedSigner) {
		this.#side = side;
		this.#signer = signer;
	}

	/** What it has ordered under that name. */
	orderOf(request: Uint8Array): EcashOrder | undefined {
		return this.#ordered.find(({ order }) => sameBytes(order.request, request))
			?.order;
	}

	hasRestored({ name }: SimulatedMint): boolean {
		return this.#restored.has(name);
	}

	wasPutBack(): void {
		this.#restored.clear();
	}

	/** What its module reports. */
	hear(report: PurseReport): void {
		if (report.kind === "ecash-ordered")
			this.#files.delete(hex(report.request));
		if (report.kind !== "ecash" || report.state !== "restored") return;
		const mint = this.#side.world.mints.of(report.issuer);
		if (mint !== undefined) this.#restored.add(mint.name);
	}

	/** Its module has started. */
	handIn(): void {
		for (const file of [...this.#files.values()]) this.#take(file);
	}

	/** What was taken down is no order any more (`src/device/purse`). */
	#take(file: Ordered): void {
		const { module } = this.#side;
		const { request } = file.order;
		const isKnown = module.disk
			.rows(ECASH_ORDERS)
			.some((row) => sameBytes(row.request, request));
		if (module.isUp && isKnown) this.#files.delete(hex(request));
		else this.#handOver(file);
	}

	step(step: OwnersStep): void {
		this.#side.world.count(step.kind);
		switch (step.kind) {
			case "send-ecash":
				return this.#send(step);
			case "take-ecash-back":
				return this.#takeBack();
			case "mint-ecash":
				return this.#mint(step);
			case "melt-ecash":
				return this.#melt(step);
			case "restore-ecash":
				return this.#order(step, (mint) => ({ kind: "restore", mint }));
			case "order-ecash-again": {
				const again = this.#pick(this.#ordered);
				// As a program does that has the purse as an object.
				if (again !== undefined && this.#side.takesEcash) this.#handOver(again);
				return;
			}
		}
	}

	#send({ to, isPart = false, afterMs, ...step }: StepOf<"send-ecash">): void {
		const amount = BigInt(step.amount);
		this.#order(
			step,
			(mint) => ({ kind: "send", mint, amount }),
			(request, at) =>
				this.#look(afterMs, request, ({ token }) => {
					if (token.length === 0) return false;
					const all = parseProofs(token);
					const proofs = isPart ? all.slice(0, 1) : all;
					const { sides } = this.#side.world;
					const other = sides.find(({ name }) => name === to);
					if (other !== undefined)
						other.receive(writeToken({ mint: at.url, unit: "sat", proofs }));
					else if (to !== undefined) at.redeem(proofs);
					return true;
				}),
		);
	}

	#takeBack(): void {
		const sent = this.#ordered.filter(({ order }) => order.kind === "send");
		const { order } = this.#pick(sent) ?? {};
		if (order === undefined) return;
		const { mint, request: of } = order;
		this.#sign({ kind: "take-back", mint, of });
	}

	#mint({ paidAfterMs, onItsWayMs, ...step }: StepOf<"mint-ecash">): void {
		const amount = BigInt(step.amount);
		this.#order(
			step,
			(mint) => ({ kind: "mint", mint, amount }),
			(request) => {
				if (paidAfterMs === undefined) return;
				this.#look(paidAfterMs, request, ({ invoice, expires }) => {
					if (invoice === "") return false;
					const { schedule, mints } = this.#side.world;
					// Nobody begins to pay an invoice that is over.
					if (schedule.now <= 1000 * Number(expires))
						mints.invoices.pay(invoice, onItsWayMs);
					return true;
				});
			},
		);
	}

	#melt({ of, amount, tries, afterMs, ...step }: StepOf<"melt-ecash">): void {
		const { invoices } = this.#side.world.mints;
		const invoice = this.#invoice(of) ?? invoices.fromOutside(amount);
		invoices.decide(invoice, { tries, afterMs });
		const maxFee = BigInt(step.maxFee);
		this.#order(step, (mint) => ({ kind: "melt", mint, invoice, maxFee }));
	}

	/** One that there is. */
	#invoice(of: StepOf<"melt-ecash">["of"]): string | undefined {
		const { world } = this.#side;
		const invoicesOf = (side: Side, kind: EcashOrder["kind"]) =>
			side.module.disk
				.rows(ECASH_ORDERS)
				.filter((row) => row.kind === kind && row.invoice !== "")
				.map(({ invoice }) => invoice);
		switch (of) {
			case "outside":
				return undefined;
			case "again":
				return this.#pick(invoicesOf(this.#side, "melt"));
			case "self":
				return this.#pick(invoicesOf(this.#side, "mint"));
			case "another":
				return this.#pick(
					world.sides
						.filter((side) => side !== this.#side)
						.flatMap((side) => invoicesOf(side, "mint")),
				);
		}
	}

	#order(
		step: { readonly mint: number },
		make: (mint: Uint8Array) => Nameless,
		then: (request: Uint8Array, mint: SimulatedMint) => void = () => {},
	): void {
		const mint = this.#side.world.mints.all[step.mint];
		if (mint !== undefined) then(this.#sign(make(mint.issuer)), mint);
	}

	#sign(order: Nameless): Uint8Array {
		const { world, module } = this.#side;
		const request = world.stream("owners of ecash").bytes(REQUEST_ID_BYTES);
		const named = { ...order, request } as EcashOrder;
		const purse = module.certified().deviceId;
		const ordered = world.schedule.now;
		const draft = draftEcashOrder(named, { purse, ordered });
		const document = draft.sign(this.#signer.signNow(draft.toSign));
		const made = { order: named, document };
		this.#ordered.push(made);
		this.#put(made);
		return request;
	}

	#put(ordered: Ordered): void {
		this.#files.set(hex(ordered.order.request), ordered);
		this.#take(ordered);
	}

	#handOver({ document }: Ordered): void {
		const { module } = this.#side;
		if (!module.isUp) return;
		const { deviceId } = module.certified();
		const order = openEcashOrder(
			module.crypto,
			document,
			deviceId,
			this.#signer,
		);
		module.tell({ kind: "ecash-order", order: ecashOrderOf(order.value) });
	}

	/** Looks what has come of an order, after a while and then again and again until it has seen what it waits for. */
	#look(
		afterMs: number,
		request: Uint8Array,
		see: (row: EcashOrderRow) => boolean,
	): void {
		const { world, module } = this.#side;
		let left = LOOKS;
		const look = (): void => {
			// What is not durable it does not see.
			const row =
				module.disk.unsynced > 0
					? undefined
					: module.disk
							.rows(ECASH_ORDERS)
							.find((one) => sameBytes(one.request, request));
			if (row !== undefined && see(row)) return;
			if (--left > 0) world.schedule.after(LOOK_MS, look);
		};
		world.schedule.after(afterMs, look);
	}

	#pick<Of>(of: readonly Of[]): Of | undefined {
		return of.length === 0
			? undefined
			: this.#side.world.stream("owners of ecash").pick(of);
	}
}
