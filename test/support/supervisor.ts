/* Runs the commands of its plans, which stand in its argument, until it is stopped, and says how they are. */
import { Supervisor } from "../../src/device/supervisor/supervisor.ts";

const stop = new AbortController();
process.once("SIGTERM", () => stop.abort());
process.once("SIGINT", () => stop.abort());
await using _ = await Supervisor.start(JSON.parse(process.argv[2] ?? ""), {
	signal: stop.signal,
	changed: (name, state) =>
		process.stdout.write(
			`${JSON.stringify({ event: "state", name, ...state })}\n`,
		),
});
await new Promise((resolve) => stop.signal.addEventListener("abort", resolve));
