import { asTetradError, type TetradError } from "../../../errors.ts";
import type { ProcessEvent } from "../../process/index.ts";
import type { HealthReport } from "../health.ts";
import type { HomeSight } from "./home-watch.ts";

/** So long before its certificate expires a device says so, in milliseconds: two weeks. */
const EXPIRES_SOON_MS = 14 * 86_400_000;

/** How a device stands, by what it has reported. */
export class Standing {
	readonly #since = new Date().toISOString();
	#phase: "starting" | "working" | "stopping" = "starting";
	#links = 0;
	/** With whom an agent was linked, and is no more. */
	readonly #away = new Set<string>();

	hear(event: ProcessEvent): void {
		switch (event.event) {
			case "linked":
				this.#links++;
				this.#away.delete(event.peer);
				this.#begin();
				return;
			case "unlinked":
				this.#links--;
				this.#away.add(event.peer);
				return;
			case "listening":
				return this.#begin();
			case "stopped":
				this.#phase = "stopping";
				return;
			default:
				return;
		}
	}

	/** Whether it does what it is there for, as far as it has said. */
	get isWorking(): boolean {
		return this.#phase === "working";
	}

	/** From now on it is about to end. */
	stop(): void {
		this.#phase = "stopping";
	}

	report(sight: HomeSight, now: number): HealthReport {
		const { role, purse, expires, listsDue } = sight;
		const down: string[] = [];
		const notes: string[] = [];
		if (this.#phase !== "working") down.push(`it is ${this.#phase}`);
		// A module waits for its agent, and an agent is of no use without its module.
		if (role === "agent" && this.#phase === "working" && this.#links === 0)
			down.push("the link with its module is down");
		// Of several modules the others do its work meanwhile.
		else if (role === "agent")
			for (const peer of this.#away)
				notes.push(`the link with its module at ${peer} is down`);
		if (expires <= now) down.push("its certificate has expired");
		else if (expires - now < EXPIRES_SOON_MS)
			notes.push("its certificate expires soon: recertify it");
		if (listsDue !== undefined && listsDue <= now)
			notes.push("an untrusted list should have been replaced: get a new one");
		if (purse?.isBehind === true)
			notes.push(
				"the purse is behind what others have seen of it, and pays nobody",
			);
		return this.#said(role, down, notes);
	}

	/** When its home cannot be read. */
	unreadable(thrown: unknown): HealthReport {
		const { code }: TetradError = asTetradError(thrown);
		return this.#said("module", [`its home cannot be read (${code})`], []);
	}

	#begin(): void {
		if (this.#phase === "starting") this.#phase = "working";
	}

	#said(
		device: HealthReport["device"],
		down: readonly string[],
		notes: readonly string[],
	): HealthReport {
		const bad = notes.length > 0 ? "degraded" : "ok";
		return {
			status: down.length > 0 ? "down" : bad,
			device,
			since: this.#since,
			notes: [...down, ...notes],
		};
	}
}
