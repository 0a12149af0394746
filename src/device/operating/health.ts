import { z } from "zod";
import { TetradError } from "../../errors.ts";

/** Most bytes of an answer that are read. */
const MAX_ANSWER_BYTES = 65_536;

/** How long an answer may take, in milliseconds. */
const ANSWER_MS = 5_000;

/**
 * How a device is: `ok`; `degraded` when it works and somebody should look after it; `down` when
 * it does not do what it is there for.
 */
export interface HealthReport {
	readonly status: "ok" | "degraded" | "down";
	readonly device: "agent" | "module";
	/** When it was started. */
	readonly since: string;
	/** What somebody should look after, in sentences that name nobody. */
	readonly notes: readonly string[];
}

const report: z.ZodType<HealthReport> = z.object({
	status: z.enum(["ok", "degraded", "down"]),
	device: z.enum(["agent", "module"]),
	since: z.string().max(64),
	notes: z.array(z.string().max(1000)).max(100),
});

/** Asks a running device how it is. Rejects with `carrier-failed` when nobody answers, and `malformed` for what is no such answer. */
export async function askHealth(url: string): Promise<HealthReport> {
	const text = await answerOf(`${url}/health`);
	try {
		return report.parse(JSON.parse(text));
	} catch (cause) {
		throw new TetradError(
			"malformed",
			`what answers at ${url} is no device of this program`,
			{ cause },
		);
	}
}

async function answerOf(url: string): Promise<string> {
	try {
		const answer = await fetch(url, {
			redirect: "error",
			signal: AbortSignal.timeout(ANSWER_MS),
		});
		let text = "";
		const decoder = new TextDecoder();
		for await (const part of answer.body ?? []) {
			text += decoder.decode(part, { stream: true });
			if (text.length > MAX_ANSWER_BYTES) break;
		}
		return text;
	} catch (cause) {
		throw new TetradError(
			"carrier-failed",
			`nobody answers at ${url}: the device does not run, or hangs`,
			{ cause },
		);
	}
}
