import { mkdir } from "node:fs/promises";
import { setTimeout as pause } from "node:timers/promises";
import {
	type Address,
	type Carrier,
	connect,
	formatAddress,
	listen,
} from "../../carrier/index.ts";
import { asTetradError, TetradError } from "../../errors.ts";
import type { IssuerTerms } from "../../money/index.ts";
import type { LinkMode, Root, Routing } from "../../tetrad/index.ts";
import { hex } from "../../wire/index.ts";
import { demandAccepted, type HomeSecrets, readHome } from "../home/index.ts";
import { Payments, type Witness, WitnessFile } from "../purse/index.ts";
import {
	parseText,
	type Tetrad,
	type TetradEvent,
	TrustedAgent,
	textMessage,
} from "../runtime/index.ts";
import {
	openToRead,
	receiveFile,
	sendFile,
	type TransferProgress,
} from "./file-transfer.ts";
import { KeylogFile } from "./keylog-file.ts";
import {
	isProposal,
	payOther,
	takeFromOther,
	type WantedPayment,
} from "./payment-talk.ts";
import { type Report, reportLists } from "./process-events.ts";

export interface AgentProcessOptions {
	readonly home: string;
	/** Where the passphrase or the PIN of its key comes from, if it needs one. */
	readonly secrets?: HomeSecrets;
	/** Where the own module listens. */
	readonly module: Address;
	readonly link: LinkMode;
	/** Answer other agents here, until `signal`. */
	readonly listen?: Address;
	/** Connect to this agent, do what is asked below, and stop. */
	readonly connect?: Address;
	readonly routing: Routing;
	readonly root: Root;
	/** Sent with the first flight that can carry it. */
	readonly message?: string;
	/** A file to send over session 1. */
	readonly send?: string;
	/** The folder for files that other agents send; without it none are taken. */
	readonly receive?: string;
	/** A text for the own module over session 3 or 4; its answer is then waited for. */
	readonly greet?: string;
	/** The other agent is that of an issuer: let the own module do its business with the issuer's. */
	readonly settle?: boolean;
	/** With `listen`: where an issuer's agent answers, with which the own module does its business at once and then each time so many milliseconds have passed. */
	readonly settleAt?: { readonly address: Address; readonly everyMs: number };
	/** Have the own module pay the other module. */
	readonly pay?: WantedPayment;
	/** Take payments of these issuers' money. */
	readonly take?: readonly IssuerTerms[];
	readonly timeoutMs?: number;
	readonly unsafeKeylog?: string;
	readonly signal: AbortSignal;
}

/** Runs an agent until its work is done or `signal` says stop. Rejects with why it could not. */
export async function runAgentProcess(
	options: AgentProcessOptions,
	report: Report,
): Promise<void> {
	const { signal, module, link, timeoutMs } = options;
	await using home = await readHome(options.home, "agent", options.secrets);
	if (home.pairing === undefined)
		throw new TetradError(
			"not-paired",
			`the agent at ${options.home} is paired with no module yet; run: tetrad pair --home ${options.home} --connect ${formatAddress(module)}`,
		);
	demandAccepted(home, {
		links: link,
		...(options.connect === undefined
			? {}
			: { roots: options.root, routings: options.routing }),
	});
	if (options.send !== undefined)
		await (await openToRead(options.send)).close();
	if (options.receive !== undefined)
		await mkdir(options.receive, { recursive: true, mode: 0o700 });
	const addresses = [module, options.listen, options.connect].filter(
		(address) => address !== undefined,
	);
	using keylog =
		options.unsafeKeylog === undefined
			? undefined
			: new KeylogFile(options.unsafeKeylog, addresses);
	await using agent = new TrustedAgent({
		...home,
		observeLists: reportLists(report),
		...(timeoutMs === undefined ? {} : { timeoutMs }),
		...(keylog === undefined ? {} : { unsafeKeylog: keylog.write }),
	});
	agent.useModule({
		pairing: home.pairing,
		mode: link,
		dial: () => connect(module, { signal }),
	});
	const talk = new AgentTalk(
		agent,
		options,
		report,
		await WitnessFile.open(home.path),
	);
	try {
		await agent.reachModule();
		report({ event: "linked", peer: formatAddress(module) });
		const { listen: here, settleAt } = options;
		// Who can serve nobody shall not go on settling.
		const over = new AbortController();
		const until = AbortSignal.any([signal, over.signal]);
		const settling = settleAt && talk.settleAgain(settleAt, until);
		try {
			const serving = here && talk.serve(here);
			if (options.connect !== undefined) await talk.call(options.connect);
			await serving;
		} finally {
			over.abort();
			await settling;
		}
	} finally {
		report({ event: "stopped" });
	}
}

