import {
	type Address,
	type Carrier,
	formatAddress,
	listen,
} from "../../carrier/index.ts";
import { asTetradError, TetradError } from "../../errors.ts";
import type { IssuerTerms, Payment } from "../../money/index.ts";
import { chosenCrypto } from "../../provider/index.ts";
import {
	AgentAnswering,
	type AgentAnsweringEffect,
	type AgentAnsweringEvent,
	type ProposedPayment,
	type ReceivedFile,
} from "../../talk/index.ts";
import { hex } from "../../wire/index.ts";
import type { Payments } from "../purse/index.ts";
import { type Tetrad, untilAborted } from "../runtime/index.ts";
import type { AgentAtWork } from "./agent-at-work.ts";
import { inTetrad } from "./agent-call.ts";
import { DEFAULT_ANSWER_MS } from "./answer-in-time.ts";
import { IncomingFile, onDisk } from "./incoming-file.ts";
import {
	greet,
	hearGreeting,
	type OwnModule,
	PayingModule,
	SilentModule,
} from "./own-module.ts";
import { moneyText } from "./process-events.ts";
import { runTalk, sessionOne } from "./talk-run.ts";
import {
	observer,
	progressOf,
	reportRefused,
	reportUnsent,
} from "./tetrad-events.ts";

/** What an agent does in the tetrads that others start. */
export interface AnswerOptions {
	/** The folder for files that other agents send; without it none are taken. */
	readonly receive?: string;
	/** A text for the own module over session 4; its answer is waited for before a file is acknowledged. */
	readonly greet?: string;
	/** How long the answer to `greet` is waited for, in milliseconds; 5 minutes unless given. */
	readonly answerMs?: number;
	/** Whether other processes of the agent answer at the same address. */
	readonly isShared?: boolean;
	/** Take payments of these issuers' money. */
	readonly take?: readonly IssuerTerms[];
	/** Hears of a payment that has come, after it was reported. What it rejects with is reported as trouble. */
	readonly keep?: (
		tetrad: Tetrad,
		payment: Payment,
		text: string,
	) => Promise<void>;
	readonly signal: AbortSignal;
}

/** Answers other agents until the signal. */
export async function serve(
	work: AgentAtWork,
	address: Address,
	options: AnswerOptions,
): Promise<void> {
	const { report } = work;
	const running = new Set<Promise<void>>();
	const takeOne = (carrier: Carrier) => {
		const run = answer(work, carrier, options).catch((thrown: unknown) =>
			reportRefused(carrier.peer, thrown, report),
		);
		running.add(run);
		void run.then(() => running.delete(run));
	};
	await using listener = await listen(address, takeOne, {
		isShared: options.isShared === true,
		turnsAway: (source) => {
			const error = work.agent.turnsAway(source);
			if (error !== undefined) reportRefused(source, error, report);
			return error !== undefined;
		},
	});
	report({ event: "listening", address: formatAddress(listener.address) });
	await untilAborted(options.signal);
	await listener.close();
	await Promise.all(running);
}

async function answer(
	work: AgentAtWork,
	carrier: Carrier,
	options: AnswerOptions,
): Promise<void> {
	const { signal } = options;
	const number = work.nextTetrad();
	const tetrad = await work.agent.accept(carrier, {
		signal,
		observe: observer(number, work.report),
	});
	const own =
		options.take === undefined
			? new SilentModule(tetrad)
			: new PayingModule(tetrad, work.witness);
	const answering = new Answering(work, own, number, options);
	await inTetrad(own, signal, async () => {
		// What the other agent said before it closed is heard, whatever cannot be said any more.
		try {
			await greet(own, options.greet);
		} catch (thrown) {
			reportUnsent(tetrad, number, 4, thrown, work.report);
		}
		try {
			await answering.run();
		} catch (thrown) {
			// The end of the tetrad was reported by its observer; anything else ends it.
			if (!tetrad.ended) throw thrown;
		}
	}).finally(() => answering.over());
}

/** Carries out what the machine of one answered tetrad asks for. */
class Answering {
	readonly #work: AgentAtWork;
	readonly #own: OwnModule;
	readonly #number: number;
	readonly #options: AnswerOptions;
	/** Contracts whose payment is reported when it comes, or was; in hexadecimal. */
	readonly #expected = new Set<string>();
	readonly #receiving = new Set<Promise<void>>();
	#greeting: Promise<void> | undefined;

	constructor(
		work: AgentAtWork,
		own: OwnModule,
		number: number,
		options: AnswerOptions,
	) {
		this.#work = work;
		this.#own = own;
		this.#number = number;
		this.#options = options;
	}

