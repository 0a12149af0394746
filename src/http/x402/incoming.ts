/*
 * A request as a stock middleware has it: what of it stands in the contract, and the status of what
 * is answered. The adapters of @x402/express and @x402/hono show neither the bytes of a body nor a
 * status, so that both are taken from what they hold; test/http fails when they hold it no more.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { HTTPAdapter, HTTPRequestContext } from "@x402/core/server";
import { TetradError } from "../../errors.ts";
import { MAX_BODY_BYTES } from "./limits.ts";

/** What stands in the contract of a request that is paid. */
export interface Incoming {
	readonly method: string;
	/** As its client has it. */
	readonly url: string;
	readonly body: Uint8Array;
}

/** What of a request of Express is needed. */
interface ExpressRequest extends IncomingMessage {
	readonly originalUrl: string;
	readonly res: ServerResponse;
}

/** As Node has it, and those that middlewares put in its place. */
type WriteHead = (status: number, ...rest: never[]) => unknown;

/** What of a context of Hono is needed. */
interface HonoContext {
	/** On Node, with the response that it is sent by. */
	readonly env?: { readonly outgoing?: ServerResponse };
	readonly req: { arrayBuffer(): Promise<ArrayBuffer> };
	res: Response | undefined;
}

const bodies = new WeakMap<IncomingMessage, Uint8Array>();
/** Of what is answered, by the response of Express or the context of Hono. */
const statuses = new WeakMap<ServerResponse | HonoContext, number>();

/**
 * Keeps the bytes of a body, for the parsers of Express: `express.json({ verify: keepBody })`.
 * Requests with a body that was not kept are not paid for.
 */
export function keepBody(
	request: IncomingMessage,
	_response: unknown,
	body: Uint8Array,
): void {
	bodies.set(request, new Uint8Array(body));
}

/**
 * What a request is. `origin` is scheme, host and port by which clients reach the server; as the
 * request says unless given. Throws `invalid-argument` for a body whose bytes were not kept, or are
 * too many, and for a target that no client of `fetch` sends.
 */
export async function incoming(
	{ adapter }: HTTPRequestContext,
	origin: string | undefined,
): Promise<Incoming> {
	return {
		method: adapter.getMethod().toUpperCase(),
		url: urlOf(adapter, origin),
		body: hasBody(adapter) ? await bodyOf(adapter) : new Uint8Array(),
	};
}

/** Has the status of what is answered noted, which is hidden when it is settled. */
export function noteStatus({ adapter }: HTTPRequestContext): void {
	const response = expressRequest(adapter)?.res;
	if (response !== undefined) noteWriteHead(response);
	const context = honoContext(adapter);
	if (context !== undefined) noteResponse(context);
}

/** The status of what is answered; 200 where it is only known to be no failure. */
export function statusOf({ adapter }: HTTPRequestContext): number {
	const response = expressRequest(adapter)?.res;
	const answering = response ?? honoContext(adapter);
	const noted = answering && statuses.get(answering);
	return noted ?? response?.statusCode ?? 200;
}

/** Ends a request that nobody waits for, as if its client were gone: a handler that goes on hears of it so. */
export function cutOff({ adapter }: HTTPRequestContext): void {
	const { res = honoContext(adapter)?.env?.outgoing } =
		expressRequest(adapter) ?? {};
	res?.destroy();
}

/** What is given to `writeHead` is put aside by the middleware, which gives the response another one. */
function noteWriteHead(response: ServerResponse): void {
	let writeHead: WriteHead = response.writeHead;
	Object.defineProperty(response, "writeHead", {
		configurable: true,
		get: () => writeHead,
		set(write: WriteHead) {
			writeHead = (status, ...rest) => {
				statuses.set(response, status);
				return write.call(response, status, ...rest);
			};
		},
	});
}

/** The response is taken out of its context before it is settled. */
function noteResponse(context: HonoContext): void {
	const res = Object.getOwnPropertyDescriptor(
		Object.getPrototypeOf(context),
		"res",
	);
	Object.defineProperty(context, "res", {
		configurable: true,
		get: () => res?.get?.call(context),
		set(response: Response | undefined) {
			if (response !== undefined) statuses.set(context, response.status);
			res?.set?.call(context, response);
		},
	});
}

function urlOf(adapter: HTTPAdapter, origin: string | undefined): string {
	const target = expressRequest(adapter)?.originalUrl;
	const asked = adapter.getUrl();
	const { href, search, pathname } = new URL(target ?? asked, asked);
	// Another way to write a URL could be served as another thing than it is paid as.
	if (target !== undefined && target !== pathname + search)
		throw refused(`no client asks for ${JSON.stringify(target)} in this way`);
	return origin === undefined ? href : new URL(pathname + search, origin).href;
}

function hasBody(adapter: HTTPAdapter): boolean {
	const length = adapter.getHeader("content-length") ?? "0";
	return length !== "0" || adapter.getHeader("transfer-encoding") !== undefined;
}

async function bodyOf(adapter: HTTPAdapter): Promise<Uint8Array> {
	if (adapter.getHeader("content-encoding") !== undefined)
		throw refused("a body with a content coding is not paid for");
	const request = expressRequest(adapter);
	const kept = request && bodies.get(request);
	if (kept !== undefined) return kept;
	const context = honoContext(adapter);
	if (context === undefined)
		throw refused(
			"the bytes of the body were not kept: parse it with express.json({ verify: keepBody }), or another parser, before the payment is asked for",
		);
	const length = Number(adapter.getHeader("content-length") ?? Number.NaN);
	if (!(length <= MAX_BODY_BYTES))
		throw refused(
			`a body that is paid for says its length, of at most ${MAX_BODY_BYTES} bytes`,
		);
	return new Uint8Array(await context.req.arrayBuffer());
}

function expressRequest(adapter: HTTPAdapter): ExpressRequest | undefined {
	const held: HTTPAdapter & { req?: ExpressRequest } = adapter;
	return held.req;
}

function honoContext(adapter: HTTPAdapter): HonoContext | undefined {
	const held: HTTPAdapter & { c?: HonoContext } = adapter;
	return held.c;
}

function refused(why: string): TetradError {
	return new TetradError("invalid-argument", why);
}