/** How long after a settling that came to nothing the next one is tried: half a minute. */
const SETTLE_RETRY_MS = 30_000;

/** What an agent process does with its tetrads. */
class AgentTalk {
	readonly #agent: TrustedAgent;
	readonly #options: AgentProcessOptions;
	readonly #report: Report;
	readonly #witness: Witness;
	#tetrads = 0;

	constructor(
		agent: TrustedAgent,
		options: AgentProcessOptions,
		report: Report,
		witness: Witness,
	) {
		this.#agent = agent;
		this.#options = options;
		this.#report = report;
		this.#witness = witness;
	}

	/** One tetrad that this agent starts. */
	async call(address: Address): Promise<void> {
		const { signal, routing, root, message, send, greet } = this.#options;
		const { settle, pay } = this.#options;
		const number = ++this.#tetrads;
		const carrier = await connect(address, { signal });
		const tetrad = await this.#agent.connect(carrier, {
			signal,
			routing,
			root,
			observe: observer(number, this.#report),
			...(message === undefined ? {} : { firstMessage: textMessage(message) }),
		});
		const onAbort = () => void tetrad.close();
		signal.addEventListener("abort", onAbort, { once: true });
		const own =
			settle || pay !== undefined
				? new PayingModule(tetrad, this.#witness)
				: new OwnModule(tetrad);
		try {
			if (greet !== undefined) await tetrad.module.send(textMessage(greet));
			if (own instanceof PayingModule) await this.#business(own, number);
			if (send !== undefined) {
				const sent = await sendFile(tetrad.agent, send, this.#progress(number));
				this.#report({
					event: "file-sent",
					tetrad: number,
					...sent,
					sha256: hex(sent.sha256),
				});
			}
			if (greet !== undefined) await this.#hearModule(own, number);
		} finally {
			signal.removeEventListener("abort", onAbort);
			await tetrad.close();
			await own.over();
		}
		await tetrad.closed;
	}

	/** Settles until `signal`; an issuer that is out of reach is tried again soon. */
	async settleAgain(
		{ address, everyMs }: NonNullable<AgentProcessOptions["settleAt"]>,
		signal: AbortSignal,
	): Promise<void> {
		while (!signal.aborted) {
			let wait = everyMs;
			try {
				await this.#settleAt(address, signal);
			} catch (thrown) {
				wait = Math.min(everyMs, SETTLE_RETRY_MS);
				const { code, message: reason } = asTetradError(thrown);
				const peer = formatAddress(address);
				if (!signal.aborted)
					this.#report({ event: "refused", peer, code, reason });
			}
			await pause(wait, undefined, { signal }).catch(() => {});
		}
	}

	async #settleAt(address: Address, signal: AbortSignal): Promise<void> {
		const number = ++this.#tetrads;
		const carrier = await connect(address, { signal });
		const tetrad = await this.#agent.connect(carrier, {
			signal,
			observe: observer(number, this.#report),
		});
		const own = new PayingModule(tetrad, this.#witness);
		try {
			await this.#settle(own, number, signal);
		} finally {
			await tetrad.close();
			await own.over();
		}
	}

	async #settle(
		{ tetrad, payments }: PayingModule,
		number: number,
		signal: AbortSignal,
	): Promise<void> {
		const issuer = tetrad.parties[tetrad.place === "A" ? "Y" : "X"];
		await payments.settle(issuer.deviceId, { signal });
		this.#report({ event: "settled", tetrad: number, issuer: issuer.name });
	}

	/** What a tetrad was asked for that has to do with money. */
	async #business(own: PayingModule, number: number): Promise<void> {
		const { settle, pay, signal } = this.#options;
		const { tetrad, payments } = own;
		if (settle) await this.#settle(own, number, signal);
		if (pay !== undefined)
			await payOther(tetrad, number, payments, pay, this.#report, signal);
	}

	/** Answers other agents until the signal. */
	async serve(address: Address): Promise<void> {
		const { signal } = this.#options;
		const running = new Set<Promise<void>>();
		await using listener = await listen(address, (carrier) => {
			const run = this.#answer(carrier).catch((thrown: unknown) => {
				const { code, message } = asTetradError(thrown);
				this.#report({
					event: "refused",
					peer: carrier.peer,
					code,
					reason: message,
				});
			});
			running.add(run);
			void run.then(() => running.delete(run));
		});
		this.#report({
			event: "listening",
			address: formatAddress(listener.address),
		});
		await untilAborted(signal);
		await listener.close();
		await Promise.all(running);
	}

	async #answer(carrier: Carrier): Promise<void> {
		const { signal, greet, take } = this.#options;
		const number = ++this.#tetrads;
		const tetrad = await this.#agent.accept(carrier, {
			signal,
			observe: observer(number, this.#report),
		});
		const onAbort = () => void tetrad.close();
		signal.addEventListener("abort", onAbort, { once: true });
		const own =
			take === undefined
				? new OwnModule(tetrad)
				: new PayingModule(tetrad, this.#witness);
		try {
			if (greet !== undefined) await tetrad.module.send(textMessage(greet));
			for await (const message of tetrad.agent)
				await this.#hear(own, number, message);
		} catch (thrown) {
			// The end of the tetrad was reported by its observer; anything else ends it.
			if (!tetrad.ended) throw thrown;
		} finally {
			signal.removeEventListener("abort", onAbort);
			await tetrad.close();
			await own.over();
		}
	}

	async #hear(
		own: OwnModule | PayingModule,
		number: number,
		message: Uint8Array,
	): Promise<void> {
		const { receive, greet, take } = this.#options;
		const { tetrad } = own;
		const text = parseText(message);
		if (text !== undefined)
			return this.#report({
				event: "message",
				tetrad: number,
				session: 1,
				text,
			});
		if (isProposal(message)) {
			if (take === undefined || !(own instanceof PayingModule))
				throw new TetradError(
					"unexpected-message",
					"the peer wants to pay, and this agent takes no payments; start it with --take-payments",
				);
			const { payments } = own;
			return takeFromOther(
				tetrad,
				number,
				payments,
				take,
				message,
				this.#report,
			);
		}
		if (receive === undefined)
			throw new TetradError(
				"unexpected-message",
				"the peer sends a file, and this agent takes none; start it with --receive FOLDER",
			);
		const { acknowledge, ...received } = await receiveFile(
			tetrad.agent,
			message,
			receive,
			this.#progress(number),
		);
		this.#report({
			event: "file-received",
			tetrad: number,
			...received,
			sha256: hex(received.sha256),
		});
		if (greet !== undefined) await this.#hearModule(own, number);
		await acknowledge();
	}

	async #hearModule(
		own: OwnModule | PayingModule,
		number: number,
	): Promise<void> {
		const { tetrad } = own;
		const message = await own.greeting();
		const text = message && parseText(message);
		if (text === undefined) return;
		this.#report({
			event: "message",
			tetrad: number,
			session: tetrad.place === "A" ? 3 : 4,
			text,
		});
	}

	#progress(tetrad: number): (progress: TransferProgress) => void {
		let reported = -1;
		return ({ bytes, size }) => {
			const percent = Math.floor((bytes / size) * 100);
			if (percent === reported) return;
			reported = percent;
			this.#report({ event: "progress", tetrad, bytes, size });
		};
	}
}

