import type { TetradError } from "../../errors.ts";
import {
	ModuleGreeting,
	type ModuleGreetingEffect,
	type ModuleGreetingEvent,
} from "../../talk/index.ts";
import { Driver, type Tetrad } from "../runtime/index.ts";
import type { Report } from "./process-events.ts";
import { reportUnsent } from "./tetrad-events.ts";

/** Runs the machine of what is said in one tetrad of a module beside money. */
export class ModuleTexts {
	readonly #tetrad: Tetrad;
	readonly #number: number;
	readonly #report: Report;
	readonly #driver: Driver<ModuleGreetingEvent, ModuleGreetingEffect>;
	#saying: Promise<void> = Promise.resolve();
	#error: TetradError | undefined;

	constructor(
		tetrad: Tetrad,
		number: number,
		greeting: string | undefined,
		report: Report,
	) {
		this.#tetrad = tetrad;
		this.#number = number;
		this.#report = report;
		const own = tetrad.place === "X" ? 3 : 4;
		this.#driver = new Driver<ModuleGreetingEvent, ModuleGreetingEffect>({
			machine: new ModuleGreeting(greeting),
			now: Date.now,
			handlers: {
				"to-agent": ({ bytes }) => this.#say("agent", bytes),
				"to-module": ({ bytes }) => this.#say("module", bytes),
				text: ({ from, text }) =>
					report({
						event: "message",
						tetrad: number,
						session: from === "module" ? 2 : own,
						text,
					}),
			},
			ended: ({ error }) => {
				this.#error = error;
			},
			failed: (error) => {
				this.#error = error;
			},
		});
	}

	/** Resolves when there is room again after what was said. */
	begin(): Promise<void> {
		return this.#feed({ kind: "begin" });
	}

	/** Rejects with `unexpected-message` for what is no text. */
	hear(from: "agent" | "module", bytes: Uint8Array): Promise<void> {
		return this.#feed({ kind: `from-${from}`, bytes });
	}

	async #feed(event: ModuleGreetingEvent): Promise<void> {
		this.#driver.feed(event);
		if (this.#error !== undefined) throw this.#error;
		await this.#saying;
	}

	/** Whoever has gone hears no greeting, and the owner hears that. */
	#say(to: "agent" | "module", bytes: Uint8Array): void {
		const tetrad = this.#tetrad;
		const own = tetrad.place === "X" ? 3 : 4;
		const session = to === "module" ? 2 : own;
		this.#saying = tetrad[to].send(bytes).catch((thrown: unknown) => {
			reportUnsent(tetrad, this.#number, session, thrown, this.#report);
		});
		this.#saying.catch(() => {});
	}
}
