/* An API that is paid by purchases over x402, on the core package of that alone, with a merchant's side of its own. */
import { once } from "node:events";
import {
	createServer,
	type IncomingMessage,
	type ServerResponse,
} from "node:http";
import type { HTTPRequestContext } from "@x402/core/server";
import { openAgent } from "../../device/service/index.ts";
import { TetradPayments } from "../../http/x402/index.ts";
import { NotTried } from "../not-tried.ts";
import type { Target } from "../target.ts";

/** What each answer costs, in minor units. */
export const PRICE = 5n;
const PRICE_TEXT = "0.05";

export class PaidApi implements AsyncDisposable {
	readonly url: string;
	/** How often a handler has run, by path. */
	readonly #ran: ReadonlyMap<string, number>;
	readonly #open: AsyncDisposableStack;

	private constructor(
		url: string,
		ran: ReadonlyMap<string, number>,
		open: AsyncDisposableStack,
	) {
		this.url = url;
		this.#ran = ran;
		this.#open = open;
	}

	/** The same for all attacks of a target. Throws `NotTried` where the package is not installed. */
	static of(target: Target): Promise<PaidApi> {
		return target.shared("paid API", () => PaidApi.#start(target));
	}

	static async #start(target: Target): Promise<PaidApi> {
		target.sandbox("a merchant of its own");
		const { x402HTTPResourceServer } = await import("@x402/core/server").catch(
			() => {
				throw new NotTried("@x402/core is not installed");
			},
		);
		await using open = new AsyncDisposableStack();
		const home = await target.newSide("paid-api", "shop");
		const agent = open.use(
			await openAgent(home, { moduleRuns: "inside-agent" }),
		);
		const payments = open.use(
			await TetradPayments.open(agent, { listen: "127.0.0.1:0" }),
		);
		const paid = new x402HTTPResourceServer(payments.server, {
			"/sealed/*": { accepts: payments.accepts(PRICE_TEXT) },
			"/prepaid/*": { accepts: payments.accepts(PRICE_TEXT, "prepaid") },
		});
		await paid.initialize();
		const ran = new Map<string, number>();
		const answer = async (
			request: IncomingMessage,
			response: ServerResponse,
		) => {
			const context = contextOf(request);
			const say = (
				status: number,
				headers: Readonly<Record<string, string>>,
				body: unknown,
			) =>
				response
					.writeHead(status, headers)
					.end(Buffer.isBuffer(body) ? body : JSON.stringify(body ?? {}));
			const result = await paid.processHTTPRequest(context);
			if (result.type === "no-payment-required") return say(404, {}, {});
			if (result.type === "payment-error") {
				const { status, headers, body } = result.response;
				return say(status, headers, body);
			}
			const { path } = context;
			ran.set(path, (ran.get(path) ?? 0) + 1);
			const type = { "content-type": "application/json" };
			const content = Buffer.from(JSON.stringify({ path }));
			const settled = await paid.processSettlement(
				result.paymentPayload,
				result.paymentRequirements,
				result.declaredExtensions,
				{ request: context, responseBody: content, responseHeaders: type },
			);
			return settled.success
				? say(200, { ...type, ...settled.headers }, content)
				: say(
						settled.response.status,
						settled.response.headers,
						settled.response.body,
					);
		};
		const server = createServer((request, response) => {
			answer(request, response).catch(() => response.destroy());
		});
		server.listen(0, "127.0.0.1");
		await once(server, "listening");
		open.defer(async () => {
			server.closeAllConnections();
			await new Promise((resolve) => server.close(resolve));
		});
		const at = server.address();
		const port = at !== null && typeof at === "object" ? at.port : 0;
		return new PaidApi(`http://127.0.0.1:${port}`, ran, open.move());
	}

	ran(path: string): number {
		return this.#ran.get(path) ?? 0;
	}

	[Symbol.asyncDispose](): Promise<void> {
		return this.#open.disposeAsync();
	}
}

function contextOf(request: IncomingMessage): HTTPRequestContext {
	const url = new URL(request.url ?? "/", `http://${request.headers.host}`);
	const { method = "GET" } = request;
	const getHeader = (name: string) =>
		request.headersDistinct[name.toLowerCase()]?.[0];
	const paymentHeader = getHeader("payment-signature");
	return {
		adapter: {
			getHeader,
			getMethod: () => method,
			getPath: () => url.pathname,
			getUrl: () => url.href,
			getAcceptHeader: () => "application/json",
			getUserAgent: () => "",
		},
		path: url.pathname,
		method,
		...(paymentHeader === undefined ? {} : { paymentHeader }),
	};
}
