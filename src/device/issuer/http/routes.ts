/* What an operator can ask: each route, what it takes, and who answers it. */
import {
	createRoute,
	OpenAPIHono,
	type RouteConfig,
	z,
} from "@hono/zod-openapi";
import { bodyLimit } from "hono/body-limit";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { tokenCheck } from "../../http/index.ts";
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
	salesJson,
	termsJson,
} from "../operator-schemas.ts";
import { requireJson } from "./body.ts";
import {
	notFound,
	PROBLEM,
	problem,
	problemOf,
	Refused,
	SECURITY,
} from "./problems.ts";

const MAX_BODY_BYTES = 16_384;

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

/** Its answer may take an hour. */
export const AUDIT_PATH = "/v1/audit";

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
	sales: createRoute({
		method: "get",
		path: "/v1/sales",
		summary:
			"Sales that were handed in, and what became of each, a page at a time, or those of one contract.",
		security: secured,
		request: { query: page.extend({ contract: hashText.optional() }) },
		responses: { 200: json("The sales.", salesJson), ...failures },
	}),
	audit: createRoute({
		method: "get",
		path: AUDIT_PATH,
		summary: "Computes everything again from the tables; it may take a while.",
		security: secured,
		responses: { 200: json("What came of it.", auditJson), ...failures },
	}),
} as const;

interface Api {
	readonly operator: Operator;
	/** What a client has to know; 64 hexadecimal digits. */
	readonly token: string;
	readonly isPlay: boolean;
}

/** The routes alone, without a server in front of them. */
export function operatorApi({ operator, token, isPlay }: Api): OpenAPIHono {
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
			requireJson(
				context.req.header("Content-Type"),
				new Uint8Array(await context.req.arrayBuffer()),
			);
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
	app.openapi(ROUTES.sales, async (context) =>
		context.json(await operator.sales(context.req.valid("query")), 200),
	);
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
