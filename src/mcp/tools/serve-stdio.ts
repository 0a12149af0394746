import type { Readable, Writable } from "node:stream";
import type { Transport } from "@modelcontextprotocol/server";
import {
	StdioServerTransport,
	serveStdio,
} from "@modelcontextprotocol/server/stdio";
import { MAX_MESSAGE_BYTES } from "./limits.ts";
import { type WalletServerOptions, walletServer } from "./wallet-server.ts";

/** Where a client is heard, and answered. */
interface Streams {
	readonly input: Readable;
	readonly output: Writable;
}

/** Answers one client over two streams, until the first of them ends, a line is too long, or the signal. Clients of older protocols are answered as they ask. */
export async function serveWalletStdio(
	options: WalletServerOptions,
	streams: Streams,
	signal: AbortSignal,
): Promise<void> {
	const { input, output } = streams;
	const over = Promise.withResolvers<void>();
	const end = () => over.resolve();
	for (const event of ["end", "close", "error"]) input.once(event, end);
	output.once("error", end);
	signal.addEventListener("abort", end, { once: true });
	if (signal.aborted) end();
	const serving = serveStdio(() => walletServer(options), {
		transport: lines(streams, end),
	});
	try {
		await over.promise;
	} finally {
		signal.removeEventListener("abort", end);
		await serving.close();
	}
}

/** Messages on lines; `closed` hears when there are no more, which whoever serves them keeps to itself. */
function lines({ input, output }: Streams, closed: () => void): Transport {
	const stdio = new StdioServerTransport(input, output, {
		maxBufferSize: MAX_MESSAGE_BYTES,
	});
	const transport: Transport = {
		start() {
			stdio.onmessage = (message) => transport.onmessage?.(message);
			stdio.onerror = (error) => transport.onerror?.(error);
			stdio.onclose = () => {
				transport.onclose?.();
				closed();
			};
			return stdio.start();
		},
		send: (message) => stdio.send(message),
		close: () => stdio.close(),
	};
	return transport;
}
