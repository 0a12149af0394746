/*
 * The texts of one tetrad at a module: every one is reported. One that has a greeting greets the
 * other module at once, and its own agent when both of them have spoken.
 *
 *   new ─begin─▶ heard from nobody ─▶ heard from one ─▶ heard from both, and the own agent is greeted
 */
import { TetradError, unreachable } from "../errors.ts";
import {
	type AbortEvent,
	type Ended,
	type Machine,
	Steps,
	type TimeEvent,
} from "../machine/index.ts";
import { isOfMoney } from "../money/documents/index.ts";
import { parseText, textMessage } from "./text.ts";

type Speaker = "agent" | "module";

/** What happens at a module beside money. */
export type ModuleGreetingEvent =
	| { readonly kind: "begin" }
	| {
			readonly kind: "from-agent" | "from-module";
			readonly bytes: Uint8Array;
	  }
	| AbortEvent
	| TimeEvent;

/** What a module says and reports beside money. */
export type ModuleGreetingEffect =
	| { readonly kind: "to-agent" | "to-module"; readonly bytes: Uint8Array }
	| { readonly kind: "text"; readonly from: Speaker; readonly text: string };

type State =
	| { readonly kind: "waiting"; readonly heard: Speaker | undefined }
	| { readonly kind: "heard-both" };

/** A module that takes money gives it what is not of money. */
export class ModuleGreeting
	implements Machine<ModuleGreetingEvent, ModuleGreetingEffect>
{
	readonly #steps: Steps<ModuleGreetingEffect> =
		new Steps<ModuleGreetingEffect>(undefined, () => {});
	readonly #greeting: string | undefined;
	#state: State = { kind: "waiting", heard: undefined };

	constructor(greeting: string | undefined) {
		this.#greeting = greeting;
	}

	get deadline(): undefined {
		return undefined;
	}

	/** Ends with `unexpected-message` for what is no text, and with `malformed` for a text that is not UTF-8. */
	handle(
		event: ModuleGreetingEvent,
	): readonly (ModuleGreetingEffect | Ended)[] {
		return this.#steps.run(() => this.#handle(event));
	}

	#handle(event: ModuleGreetingEvent): void {
		switch (event.kind) {
			case "begin":
				return this.#greet("module");
			case "from-agent":
				return this.#hear("agent", event.bytes);
			case "from-module":
				return this.#hear("module", event.bytes);
			case "abort":
				throw event.error;
			case "time":
				return;
			default:
				return unreachable(event);
		}
	}

	#hear(from: Speaker, bytes: Uint8Array): void {
		const text = parseText(bytes);
		if (text === undefined)
			throw new TetradError(
				"unexpected-message",
				isOfMoney(bytes)
					? "somebody asks for money, and this module has no purse; make one with: tetrad purse create"
					: `the ${from === "agent" ? "own agent" : "other module"} sent something that this module does not know`,
			);
		this.#steps.emit({ kind: "text", from, text });
		if (this.#state.kind === "heard-both" || this.#state.heard === from) return;
		if (this.#state.heard === undefined) {
			this.#state = { kind: "waiting", heard: from };
			return;
		}
		this.#state = { kind: "heard-both" };
		this.#greet("agent");
	}

	#greet(to: Speaker): void {
		if (this.#greeting !== undefined)
			this.#steps.emit({
				kind: `to-${to}`,
				bytes: textMessage(this.#greeting),
			});
	}
}
