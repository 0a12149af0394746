/* Processes that are killed at one of their steps, when a test says so while they run. */
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const PRELOAD = fileURLToPath(new URL("kill-when-told.mjs", import.meta.url));

/** Where a process is killed: at its nth step of that kind from now on. */
export interface DeathAt {
	readonly kind: "write" | "message";
	/** From 1. */
	readonly number: number;
	readonly when: "before" | "after";
	/** What it gets there; SIGKILL unless given. */
	readonly signal?: "SIGKILL" | "SIGINT";
}

/** What one device is told, whichever of its processes runs. */
export class ToldToDie {
	readonly #file: string;
	#tellings = 0;

	constructor(file: string) {
		this.#file = file;
	}

	/** What its processes need in their environment. */
	get env(): Record<string, string> {
		return {
			NODE_OPTIONS: `--import=${PRELOAD}`,
			TETRAD_TEST_TOLD: this.#file,
		};
	}

	/** The step, counted anew. */
	tell({ kind, number, when, signal = "SIGKILL" }: DeathAt): void {
		this.#begin(`${kind} ${number} ${when} ${signal}`);
	}

	/** Only counts. */
	count(): void {
		this.#begin("count 0 never none");
	}

	/** Whether a process has come to the step that was told. */
	hasCome({ number }: Pick<DeathAt, "number">): boolean {
		return this.#stepsSoFar().length >= number;
	}

	/** Takes back what was told; answers with the steps there were, in order. */
	end(): readonly DeathAt["kind"][] {
		rmSync(this.#file, { force: true });
		return [...this.#stepsSoFar()].map((letter) =>
			letter === "w" ? "write" : "message",
		);
	}

	#stepsSoFar(): string {
		return existsSync(this.#steps) ? readFileSync(this.#steps, "utf8") : "";
	}

	#begin(what: string): void {
		rmSync(this.#steps, { force: true });
		writeFileSync(this.#file, `${what} ${++this.#tellings}`);
	}

	get #steps(): string {
		return `${this.#file}.steps`;
	}
}
