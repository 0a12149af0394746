/* How far something is that takes a while, as whoever sits at a terminal sees it. */
import { SingleBar } from "cli-progress";
import { count } from "./voice.ts";

const BAR = { least: 10, most: 40 } as const;

/**
 * A bar on standard error, which begins with the first `show` and fits on one line of the terminal.
 * Where there is no terminal, nothing is shown.
 */
export class ProgressBar {
	readonly #label: string;
	readonly #stream: NodeJS.WriteStream;
	#bar: SingleBar | undefined;

	/** `label` stands before the bar, and is safe to print. */
	constructor(label: string, stream: NodeJS.WriteStream = process.stderr) {
		this.#label = label;
		this.#stream = stream;
	}

	/** So many of `total` bytes are done. */
	show(bytes: number, total: number): void {
		if (!this.#stream.isTTY || total === 0) return;
		if (this.#bar === undefined) {
			this.#bar = new SingleBar(this.#fitting(total));
			this.#bar.start(total, 0);
		}
		this.#bar.update(bytes);
	}

	/** Leaves the bar as it is and ends its line; the next `show` begins another one. */
	stop(): void {
		this.#bar?.stop();
		this.#bar = undefined;
	}

	#fitting(total: number): ConstructorParameters<typeof SingleBar>[0] {
		// The last column stays free: some terminals go on to the next line when it is written.
		const width = (this.#stream.columns || 80) - 1;
		const numbers = `  {value} of ${count(total)} bytes`;
		const fixed = this.#label.length + "    [] 100%".length;
		const long = fixed + `  ${count(total)} of ${count(total)} bytes`.length;
		const isLong = width - long >= BAR.least;
		const room = width - (isLong ? long : fixed);
		return {
			format: `  ${this.#label}  [{bar}] {percentage}%${isLong ? numbers : ""}`,
			barsize: Math.max(1, Math.min(room, BAR.most)),
			stream: this.#stream,
			formatValue: (value, _options, type) =>
				type === "value" ? count(value) : String(value),
		};
	}
}
