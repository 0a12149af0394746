/*
 * The HTTP API for an issuer's operators. It is for one machine and a few people: everything that
 * is odd about a request is refused before any route sees it.
 */
import {
	createServer,
	type IncomingMessage,
	type Server,
	type ServerResponse,
} from "node:http";
import { isIP, type Socket } from "node:net";
import { getRequestListener } from "@hono/node-server";
import {
	createRoute,
	OpenAPIHono,
	type RouteConfig,
	z,
} from "@hono/zod-openapi";
import { bodyLimit } from "hono/body-limit";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { nodeCrypto } from "../../../crypto/index.ts";
import { asTetradError, type ErrorCode, TetradError } from "../../../errors.ts";
import { utf8 } from "../../../wire/index.ts";
import { type Operator, PLAY_MONEY } from "../operator.ts";
import {
	accountJson,
	accountsJson,
	auditJson,
	conflictsJson,
	creditJson,
	deviceIdText,
	hashText,
	healthJson,
	newAccountJson,
	newCreditJson,
	noteJson,
	type ProblemJson,
	problemJson,
	termsJson,
} from "../operator-schemas.ts";

/** What a client may cost: bytes of a body, and how deep its JSON goes. */
const MAX_BODY_BYTES = 16_384;
const MAX_JSON_DEPTH = 4;
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

const LOOPBACK = ["127.0.0.1", "::1", "localhost"];

