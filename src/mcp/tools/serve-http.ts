/*
 * The tools over HTTP, for clients on this machine. Nothing is kept between requests but what the
 * tools keep, so there are no sessions to take over. Everything that is odd about a request is
 * refused before any of it is parsed.
 */
import {
	createServer,
	type IncomingMessage,
	type ServerResponse,
} from "node:http";
import { toNodeHandler } from "@modelcontextprotocol/node";
import { createMcpHandler } from "@modelcontextprotocol/server";
import {
	authority,
	isLoopback,
	listenHttp,
	ownHosts,
	tokenCheck,
	whyForeign,
} from "../../device/http/index.ts";
import { TetradError } from "../../errors.ts";
import {
	HEADERS_WITHIN_MS,
	KEEP_ALIVE_MS,
	MAX_BODY_BYTES,
	MAX_CONNECTIONS,
	MAX_REQUESTS,
	REQUEST_WITHIN_MS,
	RESPONSE_WITHIN_MS,
} from "./limits.ts";
import { type WalletServerOptions, walletServer } from "./wallet-server.ts";

const PATH = "/mcp";

/** Bytes of the head of a request. */
const MAX_HEADER_BYTES = 8192;

/** How often slow clients are looked for, in milliseconds. */
const CHECK_MS = 1000;

const SECURITY = {
	"Cache-Control": "no-store",
	"X-Content-Type-Options": "nosniff",
} as const;

export interface WalletHttpOptions extends WalletServerOptions {
	/** What a client has to know. */
	readonly token: string;
	readonly host: string;
	/** 0 for any that is free. */
	readonly port: number;
}

export interface WalletHttp extends AsyncDisposable {
	/** Of the tools. */
	readonly url: string;
}

/** Throws `invalid-argument` for an address that is not loopback, and `address-in-use`. */
export async function serveWalletHttp(
	options: WalletHttpOptions,
): Promise<WalletHttp> {
	const { host, port, token } = options;
	if (!isLoopback(host))
		throw new TetradError(
			"invalid-argument",
			`whoever reaches these tools spends from the wallet, and ${host} can be reached from elsewhere; listen at 127.0.0.1`,
		);
	const handler = createMcpHandler(() => walletServer(options), {
		maxRequestBodySize: MAX_BODY_BYTES,
	});
	const respond = toNodeHandler(handler, {
		maxRequestBodySize: MAX_BODY_BYTES,
	});
	const isToken = tokenCheck(token);
	let isOwn: (host: string) => boolean = () => false;
	let requests = 0;
	const server = createServer(
		{
			headersTimeout: HEADERS_WITHIN_MS,
			requestTimeout: REQUEST_WITHIN_MS,
			keepAliveTimeout: KEEP_ALIVE_MS,
			connectionsCheckingInterval: CHECK_MS,
			maxHeaderSize: MAX_HEADER_BYTES,
		},
		(request, response) => {
			const refusal = whyRefused(request, isOwn, isToken);
			if (refusal !== undefined) return refuse(response, refusal);
			if (requests >= MAX_REQUESTS) return refuse(response, BUSY);
			requests++;
			response.once("close", () => requests--);
			for (const [name, value] of Object.entries(SECURITY))
				response.setHeader(name, value);
			// What is asked for has a method and a path, of which the types are not sure.
			const { method = "", url = "" } = request;
			void respond(Object.assign(request, { method, url }), response);
		},
	);
	server.maxConnections = MAX_CONNECTIONS;
	server.setTimeout(RESPONSE_WITHIN_MS);
	// Node.js answers what is no HTTP by itself; it shall not say more than that.
	server.on("clientError", (_, socket) => {
		if (socket.writable)
			socket.end("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n");
		else socket.destroy();
	});
	const bound = await listenHttp(server, { host, port, flag: "--http" });
	isOwn = ownHosts(host, bound);
	return {
		url: `http://${authority(host, bound)}${PATH}`,
		async [Symbol.asyncDispose]() {
			const closed = new Promise((resolve) => server.close(resolve));
			await handler.close();
			server.closeAllConnections();
			await closed;
		},
	};
}

interface Refusal {
	readonly status: number;
	readonly why: string;
	readonly headers?: Readonly<Record<string, string>>;
}

const BUSY: Refusal = {
	status: 503,
	why: "too much is asked at once",
	headers: { "Retry-After": "1" },
};

/** Whatever is wrong with a request before anybody looks at what it asks. A page of a browser learns nothing, not even whether it has the token. */
function whyRefused(
	request: IncomingMessage,
	isOwn: (host: string) => boolean,
	isToken: (header: string | undefined) => boolean,
): Refusal | undefined {
	const { authorization, "content-encoding": encoding } = request.headers;
	switch (whyForeign(request, isOwn)) {
		case "many-hosts":
			return { status: 400, why: "a request names one host" };
		case "host":
			return { status: 403, why: "this is not the host that is served here" };
		case "origin":
			return { status: 403, why: "pages of other origins are not served" };
	}
	if (!isToken(authorization))
		return {
			status: 401,
			why: "say the token of tetrad mcp, with Authorization: Bearer",
			headers: { "WWW-Authenticate": "Bearer" },
		};
	if (request.url !== PATH)
		return { status: 404, why: `the tools are at ${PATH}` };
	if (encoding !== undefined)
		return { status: 415, why: "a body comes as it is" };
	return undefined;
}

function refuse(response: ServerResponse, { status, why, headers }: Refusal) {
	response
		.writeHead(status, {
			...SECURITY,
			...headers,
			"Content-Type": "application/json",
			Connection: "close",
		})
		.end(JSON.stringify({ error: why }));
}
