import type { z } from "@hono/zod-openapi";
import { asTetradError, type ErrorCode, TetradError } from "../../../errors.ts";
import { claimLedger } from "../../../money/index.ts";
import { HomeLock, readPolicy } from "../../home/index.ts";
import {
	announcedHttp,
	openLedger,
	readIssuerSettings,
	readOperatorToken,
	termsOf,
} from "../issuer-home.ts";
import { LedgerOperator, type Operator } from "../operator.ts";
import {
	type AccountJson,
	type AccountsJson,
	type AuditJson,
	accountJson,
	accountsJson,
	auditJson,
	type ConflictsJson,
	type CreditJson,
	conflictsJson,
	creditJson,
	type NoteJson,
	noteJson,
	problemJson,
	type SalesJson,
	salesJson,
	type TermsJson,
	termsJson,
} from "../operator-schemas.ts";

/** How long an answer may take, in milliseconds; an audit reads everything. */
const PATIENCE_MS = 30_000;
const AUDIT_MS = 3_600_000;

/**
 * Acts as the operator of the issuer in a home: through its HTTP API while it runs, and at the
 * ledger itself while it does not. Throws `busy` when it runs without an HTTP API.
 */
export async function asOperator<Result>(
	home: string,
	act: (operator: Operator) => Promise<Result>,
): Promise<Result> {
	const settings = await readIssuerSettings(home);
	const url = await announcedHttp(home);
	if (url !== undefined && (await isInUse(home)))
		return act(new OperatorClient(url, await readOperatorToken(home)));
	const [terms, policy] = await Promise.all([
		termsOf(home, settings),
		readPolicy(home),
	]);
	try {
		await using store = await openLedger(home, settings);
		await store.transact(claimLedger(terms));
		return await act(new LedgerOperator({ store, terms, roots: policy }));
	} catch (thrown) {
		const error = asTetradError(thrown);
		if (error.code !== "busy") throw error;
		throw new TetradError(
			"busy",
			"the issuer runs without its HTTP API; start it with --http 127.0.0.1:7180, or stop it first",
			{ cause: error },
		);
	}
}

/** Whether a process has the home. An address that was left behind by one that was killed may be somebody else's by now, who shall not get the token. */
async function isInUse(home: string): Promise<boolean> {
	try {
		using _ = await HomeLock.take(home);
		return false;
	} catch (thrown) {
		if (asTetradError(thrown).code === "busy") return true;
		throw thrown;
	}
}

/** An operator at the HTTP API of a running issuer. */
export class OperatorClient implements Operator {
	readonly #url: string;
	readonly #token: string;

	constructor(url: string, token: string) {
		this.#url = url;
		this.#token = token;
	}

	terms(): Promise<TermsJson> {
		return this.#get("/v1/terms", termsJson);
	}

	accounts({
		after,
		name,
	}: Parameters<Operator["accounts"]>[0]): Promise<AccountsJson> {
		return this.#get(`/v1/accounts${query({ after, name })}`, accountsJson);
	}

	account(id: string): Promise<AccountJson | undefined> {
		return this.#find(`/v1/accounts/${id}`, accountJson);
	}

	open(id: string, name?: string): Promise<AccountJson> {
		const body = name === undefined ? {} : { name };
		return this.#get(`/v1/accounts/${id}`, accountJson, { body });
	}

	credit(
		id: string,
		body: Parameters<Operator["credit"]>[1],
	): Promise<CreditJson | undefined> {
		return this.#find(`/v1/accounts/${id}/credits`, creditJson, { body });
	}

	note(id: string): Promise<NoteJson | undefined> {
		return this.#find(`/v1/notes/${id}`, noteJson);
	}

	conflicts({
		after,
		holder,
	}: Parameters<Operator["conflicts"]>[0]): Promise<ConflictsJson> {
		const path = `/v1/conflicts${query({ after, holder })}`;
		return this.#get(path, conflictsJson);
	}

	async evidence(id: string): Promise<Uint8Array | undefined> {
		const path = `/v1/conflicts/${id}/evidence`;
		const response = await this.#fetch(path, {}, PATIENCE_MS);
		if (response.status === 404) return undefined;
		if (!response.ok) throw await failure(response);
		return new Uint8Array(await response.arrayBuffer());
	}

	sales({
		after,
		contract,
	}: Parameters<Operator["sales"]>[0]): Promise<SalesJson> {
		return this.#get(`/v1/sales${query({ after, contract })}`, salesJson);
	}

	audit(): Promise<AuditJson> {
		return this.#get("/v1/audit", auditJson, {}, AUDIT_MS);
	}

	async #get<Schema extends z.ZodType>(
		path: string,
		schema: Schema,
		what: { readonly body?: unknown } = {},
		patienceMs = PATIENCE_MS,
	): Promise<z.infer<Schema>> {
		const response = await this.#fetch(path, what, patienceMs);
		if (!response.ok) throw await failure(response);
		const read = schema.safeParse(await response.json().catch(() => undefined));
		if (read.success) return read.data;
		throw new TetradError(
			"malformed",
			`what answers at ${this.#url} is not this issuer's HTTP API`,
		);
	}

	async #find<Schema extends z.ZodType>(
		path: string,
		schema: Schema,
		what: { readonly body?: unknown } = {},
	): Promise<z.infer<Schema> | undefined> {
		try {
			return await this.#get(path, schema, what);
		} catch (thrown) {
			if (thrown instanceof NotThere) return undefined;
			throw thrown;
		}
	}

	async #fetch(
		path: string,
		{ body }: { readonly body?: unknown },
		patienceMs: number,
	): Promise<Response> {
		try {
			return await fetch(`${this.#url}${path}`, {
				method: body === undefined ? "GET" : "POST",
				headers: {
					Authorization: `Bearer ${this.#token}`,
					...(body === undefined ? {} : { "Content-Type": "application/json" }),
				},
				...(body === undefined ? {} : { body: JSON.stringify(body) }),
				redirect: "error",
				signal: AbortSignal.timeout(patienceMs),
			});
		} catch (cause) {
			throw new TetradError(
				"carrier-failed",
				`the issuer's HTTP API at ${this.#url} does not answer; see whether it runs`,
				{ cause },
			);
		}
	}
}

/** What was asked about is not there. */
class NotThere extends Error {}

async function failure(response: Response): Promise<Error> {
	const read = problemJson.safeParse(
		await response.json().catch(() => undefined),
	);
	if (!read.success)
		return new TetradError(
			"carrier-failed",
			`the issuer's HTTP API answered with status ${response.status}`,
		);
	const { status, code, detail } = read.data;
	if (status === 404) return new NotThere(detail);
	return new TetradError(code as ErrorCode, detail);
}

function query(values: Readonly<Record<string, string | undefined>>): string {
	const said = Object.entries(values).filter(
		(entry): entry is [string, string] => entry[1] !== undefined,
	);
	return said.length === 0 ? "" : `?${new URLSearchParams(said)}`;
}
