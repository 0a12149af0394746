/*
 * A play mint in a process of its own, for tests that kill it and for a sandbox:
 *
 *   node mint-process.js '{"path":"/some/folder/mint.db","port":3338}'
 *
 * With a channel of Node.js it says there what `MintSaid` has, and takes orders; without one it
 * says so on standard output, line by line. It ends at SIGTERM, at SIGINT, and when whoever has the
 * other end of the channel is gone.
 */
import { asTetradError } from "../../errors.ts";
import {
	type MintOrder,
	type MintSaid,
	type MintSettings,
	obey,
} from "./mint-orders.ts";
import { MintServer } from "./mint-server.ts";

const { promise: stopped, resolve: stop } = Promise.withResolvers<undefined>();
for (const end of ["SIGTERM", "SIGINT", "disconnect"])
	process.once(end, () => stop(undefined));

try {
	const settings = JSON.parse(process.argv[2] ?? "null") as MintSettings;
	await using server = await MintServer.open(settings);
	let orders: Promise<void> = Promise.resolve();
	process.on("message", (order: MintOrder) => {
		orders = orders
			.then(() => server.change((mint) => obey(mint, order)))
			.then(
				() => say({ kind: "done" }),
				(thrown: unknown) =>
					say({ kind: "refused", reason: asTetradError(thrown).message }),
			);
	});
	say({ kind: "ready", url: server.url });
	const failure = await Promise.race([stopped, server.failed]);
	if (failure !== undefined) throw failure;
} catch (thrown) {
	const { code, message: reason } = asTetradError(thrown);
	say({ kind: "failed", code, reason });
	process.exitCode = 1;
}
if (process.connected) process.disconnect?.();

function say(said: MintSaid): void {
	if (process.send === undefined) console.log(JSON.stringify(said));
	else if (process.connected) process.send?.(said);
}
