/*
 * Tetrads with merchants that are kept for what is bought there next, as those of
 * `src/device/trade/standing-tetrads.ts`, and in which several things may go on at once.
 */
import type { Agent } from "./agent.ts";
import type { Buyer } from "./trading.ts";

/** What stands at one merchant, at most; the oldest goes. */
const MAX_AT_ONE = 8;

type Act = (buyer: Buyer, isNew: boolean, done: Done) => void;

/** It is over. Where something has failed, and nothing else goes on, the tetrad is not kept. */
export type Done = (how?: { readonly hasFailed: boolean }) => void;

interface Standing {
	/** Nothing while it is made. */
	buyer: Buyer | undefined;
	/** Whoever came while it was made, and who is told when it was not. */
	readonly waiting: { readonly act: Act; readonly failed: () => void }[];
	/** What goes on in it. */
	users: number;
	/** How often it was left with nothing going on in it. */
	idle: number;
	close: () => void;
}

export interface StandingTetradsOptions {
	readonly agent: Agent;
	/** How long one is kept in which nothing goes on, in milliseconds; with 0, none is. */
	readonly idleMs: number;
	/** How long one thing may take, in milliseconds. */
	readonly taskMs: number;
	/** Makes one; `over` is called when none comes about, and when it is over. */
	readonly meet: (
		agent: Agent,
		what: string,
		met: (buyer: Buyer, close: () => void) => void,
		over: () => void,
	) => void;
}

export class StandingTetrads {
	readonly #options: StandingTetradsOptions;
	/** By the name of the other agent; the one that was made last comes last. */
	#all = new Map<string, Standing[]>();

	constructor(options: StandingTetradsOptions) {
		this.#options = options;
	}

	/** Does something in one with that agent, or in a new one. */
	use(
		agent: Agent,
		{
			what,
			isShared,
			isFresh = false,
		}: {
			readonly what: string;
			/** Also in one in which something else goes on. */
			readonly isShared: boolean;
			/** Not in one that stood before. */
			readonly isFresh?: boolean;
		},
		act: Act,
		/** Called when none comes about. */
		failed: () => void,
	): void {
		const here = this.#all.get(agent.name) ?? [];
		this.#all.set(agent.name, here);
		const known = here.findLast(
			({ buyer, users }) =>
				buyer?.tetrad.ended !== true &&
				(isShared || users === 0) &&
				!(isFresh && buyer !== undefined),
		);
		if (known !== undefined) {
			if (known.buyer === undefined) known.waiting.push({ act, failed });
			else this.#enter(known, known.buyer, act, false);
			return;
		}
		const made: Standing = {
			...{ buyer: undefined, waiting: [{ act, failed }], users: 0, idle: 0 },
			close: () => {},
		};
		if (this.#options.idleMs > 0) here.push(made);
		this.#options.meet(
			agent,
			what,
			(buyer, close) => {
				made.buyer = buyer;
				made.close = close;
				for (const one of made.waiting.splice(0))
					this.#enter(made, buyer, one.act, true);
			},
			() => {
				const at = here.indexOf(made);
				if (at >= 0) here.splice(at, 1);
				// Whoever waited for it tries for one as well.
				const [first, ...others] = made.waiting.splice(0);
				first?.failed();
				for (const one of others)
					this.use(agent, { what, isShared }, one.act, one.failed);
			},
		);
	}

	/** Its agent died. */
	forget(): void {
		this.#all = new Map();
	}

	#enter(standing: Standing, buyer: Buyer, act: Act, isNew: boolean): void {
		const { agent, taskMs } = this.#options;
		standing.users++;
		let isOver = false;
		const done: Done = ({ hasFailed } = { hasFailed: false }) => {
			if (isOver) return;
			isOver = true;
			standing.users--;
			if (standing.users > 0) return;
			if (hasFailed) standing.close();
			else this.#keep(standing, buyer);
		};
		agent.later(() => {
			if (isOver) return;
			standing.close();
			done();
		}, taskMs);
		act(buyer, isNew, done);
	}

	#keep(standing: Standing, buyer: Buyer): void {
		const { agent, idleMs } = this.#options;
		const { name } = buyer.tetrad.parties.B;
		const here = this.#all.get(name) ?? [];
		const turn = ++standing.idle;
		if (idleMs === 0) return standing.close();
		agent.later(() => {
			if (standing.users === 0 && standing.idle === turn) standing.close();
		}, idleMs);
		const [oldest] = here.filter(({ users }) => users === 0);
		if (here.length > MAX_AT_ONE) oldest?.close();
	}
}
