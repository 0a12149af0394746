import type { IncomingMessage } from "node:http";

/**
 * Why a request comes from elsewhere than from a program that means this server, if it does: a page
 * in a browser can have its name lead here, but it can change neither `Host` nor `Origin`.
 */
export function whyForeign(
	{ headers, headersDistinct }: IncomingMessage,
	isOwn: (host: string) => boolean,
): "many-hosts" | "host" | "origin" | undefined {
	const { host, origin } = headers;
	if ((headersDistinct["host"]?.length ?? 0) > 1) return "many-hosts";
	if (host === undefined || !isOwn(host)) return "host";
	return origin === undefined || origin === `http://${host}`
		? undefined
		: "origin";
}
