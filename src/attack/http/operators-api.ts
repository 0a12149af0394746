/* The HTTP API of the issuer's operators, which makes money. */
import type { TcpAddress } from "../../carrier/index.ts";
import { readOperatorToken } from "../../device/issuer/index.ts";
import { hex } from "../../wire/index.ts";
import { type Attack, broken, held, type Outcome } from "../attack.ts";
import { rogueOf } from "../market/index.ts";
import { NotTried } from "../not-tried.ts";
import type { Target } from "../target.ts";
import {
	nameOf,
	type RawRequest,
	requestBytes,
	sayRaw,
	statusOf,
} from "./raw-http.ts";

const ACCOUNTS = "/v1/accounts";

/** The API, and what its operators know. */
class Api {
	readonly at: TcpAddress;
	readonly token: string;

	private constructor(at: TcpAddress, token: string) {
		this.at = at;
		this.token = token;
	}

	/** Throws `NotTried` where there is none, and an error where it does not answer its operator. */
	static async of(target: Target, signal: AbortSignal): Promise<Api> {
		const { module, operate } = target.side("issuer");
		if (operate.http === undefined)
			throw new NotTried("the issuer serves no HTTP: say operate.http");
		const api = new Api(operate.http, await readOperatorToken(module.home));
		await api.requireHonest(signal);
		return api;
	}

	get bearer(): string {
		return `Authorization: Bearer ${this.token}`;
	}

	/** The operator's own question is answered. */
	async requireHonest(signal: AbortSignal): Promise<void> {
		const fields = [this.bearer];
		const status = await this.status({ target: ACCOUNTS, fields }, signal);
		if (status !== 200)
			throw new Error(`the operator's own question is answered with ${status}`);
	}

	status(request: RawRequest, signal: AbortSignal): Promise<number> {
		return statusOf(this.at, request, signal);
	}

	/** Asks each of these; broken when one is answered with 2xx. */
	async refusesAll(
		requests: Readonly<Record<string, RawRequest>>,
		signal: AbortSignal,
	): Promise<Outcome> {
		const statuses = await Promise.all(
			Object.entries(requests).map(
				async ([what, request]) =>
					[what, await this.status(request, signal)] as const,
			),
		);
		const taken = statuses.filter(
			([, status]) => status >= 200 && status < 400,
		);
		if (taken.length > 0)
			return broken(`answered: ${taken.map(([what]) => what).join(", ")}`);
		return held(
			statuses.map(([what, status]) => `${what}: ${status}`).join(", "),
		);
	}
}

function attack(
	what: Pick<Attack, "name" | "tried" | "reference">,
	run: (api: Api, signal: AbortSignal, target: Target) => Promise<Outcome>,
): Attack {
	return {
		...what,
		group: "http",
		async run(target, signal) {
			const api = await Api.of(target, signal);
			const outcome = await run(api, signal, target);
			await api.requireHonest(signal);
			return outcome;
		},
	};
}

const HARDENING = "docs/reference/operators-http.md";

/** The path of an account that may be credited, once an honest credit of it has been taken. */
async function accountOf(
	api: Api,
	target: Target,
	signal: AbortSignal,
): Promise<string> {
	target.sandbox("an account that may be credited");
	const rogue = await rogueOf(target);
	const account = `${ACCOUNTS}/${hex(rogue.certified.module.deviceId)}`;
	const status = await api.status(
		{
			method: "POST",
			target: `${account}/credits`,
			fields: [api.bearer, "Content-Type: application/json"],
			body: JSON.stringify({ amount: "0.01", reference: "honest" }),
		},
		signal,
	);
	if (status !== 200)
		throw new Error(`an honest credit is answered with ${status}`);
	return account;
}

