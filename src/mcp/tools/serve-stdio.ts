import type { Readable, Writable } from "node:stream";
import {
	StdioServerTransport,
	serveStdio,
} from "@modelcontextprotocol/server/stdio";
import { MAX_MESSAGE_BYTES } from "./limits.ts";
import { type WalletServerOptions, walletServer } from "./wallet-server.ts";

/** Answers one client over two streams, until the first of them ends or the signal. Clients of older protocols are answered as they ask. */
export async function serveWalletStdio(
	options: WalletServerOptions,
	{ input, output }: { readonly input: Readable; readonly output: Writable },
	signal: AbortSignal,
): Promise<void> {
	const over = Promise.withResolvers<void>();
	const end = () => over.resolve();
	for (const event of ["end", "close", "error"]) input.once(event, end);
	output.once("error", end);
	signal.addEventListener("abort", end, { once: true });
	if (signal.aborted) end();
	const transport = new StdioServerTransport(input, output, {
		maxBufferSize: MAX_MESSAGE_BYTES,
	});
	const serving = serveStdio(() => walletServer(options), { transport });
	try {
		await over.promise;
	} finally {
		signal.removeEventListener("abort", end);
		await serving.close();
	}
}
