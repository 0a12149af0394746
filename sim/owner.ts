/* What the owner of a side says of single payments, and of a purse that is behind. */
import type { Row } from "../src/machine/index.ts";
import {
	type ApprovalBody,
	draftApproval,
	draftOverride,
	type OverrideBody,
	parseHead,
	purseTables,
	REQUEST_ID_BYTES,
	spendingTables,
} from "../src/money/index.ts";
import { sameBytes } from "../src/wire/index.ts";
import type { SimulatedSigner } from "./crypto.ts";
import { LIES, MAKES_UP } from "./lies.ts";
import { HOUR, namedContract, type Step } from "./plan.ts";
import type { Side } from "./side.ts";

const { BEHIND_NAME, META } = purseTables;
const { APPROVALS } = spendingTables;

type ApprovalRow = Row<typeof APPROVALS.columns>;

type Approve = Extract<Step, { readonly kind: "approve" }>;
type Override = Extract<Step, { readonly kind: "override" }>;

/** What it has signed and handed to a module that runs. */
export type OwnerWord =
	| { readonly kind: "approval"; readonly body: ApprovalBody }
	| { readonly kind: "override"; readonly body: OverrideBody };

interface Said {
	readonly document: Uint8Array;
	readonly body: ApprovalBody;
}

/** What a payment is that an owner says something of. */
type Payment = Pick<
	ApprovalBody,
	"contract" | "payee" | "issuer" | "amount"
> & {
	/** What its mint asks for beside, where it has one. */
	readonly fee?: bigint;
};

export class Owner {
	readonly #side: Side;
	readonly #signer: SimulatedSigner;
	/** Its words on payments, the last one last. */
	readonly #said: Said[] = [];

	constructor(side: Side, signer: SimulatedSigner) {
		this.#side = side;
		this.#signer = signer;
	}

	/** Says something of one payment, if there is one of that kind. */
	approve({ how, isApproved, name }: Approve): void {
		const { world, module } = this.#side;
		if (!module.isUp) return;
		const rows = module.disk.rows(APPROVALS);
		const waiting = rows.filter(({ state }) => state === "waiting");
		switch (how) {
			case "waiting":
				return this.#say(this.#pick(waiting), isApproved);
			case "decided":
				return this.#say(
					this.#pick(rows.filter(({ state }) => state !== "waiting")),
					isApproved,
				);
			case "named": {
				const of = namedContract(world.plan, name ?? "");
				const row = rows.find(({ contract }) => sameBytes(contract, of));
				return this.#say(row, isApproved);
			}
			case "early":
				return this.#say(this.#paymentCalled(name ?? ""), isApproved);
			case "again": {
				const said = this.#pick(this.#said);
				if (said !== undefined) this.#handIn(said);
				return;
			}
			case "backdated":
				// By a clock of the owner's that was set right since, or a file that lay somewhere.
				return this.#say(
					this.#pick(rows),
					isApproved,
					world.schedule.now - HOUR,
				);
			case "another": {
				const row = this.#pick(waiting);
				return this.#say(row && this.#another(row), isApproved);
			}
		}
	}

	/** Has the purse pay although it is behind, or not when what it is behind is something else by now. */
	override({ isOther }: Override): void {
		const { world, module } = this.#side;
		const behind = this.#behind();
		if (!module.isUp || behind === undefined) return;
		const { number, hash } = behind;
		const body: OverrideBody = {
			purse: module.certified().deviceId,
			request: world.stream("owner").bytes(REQUEST_ID_BYTES),
			number: isOther ? number + 1n : number,
			hash,
			ordered: world.schedule.now,
		};
		const draft = draftOverride(body);
		const document = draft.sign(this.#signer.signNow(draft.toSign));
		// Whoever overrides a witness that is right pays with what was paid before, and is found out.
		if (!isOther && !this.#isLiedTo()) module.lie ??= LIES["a second copy"];
		world.count("override");
		world.checks.ownerSaid(this.#side, { kind: "override", body });
		module.tell({ kind: "override", document });
	}

	/** Whether somebody makes up heads who witnesses this purse. */
	#isLiedTo(): boolean {
		const { world, agent } = this.#side;
		const witnesses = [agent, ...world.issuers.map(({ module }) => module)];
		return witnesses.some(({ lie }) => lie !== undefined && MAKES_UP.has(lie));
	}

	#behind() {
		const { disk } = this.#side.module;
		const row = disk.rows(META).find(({ name }) => name === BEHIND_NAME);
		return row && parseHead(row.value);
	}

	#say(
		payment: Payment | undefined,
		isApproved: boolean,
		ordered = this.#side.world.schedule.now,
	): void {
		if (payment === undefined) return;
		const { world, module } = this.#side;
		const { contract, payee, issuer, fee = 0n } = payment;
		const amount = payment.amount + fee;
		const body: ApprovalBody = {
			...{ contract, payee, issuer, amount, isApproved, ordered },
			purse: module.certified().deviceId,
			request: world.stream("owner").bytes(REQUEST_ID_BYTES),
		};
		const draft = draftApproval(body);
		const document = draft.sign(this.#signer.signNow(draft.toSign));
		this.#said.push({ document, body });
		this.#handIn({ document, body });
	}

	#handIn({ document, body }: Said): void {
		const { world, module } = this.#side;
		world.count(body.isApproved ? "approved" : "denied");
		world.checks.ownerSaid(this.#side, { kind: "approval", body });
		module.tell({ kind: "approval", document });
	}

	#pick<Of>(of: readonly Of[]): Of | undefined {
		return of.length === 0
			? undefined
			: this.#side.world.stream("owner").pick(of);
	}

	/** A payment of the plan, before anybody has asked for it. */
	#paymentCalled(name: string): Payment | undefined {
		const { world } = this.#side;
		const { plan, buyers, merchants, issuers } = world;
		const step = plan.steps.find(
			(one) =>
				one.kind === "pay" &&
				one.name === name &&
				buyers[one.buyer] === this.#side,
		);
		if (step?.kind !== "pay") return undefined;
		const payee = merchants[step.merchant]?.module.certified().deviceId;
		const issuer = issuers[step.issuer]?.id;
		if (payee === undefined || issuer === undefined) return undefined;
		const contract = namedContract(plan, name);
		return { contract, payee, issuer, amount: BigInt(step.amount) };
	}

	/** The same contract with another amount, or to somebody else. */
	#another(row: ApprovalRow): Payment {
		const { world } = this.#side;
		if (world.stream("owner").chance(0.5))
			return { ...row, amount: row.amount + 1n };
		const [issuer] = world.issuers;
		return { ...row, payee: issuer?.id ?? row.issuer };
	}
}