/** Throws `invalid-argument` for an address that is not loopback, and `address-in-use`. */
export async function serveOperatorHttp(
	options: OperatorHttpOptions,
): Promise<OperatorHttp> {
	const { host, port, unsafeAnywhere = false } = options;
	if (!unsafeAnywhere && !LOOPBACK.includes(host))
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
			if (request.url === ROUTES.audit.path) request.setTimeout(AUDIT_MS);
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
	const bound = await listening(server, host, port);
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

function authority(host: string, port: number): string {
	return `${host.includes(":") ? `[${host}]` : host}:${port}`;
}

function listening(
	server: Server,
	host: string,
	port: number,
): Promise<number> {
	return new Promise((resolve, reject) => {
		server.once("error", (cause: NodeJS.ErrnoException) =>
			reject(
				new TetradError(
					cause.code === "EADDRINUSE" ? "address-in-use" : "carrier-failed",
					`cannot serve HTTP at ${authority(host, port)}: ${cause.code === "EADDRINUSE" ? "the address is in use" : cause.message}; choose another with --http`,
					{ cause },
				),
			),
		);
		server.listen(port, host, () => {
			const address = server.address();
			resolve(typeof address === "object" && address ? address.port : port);
		});
	});
}

/**
 * What a client may call this server. At an address that stands for all of a machine's, any of
 * them: whoever makes a name lead here cannot make it look like one.
 */
function ownHosts(host: string, port: number): (host: string) => boolean {
	if (host === "0.0.0.0" || host === "::")
		return (given) => {
			const [, address = ""] =
				/^\[?([0-9a-f:.]+?)\]?:\d{1,5}$/.exec(given) ?? [];
			return isIP(address) !== 0 && given === authority(address, port);
		};
	const names = LOOPBACK.includes(host)
		? [host, "127.0.0.1", "localhost"]
		: [host];
	const own = new Set(names.map((name) => authority(name, port)));
	return (given) => own.has(given);
}

/** The plain paths of this API, and queries of letters, digits and dashes. */
const TARGET = /^(?:\/[A-Za-z0-9_-][A-Za-z0-9._-]*)+(?:\?[A-Za-z0-9=&._-]*)?$/;

/** Whatever is wrong with a request before anybody looks at what it asks. */
function oddityOf(
	request: IncomingMessage,
	isOwn: (host: string) => boolean,
): ProblemJson | undefined {
	const { host, origin } = request.headers;
	if ((request.headersDistinct["host"]?.length ?? 0) > 1)
		return problem(400, "malformed", "a request names one host");
	// A page in a browser can have its name lead here, but it cannot change these two.
	if (host === undefined || !isOwn(host))
		return problem(
			403,
			"untrusted",
			"this is not the host that is served here",
		);
	if (origin !== undefined && origin !== `http://${host}`)
		return problem(403, "untrusted", "pages of other origins are not served");
	if (!TARGET.test(request.url ?? "") && request.url !== "/")
		return problem(400, "malformed", "the path is not one that can be here");
	return undefined;
}

function sayProblem(response: ServerResponse, what: ProblemJson): void {
	const headers = { ...SECURITY, ...PROBLEM, Connection: "close" };
	response.writeHead(what.status, headers).end(JSON.stringify(what));
}

const SECURITY = {
	"Cache-Control": "no-store",
	"X-Content-Type-Options": "nosniff",
	"Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
	"Cross-Origin-Resource-Policy": "same-origin",
	"Referrer-Policy": "no-referrer",
} as const;

const PROBLEM = { "Content-Type": "application/problem+json" } as const;

const TITLES: Readonly<Record<number, string>> = {
	400: "Bad Request",
	401: "Unauthorized",
	403: "Forbidden",
	404: "Not Found",
	405: "Method Not Allowed",
	413: "Content Too Large",
	415: "Unsupported Media Type",
	500: "Internal Server Error",
	503: "Service Unavailable",
};

function problem(
	status: number,
	code: ErrorCode | "not-found" | "not-allowed",
	detail: string,
): ProblemJson {
	const title = TITLES[status] ?? "Error";
	return { type: "about:blank", title, status, detail, code };
}

/** A request that is refused by what is in it. */
class Refused extends Error {
	readonly problem: ProblemJson;

	constructor(what: ProblemJson) {
		super(what.detail);
		this.problem = what;
	}
}

const notFound = (what: string) =>
	new Refused(problem(404, "not-found", `there is no such ${what}`));

function problemOf(thrown: unknown): ProblemJson {
	if (thrown instanceof Refused) return thrown.problem;
	const { code, message } = asTetradError(thrown);
	switch (code) {
		case "invalid-argument":
		case "malformed":
		case "limit-exceeded":
			return problem(400, code, message);
		case "busy":
		case "store-full":
		case "store-failed":
			return problem(503, code, message);
		default:
			return problem(500, "internal", "an internal check failed");
	}
}

const json = <Schema extends z.ZodType>(
	description: string,
	schema: Schema,
) => ({
	description,
	content: { "application/json": { schema } },
});

const failures = {
	default: {
		description: "What was wrong, as RFC 9457 has it.",
		content: { "application/problem+json": { schema: problemJson } },
	},
} as const;

const page = z.object({
	after: z
		.string()
		.regex(/^([0-9a-f]{2}){1,104}$/)
		.optional()
		.openapi({ description: "The `next` of the page before." }),
});

const accountParams = z.object({
	id: deviceIdText.openapi({ param: { name: "id", in: "path" } }),
});

const hashParams = z.object({
	id: hashText.openapi({ param: { name: "id", in: "path" } }),
});

const secured = [{ operator: [] }];

const ROUTES = {
	health: createRoute({
		method: "get",
		path: "/v1/health",
		summary: "Whether it is there. Needs no token.",
		responses: { 200: json("It is.", healthJson), ...failures },
	}),
	terms: createRoute({
		method: "get",
		path: "/v1/terms",
		summary: "Who issues, and which money; play money is said to be so.",
		security: secured,
		responses: { 200: json("The terms.", termsJson), ...failures },
	}),
	accounts: createRoute({
		method: "get",
		path: "/v1/accounts",
		summary: "Accounts, a page at a time, or those of one certified name.",
		security: secured,
		request: {
			query: page.extend({
				name: z
					.string()
					.regex(/^[a-z0-9.-]{1,64}$/)
					.optional(),
			}),
		},
		responses: { 200: json("The accounts.", accountsJson), ...failures },
	}),
	account: createRoute({
		method: "get",
		path: "/v1/accounts/{id}",
		summary: "One account and its balance.",
		security: secured,
		request: { params: accountParams },
		responses: { 200: json("The account.", accountJson), ...failures },
	}),
	open: createRoute({
		method: "post",
		path: "/v1/accounts/{id}",
		summary: "Opens the account of a module; one that is open stays as it is.",
		security: secured,
		request: {
			params: accountParams,
			body: {
				required: true,
				content: { "application/json": { schema: newAccountJson } },
			},
		},
		responses: { 200: json("The account.", accountJson), ...failures },
	}),
	credit: createRoute({
		method: "post",
		path: "/v1/accounts/{id}/credits",
		summary: "Puts money into an account, once for each reference.",
		security: secured,
		request: {
			params: accountParams,
			body: {
				required: true,
				content: { "application/json": { schema: newCreditJson } },
			},
		},
		responses: { 200: json("What was credited.", creditJson), ...failures },
	}),
	note: createRoute({
		method: "get",
		path: "/v1/notes/{id}",
		summary: "What became of a note.",
		security: secured,
		request: { params: hashParams },
		responses: { 200: json("The note.", noteJson), ...failures },
	}),
	conflicts: createRoute({
		method: "get",
		path: "/v1/conflicts",
		summary:
			"Modules that spent one range of a note twice, a page at a time, or what one of them did.",
		security: secured,
		request: {
			query: page.extend({
				holder: deviceIdText
					.optional()
					.openapi({ description: "The device id of a module." }),
			}),
		},
		responses: { 200: json("The conflicts.", conflictsJson), ...failures },
	}),
	evidence: createRoute({
		method: "get",
		path: "/v1/conflicts/{id}/evidence",
		summary: "Two transfers that prove it to anyone (tetrad verify).",
		security: secured,
		request: { params: hashParams },
		responses: {
			200: {
				description: "The evidence.",
				content: {
					"application/octet-stream": {
						schema: z.string().openapi({ format: "binary" }),
					},
				},
			},
			...failures,
		},
	}),
	audit: createRoute({
		method: "get",
		path: "/v1/audit",
		summary: "Computes everything again from the tables; it may take a while.",
		security: secured,
		responses: { 200: json("What came of it.", auditJson), ...failures },
	}),
} as const;

/** The routes alone, without a server in front of them. */
function operatorApi({
	operator,
	token,
	isPlay,
}: OperatorHttpOptions): OpenAPIHono {
	const app = new OpenAPIHono({
		defaultHook: (result) => {
			if (result.success) return;
			const [issue] = result.error.issues;
			throw new Refused(
				problem(
					400,
					"malformed",
					`${issue?.path.join(".") || "the request"}: ${issue?.message ?? "is not valid"}`,
				),
			);
		},
	});
	app.use(async (context, next) => {
		await next();
		for (const [name, value] of Object.entries(SECURITY))
			context.res.headers.set(name, value);
	});
	const isToken = tokenCheck(token);
	app.use("/v1/*", async (context, next) => {
		const isOpen = context.req.path === ROUTES.health.path;
		if (!isOpen && !isToken(context.req.header("Authorization")))
			throw new Refused(
				problem(
					401,
					"authentication-failed",
					"say the token of operator.token: Authorization: Bearer …",
				),
			);
		await next();
	});
	app.use(
		bodyLimit({
			maxSize: MAX_BODY_BYTES,
			onError: () => {
				throw new Refused(
					problem(
						413,
						"message-too-large",
						`a body has ${MAX_BODY_BYTES} bytes at most`,
					),
				);
			},
		}),
	);
	app.use(async (context, next) => {
		if (context.req.method === "POST" && isKnown(context.req.path, "post"))
			requireJson(context.req.header("Content-Type"), await context.req.text());
		await next();
	});
	addRoutes(app, operator);
	app.doc31("/openapi.json", {
		openapi: "3.1.0",
		info: {
			title: "The issuer's operators",
			version: "1",
			description: isPlay
				? `Accounts, notes and conflicts of an issuer of Tetrad. All amounts here are ${PLAY_MONEY}.`
				: "Accounts, notes and conflicts of an issuer of Tetrad.",
		},
	});
	app.openAPIRegistry.registerComponent("securitySchemes", "operator", {
		type: "http",
		scheme: "bearer",
		description: "The token in operator.token of the issuer's home.",
	});
	app.notFound((context) => {
		const allowed = methodsAt(context.req.path);
		if (allowed.length === 0)
			return say(problem(404, "not-found", "there is nothing at this path"));
		return say(
			problem(405, "not-allowed", `here ${allowed.join(" and ")} can be asked`),
			{ Allow: allowed.join(", ") },
		);
	});
	app.onError((thrown) => {
		const what = problemOf(thrown);
		return say(
			what,
			what.status === 401 ? { "WWW-Authenticate": "Bearer" } : {},
		);
	});
	return app;
}

function addRoutes(app: OpenAPIHono, operator: Operator): void {
	app.openapi(ROUTES.health, (context) =>
		context.json({ status: "ok" as const }, 200),
	);
	app.openapi(ROUTES.terms, async (context) =>
		context.json(await operator.terms(), 200),
	);
	app.openapi(ROUTES.accounts, async (context) =>
		context.json(await operator.accounts(context.req.valid("query")), 200),
	);
	app.openapi(ROUTES.account, async (context) => {
		const account = await operator.account(context.req.valid("param").id);
		if (account === undefined) throw notFound("account");
		return context.json(account, 200);
	});
	app.openapi(ROUTES.open, async (context) => {
		const { id } = context.req.valid("param");
		const { name } = context.req.valid("json");
		return context.json(await operator.open(id, name), 200);
	});
	app.openapi(ROUTES.credit, async (context) => {
		const { id } = context.req.valid("param");
		const credited = await operator.credit(id, context.req.valid("json"));
		if (credited === undefined) throw notFound("account; open it first");
		return context.json(credited, 200);
	});
	app.openapi(ROUTES.note, async (context) => {
		const note = await operator.note(context.req.valid("param").id);
		if (note === undefined) throw notFound("note");
		return context.json(note, 200);
	});
	app.openapi(ROUTES.conflicts, async (context) =>
		context.json(await operator.conflicts(context.req.valid("query")), 200),
	);
	app.openapi(ROUTES.evidence, async (context) => {
		const evidence = await operator.evidence(context.req.valid("param").id);
		if (evidence === undefined) throw notFound("conflict");
		return context.body(new Uint8Array(evidence), 200, {
			"Content-Type": "application/octet-stream",
		});
	});
	app.openapi(ROUTES.audit, async (context) =>
		context.json(await operator.audit(), 200),
	);
}

function say(
	what: ProblemJson,
	headers: Readonly<Record<string, string>> = {},
): Response {
	return new Response(JSON.stringify(what), {
		status: what.status as ContentfulStatusCode,
		headers: { ...SECURITY, ...PROBLEM, ...headers },
	});
}

/** Compares hashes, so that neither a length nor a prefix is told. */
function tokenCheck(token: string): (header: string | undefined) => boolean {
	const expected = nodeCrypto.sha256(utf8(`Bearer ${token}`));
	return (header) =>
		header !== undefined &&
		nodeCrypto.equal(nodeCrypto.sha256(utf8(header)), expected);
}

function requireJson(type: string | undefined, text: string): void {
	if (!/^application\/json(; *charset=utf-8)?$/i.test(type ?? ""))
		throw new Refused(
			problem(
				415,
				"malformed",
				"a body is JSON: Content-Type: application/json",
			),
		);
	let depth = 0;
	for (const character of text) {
		if (character === "[" || character === "{") depth++;
		// Brackets in a text count too: nothing here has any.
		if (depth > MAX_JSON_DEPTH)
			throw new Refused(
				problem(400, "malformed", "the body has brackets within brackets"),
			);
	}
	try {
		JSON.parse(text);
	} catch {
		throw new Refused(problem(400, "malformed", "the body is not JSON"));
	}
}

const PATHS: readonly Pick<RouteConfig, "method" | "path">[] = [
	...Object.values(ROUTES),
	{ method: "get", path: "/openapi.json" },
];

function methodsAt(path: string): string[] {
	return PATHS.filter((route) => patternOf(route.path).test(path)).map(
		({ method }) => method.toUpperCase(),
	);
}

function isKnown(path: string, method: string): boolean {
	return methodsAt(path).includes(method.toUpperCase());
}

function patternOf(path: string): RegExp {
	return new RegExp(`^${path.replaceAll(/\{[a-z]+\}/g, "[^/]+")}$`);
}
