import { type ChildProcess, fork } from "node:child_process";
import { TetradError } from "../errors.ts";
import { programFile } from "../package-file.ts";
import {
	MAX_WAITING_JOBS,
	TOKEN_CLOSE_MS,
	TOKEN_TIMEOUT_MS,
} from "./limits.ts";
import type { TokenReply, TokenRequest } from "./token-messages.ts";

const PROGRAM: string = programFile("keys/token-process");

/** What came of a request: a reply, or that the process ended before there was one. */
export type TokenOutcome =
	| TokenReply
	| { readonly kind: "timed-out" }
	| { readonly kind: "ended" };

/** What is called when the turn of a job comes and when it is over, before the next one starts. */
export interface Turn {
	/** What it throws becomes the outcome, and the job is not done. */
	starts(): void;
	ends?(outcome: TokenOutcome): void;
}

interface Job {
	readonly request: TokenRequest;
	readonly turn: Turn;
	readonly resolve: (outcome: TokenOutcome & { fresh: boolean }) => void;
	readonly reject: (thrown: unknown) => void;
}

const hosts = new Map<string, TokenHost>();

/**
 * The process of one PKCS#11 library, shared by all stores of this process that name the same
 * one, and started when there is work. Jobs follow one another. After a failure the process is
 * ended, because many a library finds a token that was away only when it is loaded anew.
 */
export class TokenHost {
	readonly #modulePath: string;
	readonly #timeoutMs: number;
	readonly #waiting: Job[] = [];
	#users = 0;
	#child: ChildProcess | undefined;
	#working = false;

	/** The host of this library. Every call needs its `release`. */
	static acquire(
		modulePath: string,
		timeoutMs: number = TOKEN_TIMEOUT_MS,
	): TokenHost {
		const key = `${timeoutMs} ${modulePath}`;
		let host = hosts.get(key);
		if (host === undefined) {
			host = new TokenHost(modulePath, timeoutMs);
			hosts.set(key, host);
		}
		host.#users++;
		return host;
	}

	private constructor(modulePath: string, timeoutMs: number) {
		this.#modulePath = modulePath;
		this.#timeoutMs = timeoutMs;
	}

	/** Lets the process end when nobody uses it any more. */
	async release(): Promise<void> {
		if (--this.#users > 0) return;
		const child = this.#child;
		this.#child = undefined;
		if (child === undefined) return;
		const ended = new Promise((resolve) => child.once("exit", resolve));
		child.ref();
		const timer = setTimeout(() => child.kill("SIGKILL"), TOKEN_CLOSE_MS);
		if (child.connected) child.disconnect();
		if (child.exitCode === null && child.signalCode === null) await ended;
		clearTimeout(timer);
	}

	/**
	 * Does a job when its turn comes. `fresh` says that the process had done nothing before.
	 */
	run(
		request: Omit<TokenRequest, "modulePath">,
		turn: Turn,
	): Promise<TokenOutcome & { fresh: boolean }> {
		if (this.#waiting.length >= MAX_WAITING_JOBS)
			throw new TetradError(
				"key-store-failed",
				`over ${MAX_WAITING_JOBS} jobs wait for the token already; try again later, or use a faster token`,
			);
		const { promise, resolve, reject } = Promise.withResolvers<
			TokenOutcome & { fresh: boolean }
		>();
		this.#waiting.push({
			request: { ...request, modulePath: this.#modulePath },
			turn,
			resolve,
			reject,
		});
		void this.#work();
		return promise;
	}

	async #work(): Promise<void> {
		if (this.#working) return;
		this.#working = true;
		for (let job = this.#waiting.shift(); job; job = this.#waiting.shift()) {
			try {
				job.turn.starts();
				const outcome = await this.#once(job.request);
				// Not later: the next job may be the same PIN over again.
				job.turn.ends?.(outcome);
				job.resolve(outcome);
			} catch (thrown) {
				job.reject(thrown);
			}
		}
		this.#working = false;
	}

	async #once(
		request: TokenRequest,
	): Promise<TokenOutcome & { fresh: boolean }> {
		const fresh = this.#child === undefined;
		this.#child ??= start();
		const child = this.#child;
		const outcome = await exchange(child, request, this.#timeoutMs);
		const isLost =
			outcome.kind === "failed" ||
			outcome.kind === "timed-out" ||
			outcome.kind === "ended";
		if (isLost) {
			child.kill("SIGKILL");
			if (this.#child === child) this.#child = undefined;
		}
		return { ...outcome, fresh };
	}
}

function start(): ChildProcess {
	const child = fork(PROGRAM, {
		// Debugging and test flags of this process are none of the library's business.
		execArgv: [],
		serialization: "advanced",
		// Libraries talk to standard error about what we report in our own words.
		stdio: ["ignore", "ignore", "ignore", "ipc"],
	});
	child.on("error", () => {});
	// A program that is done ends, whether or not it closed its keys.
	child.unref();
	child.channel?.unref();
	return child;
}

function exchange(
	child: ChildProcess,
	request: TokenRequest,
	timeoutMs: number,
): Promise<TokenOutcome> {
	const { promise, resolve } = Promise.withResolvers<TokenOutcome>();
	const ended = () => resolve({ kind: "ended" });
	const timer = setTimeout(() => resolve({ kind: "timed-out" }), timeoutMs);
	// A library that hangs would not hear that this process has ended.
	const kill = () => child.kill("SIGKILL");
	process.once("exit", kill);
	child.once("message", resolve as (reply: unknown) => void);
	child.once("exit", ended);
	child.once("error", ended);
	child.channel?.ref();
	if (child.connected) child.send(request, (error) => error && ended());
	else ended();
	return promise.finally(() => {
		clearTimeout(timer);
		process.off("exit", kill);
		child.off("message", resolve as (reply: unknown) => void);
		child.off("exit", ended);
		child.off("error", ended);
		child.channel?.unref();
	});
}