	/** Resolves when what has come is kept. The tetrad has ended, and nothing more comes. */
	async over(): Promise<void> {
		await Promise.all(this.#receiving);
	}

	/** Resolves when the other agent has closed the tetrad, and rejects with why it ended otherwise. */
	async run(): Promise<void> {
		const { report } = this.#work;
		const { receive, take } = this.#options;
		const files = new IncomingFile(receive ?? "");
		let progress = progressOf(this.#number, report);
		const machine = new AgentAnswering({
			crypto: chosenCrypto(),
			takesFiles: receive !== undefined,
			...(take === undefined ? {} : { issuers: take }),
		});
		try {
			await runTalk<AgentAnsweringEvent, AgentAnsweringEffect>(
				machine,
				{ kind: "begin" },
				(after) => ({
					...sessionOne(this.#own.tetrad.agent, after),
					"to-agent": ({ bytes }) => after(this.#say(bytes)),
					text: ({ text }) =>
						report({
							event: "message",
							tetrad: this.#number,
							session: 1,
							text,
						}),
					expect: ({ proposed }) => after(this.#expect(proposed)),
					...onDisk(files, after),
					discard: ({ kind: _, ...unkept }) => {
						const said = { event: "file-cut-off", way: "in" } as const;
						const tell = () =>
							report({ ...said, tetrad: this.#number, ...unkept });
						// Nothing of it is kept by the time that this is said.
						void files.discard().then(tell, tell);
					},
					progress: (step) => progress(step),
					received: ({ file, path }) => {
						progress = progressOf(this.#number, report);
						after(this.#received(file, path));
					},
				}),
			);
		} finally {
			await files.discard();
		}
	}

	/** An answer to who has gone is not sent; what was said before that is still heard. */
	async #say(bytes: Uint8Array): Promise<AgentAnsweringEvent> {
		const { tetrad } = this.#own;
		try {
			await tetrad.agent.send(bytes);
		} catch (thrown) {
			reportUnsent(tetrad, this.#number, 1, thrown, this.#work.report);
		}
		return { kind: "sent" };
	}

	async #expect(proposed: ProposedPayment): Promise<AgentAnsweringEvent> {
		if (!(this.#own instanceof PayingModule))
			throw new TetradError("internal", "a payment is taken without a purse");
		const { payments } = this.#own;
		try {
			const { payment, text } = proposed;
			await payments.expect(payment, { text });
		} catch (thrown) {
			return { kind: "not-expecting", error: asTetradError(thrown) };
		}
		const receiving = this.#receive(payments, proposed);
		this.#receiving.add(receiving);
		void receiving.then(() => this.#receiving.delete(receiving));
		return { kind: "expecting" };
	}

	/** However often it is proposed, it is one payment. */
	async #receive(
		payments: Payments,
		{ payment, terms, text }: ProposedPayment,
	): Promise<void> {
		const { report } = this.#work;
		const contract = hex(payment.contract);
		if (this.#expected.has(contract)) return;
		this.#expected.add(contract);
		try {
			const { amount } = await payments.received(payment.contract);
			report({
				event: "received",
				tetrad: this.#number,
				contract,
				text,
				...moneyText(amount, terms),
			});
		} catch {
			// It may come in a later tetrad; the module knows what it has taken.
			this.#expected.delete(contract);
			return;
		}
		try {
			await this.#options.keep?.(this.#own.tetrad, payment, text);
		} catch (thrown) {
			const { code, message } = asTetradError(thrown);
			report({
				event: "trouble",
				tetrad: this.#number,
				code,
				reason: `the payment has come, and this agent could not keep what it was for: ${message}`,
			});
		}
	}

	/** The module greets once in a tetrad, however many files come. */
	#hearGreeting(): Promise<void> {
		const { answerMs = DEFAULT_ANSWER_MS } = this.#options;
		this.#greeting ??= hearGreeting(
			this.#own,
			this.#number,
			this.#work.report,
			answerMs,
		);
		return this.#greeting;
	}

	async #received(
		file: ReceivedFile,
		path: string,
	): Promise<AgentAnsweringEvent> {
		this.#work.report({
			event: "file-received",
			tetrad: this.#number,
			name: file.name,
			size: file.size,
			sha256: hex(file.sha256),
			path,
		});
		if (this.#options.greet !== undefined)
			try {
				await this.#hearGreeting();
			} catch (thrown) {
				if (!this.#own.tetrad.ended) throw thrown;
			}
		return { kind: "acknowledge" };
	}
}
