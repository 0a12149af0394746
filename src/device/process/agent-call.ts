import { basename } from "node:path";
import { type Address, connect } from "../../carrier/index.ts";
import { textMessage } from "../../talk/index.ts";
import type { Root, Routing } from "../../tetrad/index.ts";
import { hex } from "../../wire/index.ts";
import { connectPatiently, type Tetrad } from "../runtime/index.ts";
import type { AgentAtWork } from "./agent-at-work.ts";
import { settle } from "./agent-settling.ts";
import { DEFAULT_ANSWER_MS } from "./answer-in-time.ts";
import { sendFile, sizeOf, type TransferProgress } from "./outgoing-file.ts";
import {
	greet,
	hearGreeting,
	type OwnModule,
	PayingModule,
	SilentModule,
} from "./own-module.ts";
import { type ContractedPayment, payOther } from "./paying-other.ts";
import { observer, progressOf } from "./tetrad-events.ts";

/** What an agent does in a tetrad that it starts. */
export interface CallOptions {
	readonly routing: Routing;
	readonly root: Root;
	/** Sent with the first flight that can carry it. */
	readonly message?: string;
	/** A file to send over session 1. */
	readonly send?: string;
	/** A text for the own module over session 3; its answer is then waited for. */
	readonly greet?: string;
	/** The other agent is that of an issuer: let the own module do its business with the issuer's. */
	readonly settle?: boolean;
	/** With which of this agent's modules, by device id; with the first unless given. */
	readonly ownModule?: Uint8Array | undefined;
	/** Throws when the other agent is not the one that is meant: nothing is done then. */
	readonly requirePeer?: (tetrad: Tetrad) => void;
	/** Have the own module pay the other module. */
	readonly pay?: ContractedPayment;
	/** How long the answer to `send` and to `greet` is waited for, in milliseconds; 5 minutes unless given. */
	readonly answerMs?: number;
	readonly signal: AbortSignal;
}

/** One tetrad that this agent starts. */
export async function call(
	work: AgentAtWork,
	address: Address,
	options: CallOptions,
): Promise<void> {
	const { agent, report, witness } = work;
	const { signal, message, routing, root, ownModule } = options;
	const { answerMs = DEFAULT_ANSWER_MS } = options;
	const number = work.nextTetrad();
	const dial = () => connect(address, { signal });
	const tetrad = await connectPatiently(agent, dial, {
		signal,
		routing,
		root,
		module: ownModule,
		observe: observer(number, report),
		...(message === undefined ? {} : { firstMessage: textMessage(message) }),
	});
	const own =
		options.settle || options.pay !== undefined
			? new PayingModule(tetrad, witness)
			: new SilentModule(tetrad);
	await inTetrad(own, signal, async () => {
		options.requirePeer?.(tetrad);
		await greet(own, options.greet);
		if (own instanceof PayingModule) await business(work, options, own, number);
		if (options.send !== undefined)
			await send(work, tetrad, options.send, number, answerMs);
		if (options.greet !== undefined)
			await hearGreeting(own, number, report, answerMs);
	});
	await tetrad.closed;
}

/** What a tetrad was asked for that has to do with money. */
async function business(
	{ report }: AgentAtWork,
	options: CallOptions,
	own: PayingModule,
	number: number,
): Promise<void> {
	const { pay, signal } = options;
	if (options.settle) await settle(own, number, report, signal);
	if (pay !== undefined)
		await payOther(own.tetrad, number, own.payments, pay, report, signal);
}

async function send(
	{ report }: AgentAtWork,
	tetrad: Tetrad,
	path: string,
	number: number,
	answerMs: number,
): Promise<void> {
	const told = progressOf(number, report);
	let gone: TransferProgress = { bytes: 0, size: await sizeOf(path) };
	const progress = (step: TransferProgress) => {
		gone = step;
		told(step);
	};
	const sent = await sendFile(tetrad.agent, path, progress, answerMs).catch(
		(thrown: unknown) => {
			const name = basename(path);
			const said = { event: "file-cut-off", tetrad: number } as const;
			report({ ...said, way: "out", name, ...gone });
			throw thrown;
		},
	);
	report({
		event: "file-sent",
		tetrad: number,
		...sent,
		sha256: hex(sent.sha256),
	});
}

/** Does some work in a tetrad, and closes it after that or when the signal says stop. */
export async function inTetrad(
	own: OwnModule,
	signal: AbortSignal,
	work: () => Promise<void>,
): Promise<void> {
	const { tetrad } = own;
	const onAbort = () => void tetrad.close();
	signal.addEventListener("abort", onAbort, { once: true });
	try {
		await work();
	} finally {
		signal.removeEventListener("abort", onAbort);
		await tetrad.close();
		await own.over();
	}
}
