/* What is random said in words that are not, to compare all that happened with what was written down. */
import { TetradError } from "../../src/errors.ts";
import { hex } from "../../src/wire/index.ts";

/** Texts of objects that are longer are not said again. */
const LONG = 160;

/** Says bytes by the order in which they were met first, and everything else as it is. */
export class Words {
	readonly #known = new Map<string, number>();
	readonly #said = new Map<string, number>();

	of(value: unknown): string {
		switch (typeof value) {
			case "string":
				return value.replaceAll(/[0-9a-f]{16,}/g, (text) => this.#name(text));
			case "object": {
				if (value === null) return "null";
				if (value instanceof Uint8Array) return this.#bytes(value);
				if (value instanceof TetradError)
					return this.of(`${value.code}: ${value.message}`);
				const inner = Object.entries(value).filter(
					([, one]) => one !== undefined && one !== "",
				);
				return this.#once(
					`{${inner.map(([key, one]) => `${key}: ${this.of(one)}`).join(", ")}}`,
				);
			}
			default:
				return String(value);
		}
	}

	/** What is long is said once. */
	#once(text: string): string {
		if (text.length < LONG) return text;
		const number = this.#said.get(text);
		if (number !== undefined) return `[${number}]`;
		this.#said.set(text, this.#said.size + 1);
		return `[${this.#said.size}] ${text}`;
	}

	#bytes(bytes: Uint8Array): string {
		return bytes.length < 8 ? hex(bytes) : this.#name(hex(bytes));
	}

	#name(text: string): string {
		const number = this.#known.get(text) ?? this.#known.size + 1;
		this.#known.set(text, number);
		return `#${number}/${text.length / 2}`;
	}
}