/** The own module in a tetrad that has nothing to do with money. */
class OwnModule {
	readonly tetrad: Tetrad;

	constructor(tetrad: Tetrad) {
		this.tetrad = tetrad;
	}

	/** What the module says next. */
	greeting(): Promise<Uint8Array | undefined> {
		return this.tetrad.module.receive();
	}

	async over(): Promise<void> {}
}

/** The own module in a tetrad in which it may pay or be paid. */
class PayingModule {
	readonly tetrad: Tetrad;
	readonly payments: Payments;
	readonly #greeting = Promise.withResolvers<Uint8Array | undefined>();

	constructor(tetrad: Tetrad, witness: Witness) {
		this.tetrad = tetrad;
		this.payments = new Payments(tetrad, {
			witness,
			other: this.#greeting.resolve,
		});
		void this.payments.over.then(() => this.#greeting.resolve(undefined));
	}

	/** The first thing that the module says beside money. */
	greeting(): Promise<Uint8Array | undefined> {
		return this.#greeting.promise;
	}

	/** Resolves when what the module has said is kept. */
	over(): Promise<void> {
		return this.payments.over;
	}
}

/** Reports what becomes of one tetrad. */
export function observer(
	tetrad: number,
	report: Report,
): (event: TetradEvent) => void {
	return (event) => {
		switch (event.kind) {
			case "bound":
				return report({ event: "bound", tetrad });
			case "confirmed": {
				const { parties, transcript, safetyCode, place } = event.tetrad;
				const { A, B, X, Y } = parties;
				return report({
					event: "confirmed",
					tetrad,
					place,
					safetyCode,
					routing: transcript.offer.routing,
					root: transcript.offer.root,
					suite: transcript.offer.selected.name,
					devices: { A: A.name, B: B.name, X: X.name, Y: Y.name },
				});
			}
			case "ended":
				return report({
					event: "ended",
					tetrad,
					...(event.error === undefined
						? {}
						: { code: event.error.code, reason: event.error.message }),
				});
		}
	};
}

export function untilAborted(signal: AbortSignal): Promise<void> {
	if (signal.aborted) return Promise.resolve();
	return new Promise((resolve) =>
		signal.addEventListener("abort", () => resolve(), { once: true }),
	);
}