export const OPERATORS_API: readonly Attack[] = [
	attack(
		{
			name: "operator-without-the-token",
			tried:
				"Accounts were asked for without a token, with the beginning of the right one, with another scheme, and with two.",
			reference: "RFC 6750, 2.1",
		},
		(api, signal) => {
			const { token } = api;
			const asked = (...fields: string[]) => ({ target: ACCOUNTS, fields });
			return api.refusesAll(
				{
					none: asked(),
					another: asked(`Authorization: Bearer ${"0".repeat(64)}`),
					"its beginning": asked(`Authorization: Bearer ${token.slice(0, -1)}`),
					"one more digit": asked(`Authorization: Bearer ${token}0`),
					"another scheme": asked(`Authorization: Basic ${token}`),
					"in the address": { target: `${ACCOUNTS}?token=${token}` },
					"wrong before right": asked("Authorization: Bearer 0", api.bearer),
				},
				signal,
			);
		},
	),
	attack(
		{
			name: "name-that-was-made-to-lead-here",
			tried:
				"A page of a browser whose name was made to lead to this machine asked with the operator's token.",
			reference: "CWE-350, DNS rebinding",
		},
		(api, signal) => {
			const fields = [api.bearer];
			const host = (name: string) => ({ target: ACCOUNTS, host: name, fields });
			const { port } = api.at;
			return api.refusesAll(
				{
					"another name": host(`evil.example:${port}`),
					"a name that begins right": host(`127.0.0.1.evil.example:${port}`),
					"no port": host("127.0.0.1"),
					"another port": host("127.0.0.1:1"),
					"any address": host(`0.0.0.0:${port}`),
					"user before it": host(`evil@${nameOf(api.at)}`),
					"two hosts": {
						target: ACCOUNTS,
						fields: ["Host: evil.example", ...fields],
					},
				},
				signal,
			);
		},
	),
	attack(
		{
			name: "page-of-another-origin",
			tried:
				"Pages of browsers credited an account by forms and scripts that need no leave: other origins, types of forms.",
			reference: "CWE-352, cross-site request forgery",
		},
		async (api, signal, target) => {
			const account = await accountOf(api, target, signal);
			const body = JSON.stringify({ amount: "0.01", reference: "page" });
			const credit = (...fields: string[]) => ({
				method: "POST",
				target: `${account}/credits`,
				fields: [api.bearer, ...fields],
				body,
			});
			const json = "Content-Type: application/json";
			return api.refusesAll(
				{
					"another origin": credit("Origin: http://evil.example", json),
					"an origin of null": credit("Origin: null", json),
					"https of the same": credit(
						`Origin: https://${nameOf(api.at)}`,
						json,
					),
					"plain text": credit("Content-Type: text/plain"),
					"a form": credit("Content-Type: application/x-www-form-urlencoded"),
					"no type": credit(),
					"asked first": {
						method: "OPTIONS",
						target: ACCOUNTS,
						fields: [
							"Origin: http://evil.example",
							"Access-Control-Request-Method: POST",
						],
					},
				},
				signal,
			);
		},
	),
	attack(
		{
			name: "body-that-says-two-things",
			tried:
				"An operator's token came with bodies that are too long, nested, not UTF-8, coded, or have one name twice.",
			reference: "RFC 8259, 4 and 8.1",
		},
		async (api, signal, target) => {
			const account = await accountOf(api, target, signal);
			const credit = (body: string | Uint8Array, ...fields: string[]) => ({
				method: "POST",
				target: `${account}/credits`,
				fields: [api.bearer, "Content-Type: application/json", ...fields],
				body,
			});
			const whole = '{"amount":"0.01","reference":"mark"}';
			const twice = '{"amount":"0.01","amount":"0.02","reference":"r"}';
			return api.refusesAll(
				{
					"one name twice": credit(twice),
					"too long": credit(" ".repeat(2_000_000)),
					nested: credit("[".repeat(10_000) + "]".repeat(10_000)),
					"not UTF-8": credit(Uint8Array.of(0x22, 0xff, 0xfe, 0x22)),
					"with a mark before it": credit(`\ufeff${whole}`),
					coded: credit(whole, "Content-Encoding: gzip"),
					"an amount with an exponent": credit(
						'{"amount":"1e9","reference":"r"}',
					),
					"an amount below nothing": credit(
						'{"amount":"-1.00","reference":"r"}',
					),
					"an amount that is a number": credit(
						'{"amount":1.00,"reference":"r"}',
					),
				},
				signal,
			);
		},
	),
	attack(
		{
			name: "request-within-a-request",
			tried:
				"One connection carried requests that two readers end at different places: two lengths, a length and chunks, folded lines, bare line feeds.",
			reference: "RFC 9112, 11.2",
		},
		async (api, signal) => {
			const inner = Buffer.from(
				requestBytes(api.at, { target: ACCOUNTS, fields: [api.bearer] }),
			).toString("latin1");
			const outer = (...fields: string[]) => ({
				target: "/v1/health",
				fields: ["Connection: keep-alive", ...fields],
				body: `0\r\n\r\n${inner}`,
			});
			// Two that follow each other as they should are both heard.
			const two = { ...outer("Content-Length: 0"), body: inner };
			const honest = await sayRaw(api.at, requestBytes(api.at, two), signal);
			if (honest.statuses.join() !== "200,200")
				return broken(`two honest requests: ${honest.statuses.join()}`);
			const ways = {
				"a length and chunks": outer(
					"Content-Length: 5",
					"Transfer-Encoding: chunked",
				),
				"two lengths": outer("Content-Length: 0", "Content-Length: 5"),
				"chunks that are none": outer("Transfer-Encoding: xchunked"),
				"chunks of two codings": outer("Transfer-Encoding: chunked, identity"),
				"a folded line": outer("X-One: a\r\n Transfer-Encoding: chunked"),
				"a length with a sign": outer("Content-Length: +5"),
				"a bare line feed": outer("X-One: a\nContent-Length: 5"),
			};
			const found: string[] = [];
			for (const [what, request] of Object.entries(ways)) {
				const bytes = requestBytes(api.at, request);
				const { statuses } = await sayRaw(api.at, bytes, signal);
				// The inner one has the token: were it heard, it would be answered, too.
				if (statuses.filter((status) => status === 200).length > 1)
					found.push(what);
			}
			return found.length === 0
				? held("none of them had a second request heard")
				: broken(`a second request was heard: ${found.join(", ")}`);
		},
	),
	attack(
		{
			name: "path-that-leads-elsewhere",
			tried:
				"Paths were asked for that lead up, are written in another way, or name another server.",
			reference: HARDENING,
		},
		(api, signal) => {
			const path = (target: string) => ({ target, fields: [api.bearer] });
			return api.refusesAll(
				{
					up: path("/v1/../operator.token"),
					"up, coded": path("/v1/%2e%2e/%2e%2e/etc/passwd"),
					"two slashes": path("//v1/accounts"),
					"a backslash": path("/v1\\accounts"),
					"coded letters": path("/v1/%61ccounts"),
					"a whole address": path(`http://evil.example${ACCOUNTS}`),
					"a null byte": path("/v1/accounts%00"),
					"a tunnel": { ...path("evil.example:443"), method: "CONNECT" },
					"a name of JavaScript": path("/v1/accounts/__proto__"),
				},
				signal,
			);
		},
	),
	attack(
		{
			name: "head-that-does-not-end",
			tried: "A head of a megabyte was sent, and ten thousand fields.",
			reference: HARDENING,
		},
		(api, signal) =>
			api.refusesAll(
				{
					"one long field": {
						target: ACCOUNTS,
						fields: [api.bearer, `X-Long: ${"x".repeat(1_000_000)}`],
					},
					"a long target": {
						target: `/${"v".repeat(100_000)}`,
						fields: [api.bearer],
					},
					"many fields": {
						target: ACCOUNTS,
						fields: [
							api.bearer,
							...Array.from({ length: 10_000 }, (_, at) => `X-${at}: 1`),
						],
					},
				},
				signal,
			),
	),
];
