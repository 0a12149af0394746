/*
 * The HTTP API for an issuer's operators. It is for one machine and a few people: everything that
 * is odd about a request is refused before any route sees it.
 */
import {
	createServer,
	type IncomingMessage,
	type ServerResponse,
} from "node:http";
import type { Socket } from "node:net";
import { getRequestListener } from "@hono/node-server";
import { TetradError } from "../../../errors.ts";
import {
	authority,
	isLoopback,
	listenHttp,
	ownHosts,
	tokenCheck,
	whyForeign,
} from "../../http/index.ts";
import type { Operator } from "../operator.ts";
import type { ProblemJson } from "../operator-schemas.ts";
import { PROBLEM, problem, SECURITY } from "./problems.ts";
import { AUDIT_PATH, operatorApi } from "./routes.ts";

const MAX_HEADER_BYTES = 8_192;
/** Connections that have not shown the token; the oldest makes room for one more. */
const MAX_STRANGERS = 64;
const MAX_CONNECTIONS = 256;
/** Milliseconds until a head, a whole request, the next request, and anything at all has to come. */
const HEADERS_MS = 5_000;
const REQUEST_MS = 10_000;
const KEEP_ALIVE_MS = 5_000;
const AUDIT_MS = 3_600_000;
/** How often slow clients are looked for. */
const CHECK_MS = 1_000;

export interface OperatorHttpOptions {
	readonly operator: Operator;
	/** What a client has to know; 64 hexadecimal digits. */
	readonly token: string;
	readonly host: string;
	/** 0 for any that is free. */
	readonly port: number;
	/** Any address, and not only loopback: the token then travels in clear. */
	readonly unsafeAnywhere?: boolean;
	readonly isPlay: boolean;
}

export interface OperatorHttp extends AsyncDisposable {
	/** Without a slash at the end. */
	readonly url: string;
}

/** Throws `invalid-argument` for an address that is not loopback, and `address-in-use`. */
export async function serveOperatorHttp(
	options: OperatorHttpOptions,
): Promise<OperatorHttp> {
	const { host, port, unsafeAnywhere = false } = options;
	if (!unsafeAnywhere && !isLoopback(host))
		throw new TetradError(
			"invalid-argument",
			`the HTTP API is in clear, and ${host} can be reached from elsewhere; listen at 127.0.0.1, or say --unsafe-http-anywhere`,
		);
	const app = operatorApi(options);
	const respond = getRequestListener(app.fetch);
	const isToken = tokenCheck(options.token);
	const strangers = new Set<Socket>();
	let isOwn: (host: string) => boolean = () => false;
	const server = createServer(
		{
			headersTimeout: HEADERS_MS,
			requestTimeout: REQUEST_MS,
			keepAliveTimeout: KEEP_ALIVE_MS,
			connectionsCheckingInterval: CHECK_MS,
			maxHeaderSize: MAX_HEADER_BYTES,
		},
		(request, response) => {
			const problem = oddityOf(request, isOwn);
			if (isToken(request.headers.authorization))
				strangers.delete(request.socket);
			// An audit is silent while it reads everything.
			if (request.url === AUDIT_PATH) request.setTimeout(AUDIT_MS);
			if (problem === undefined) void respond(request, response);
			else sayProblem(response, problem);
		},
	);
	server.maxConnections = MAX_CONNECTIONS;
	server.setTimeout(REQUEST_MS + KEEP_ALIVE_MS);
	// Whoever only holds connections open shall not keep an operator out.
	server.on("connection", (socket) => {
		strangers.add(socket);
		socket.once("close", () => strangers.delete(socket));
		const [oldest] = strangers;
		if (strangers.size > MAX_STRANGERS) oldest?.destroy();
	});
	// Node.js answers what is no HTTP by itself; it shall not say more than that.
	server.on("clientError", (_, socket) => {
		if (socket.writable)
			socket.end("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n");
		else socket.destroy();
	});
	const bound = await listenHttp(server, { host, port, flag: "--http" });
	isOwn = ownHosts(host, bound);
	return {
		url: `http://${authority(host, bound)}`,
		async [Symbol.asyncDispose]() {
			const closed = new Promise((resolve) => server.close(resolve));
			server.closeAllConnections();
			await closed;
		},
	};
}

/** The plain paths of this API, and queries of letters, digits and dashes. */
const TARGET = /^(?:\/[A-Za-z0-9_-][A-Za-z0-9._-]*)+(?:\?[A-Za-z0-9=&._-]*)?$/;

const FOREIGN: Readonly<
	Record<NonNullable<ReturnType<typeof whyForeign>>, ProblemJson>
> = {
	"many-hosts": problem(400, "malformed", "a request names one host"),
	host: problem(403, "untrusted", "this is not the host that is served here"),
	origin: problem(403, "untrusted", "pages of other origins are not served"),
};

/** Whatever is wrong with a request before anybody looks at what it asks. */
function oddityOf(
	request: IncomingMessage,
	isOwn: (host: string) => boolean,
): ProblemJson | undefined {
	const foreign = whyForeign(request, isOwn);
	if (foreign !== undefined) return FOREIGN[foreign];
	if (!TARGET.test(request.url ?? "") && request.url !== "/")
		return problem(400, "malformed", "the path is not one that can be here");
	// Nothing here decodes, and what is ignored could say something else.
	if (request.headers["content-encoding"] !== undefined)
		return problem(
			415,
			"malformed",
			"a body comes as it is, without Content-Encoding",
		);
	return undefined;
}

function sayProblem(response: ServerResponse, what: ProblemJson): void {
	const headers = { ...SECURITY, ...PROBLEM, Connection: "close" };
	response.writeHead(what.status, headers).end(JSON.stringify(what));
}
