import {
	type CallToolResult,
	isCallToolResult,
	type McpServer,
	type ServerContext,
	type StandardSchemaWithJSON,
} from "@modelcontextprotocol/server";
import { asTetradError, TetradError } from "../errors.ts";
import {
	type Admitted,
	type PaidMode,
	type PaidRequests,
	PaysFirst,
	type RequestPrice,
	toolText,
} from "../paid/index.ts";
import { modeIn, paymentIn, settledOf } from "../paid/x402/index.ts";
import { PAYMENT, PAYMENT_RESPONSE } from "./meta.ts";
import { type Asking, paymentRequired } from "./payment-required.ts";
import { encodeResult, parseResult } from "./tool-result.ts";

/** A tool whose calls are sold. */
export interface SoldCallsOptions {
	readonly server: McpServer;
	readonly tool: string;
	readonly requests: PaidRequests;
	readonly price: RequestPrice;
	readonly outputSchema: StandardSchemaWithJSON | undefined;
	/** The same as clients are told of it. */
	readonly advertised: () => Record<string, unknown> | undefined;
}

/** Runs the tool, with a context of its own. */
type Run = (context: ServerContext) => CallToolResult | Promise<CallToolResult>;

/** The calls of one tool that is paid for. */
export class SoldCalls {
	readonly #options: SoldCallsOptions;

	constructor(options: SoldCallsOptions) {
		this.#options = options;
	}

	/** Answers a call whose arguments were sent so. Rejects as the tool does, and where it is not admitted for what it asks. */
	async answer(
		raw: unknown,
		context: ServerContext,
		run: Run,
	): Promise<CallToolResult> {
		const { server, tool, requests, price } = this.#options;
		const request = toolText({ server: nameOf(server), tool, arguments: raw });
		const payment = context.mcpReq._meta?.[PAYMENT];
		if (payment === undefined) return this.#ask(request);
		const mode = this.#modeOf(payment);
		let admitted: Admitted;
		try {
			const id = paymentIn(payment) ?? "";
			admitted = await requests.admit(id, request, { ...price, mode });
		} catch (thrown) {
			return this.#ask(request, asTetradError(thrown));
		}
		if (admitted.kept !== undefined)
			return this.#paid(parseResult(admitted.kept), admitted);
		const result = await this.#run(admitted, context, run);
		if (result.isError) return result;
		try {
			const { contract } = await admitted.answer(this.#sold(result, mode));
			return this.#paid(result, admitted, contract);
		} catch (thrown) {
			await admitted.fail(thrown);
			return this.#ask(request, asTetradError(thrown), { isUnsettled: true });
		}
	}

	/** The result of the tool. It is not sold where that is an error. Rejects as the tool, and with `invalid-argument` for a result that clients would refuse. */
	async #run(
		admitted: Admitted,
		context: ServerContext,
		run: Run,
	): Promise<CallToolResult> {
		const { signal } = admitted;
		const mcpReq = { ...context.mcpReq, signal };
		try {
			const result = await unlessAborted(run({ ...context, mcpReq }), signal);
			if (result.isError)
				await admitted.fail(
					new TetradError("refused-by-peer", "the tool has failed"),
				);
			else await this.#require(result);
			return result;
		} catch (thrown) {
			await admitted.fail(thrown);
			throw thrown;
		}
	}

	async #require(result: CallToolResult): Promise<void> {
		const { outputSchema } = this.#options;
		const { structuredContent } = result;
		const read = await outputSchema?.["~standard"].validate(structuredContent);
		if (isCallToolResult(result) && read?.issues === undefined) return;
		throw new TetradError(
			"invalid-argument",
			"the result is none of a tool, or its structured content is not what the schema of this tool allows, and it was not sold",
		);
	}

	/** The merchandise: sealed, what a client would get over the wire, and prepaid, what goes there when it is given again. */
	#sold(result: CallToolResult, mode: PaidMode): Uint8Array {
		const { server, advertised } = this.#options;
		return encodeResult(
			mode === "sealed"
				? server.server.projectCallToolResult(result, advertised())
				: result,
		);
	}

	/** What is sold sealed is sold prepaid as well, to who is told to pay first. */
	#modeOf(payment: unknown): PaidMode {
		const { mode } = this.#options.price;
		return mode === "sealed" ? (modeIn(payment) ?? mode) : mode;
	}

	#ask(
		request: string,
		error?: TetradError,
		how: Pick<Asking, "isUnsettled"> = {},
	): CallToolResult {
		const { tool, requests, price, outputSchema } = this.#options;
		const mode = error instanceof PaysFirst ? "prepaid" : price.mode;
		return paymentRequired(tool, requests.terms(request, { ...price, mode }), {
			...how,
			code: error?.code,
			hasSchema: outputSchema !== undefined,
		});
	}

	/** With how it was paid. Of what is given again, the contract is not told. */
	#paid(
		result: CallToolResult,
		{ buyer }: Admitted,
		contract = "",
	): CallToolResult {
		const { requests, price } = this.#options;
		const paid = { issuer: requests.payee.issuer, amount: price.amount };
		const response = { ...settledOf(paid, contract), payer: buyer.id };
		return {
			...result,
			_meta: { ...result._meta, [PAYMENT_RESPONSE]: response },
		};
	}
}

/**
 * What a server says that it is called. An `McpServer` tells its clients, and has no name for it
 * here; test/mcp fails when it keeps it elsewhere. Throws `internal`.
 */
function nameOf({ server }: McpServer): string {
	const info: unknown = Reflect.get(server, "_serverInfo");
	if (typeof info === "object" && info !== null && "name" in info)
		if (typeof info.name === "string") return info.name;
	throw new TetradError(
		"internal",
		"the server does not say what it is called",
	);
}

/** What comes of it, if it comes before the signal. */
async function unlessAborted<Value>(
	coming: Value | Promise<Value>,
	signal: AbortSignal,
): Promise<Value> {
	const aborted = Promise.withResolvers<never>();
	const leave = () => aborted.reject(signal.reason);
	if (signal.aborted) leave();
	signal.addEventListener("abort", leave, { once: true });
	try {
		return await Promise.race([coming, aborted.promise]);
	} finally {
		signal.removeEventListener("abort", leave);
	}
}
