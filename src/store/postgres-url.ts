import { TetradError } from "../errors.ts";
import { MAX_HOSTS } from "./limits.ts";

/** Where a server is and who asks. Of this only `where` may be said aloud. */
export interface PostgresTarget {
	/** For sentences: the host and its port, never the password. */
	readonly where: string;
	/** A host and a port, or the path of a Unix socket. */
	readonly address:
		| { readonly host: string; readonly port: number }
		| { readonly path: string };
	/** The host whose certificate the server must show, if the connection is encrypted. */
	readonly tlsHost: string | undefined;
	readonly user: string | undefined;
	readonly password: string | undefined;
	readonly database: string | undefined;
}

const FORM =
	"postgres://USER:PASSWORD@HOST:PORT/DATABASE, or postgres://USER@localhost/DATABASE?host=FOLDER for a Unix socket; several hosts are HOST:PORT,HOST:PORT or host=FOLDER,FOLDER&port=PORT,PORT";

/** What may stand after the question mark. */
const PARAMETERS = ["host", "port", "sslmode", "target_session_attrs"];

/** The scheme and who asks, the hosts with their ports, and the rest. */
const PARTS = /^(postgres(?:ql)?:\/\/(?:[^/?#]*@)?)([^/?#@]*)(.*)$/is;

/** What libpq takes for `target_session_attrs` where the address has none; so does the client that we use, whatever the address says. */
const SESSION_VARIABLE = "PGTARGETSESSIONATTRS";

/**
 * The servers that an address names, in its order: one, or at most `MAX_HOSTS`. Throws
 * `invalid-argument` and repeats nothing of the text, which may hold a password.
 */
export function parsePostgresUrl(
	text: string,
	environment: Readonly<Record<string, string | undefined>> = process.env,
): readonly PostgresTarget[] {
	if (environment[SESSION_VARIABLE])
		throw new TetradError(
			"invalid-argument",
			`${SESSION_VARIABLE} is set, and a store looks for the server that it needs itself: start this program without it`,
		);
	const [, start = "", authority = "", rest = ""] =
		PARTS.exec(text.trim()) ?? [];
	const named = authority.split(",").map((host) => {
		const one = `${start}${host}${rest}`;
		if (!URL.canParse(one)) throw refused("it has another form");
		return new URL(one);
	});
	const [url] = named;
	if (url === undefined || start === "") throw refused("it has another form");
	// Then what was taken for a host and its port may be the beginning of a password.
	if (/[@#]/.test(rest))
		throw refused(
			"an @ or a # follows its hosts; in a user, a password, a database or a folder write / as %2F, ? as %3F, # as %23 and @ as %40",
		);
	const parameters = url.searchParams;
	for (const name of parameters.keys())
		if (!PARAMETERS.includes(name))
			throw refused(
				`it has a parameter that is none of ${PARAMETERS.join(", ")}`,
			);
	if (new Set(parameters.keys()).size < parameters.size)
		throw refused("it has a parameter twice");
	const session = parameters.get("target_session_attrs") ?? "read-write";
	if (session !== "read-write" && session !== "primary")
		throw refused(
			"its target_session_attrs is neither read-write nor primary, and a store writes",
		);
	const hosts =
		parameters.get("host")?.split(",") ??
		named.map(({ hostname }) => decoded(hostname).replace(/^\[(.*)\]$/, "$1"));
	if (hosts.length > MAX_HOSTS)
		throw refused(`it names more than ${MAX_HOSTS} hosts`);
	if (hosts.includes("") && (hosts.length > 1 || parameters.has("host")))
		throw refused("one of its hosts is empty");
	const ports =
		parameters.get("port")?.split(",").map(portOf) ??
		named.map(({ port }) => Number(port || 5432));
	if (ports.length > 1 && ports.length !== hosts.length)
		throw refused("it has neither one port nor as many as hosts");
	const mode = parameters.get("sslmode") ?? undefined;
	if (mode !== undefined && mode !== "disable" && mode !== "verify-full")
		throw refused("its sslmode is neither disable nor verify-full");
	const who = {
		user: decoded(url.username) || undefined,
		password: decoded(url.password) || undefined,
		database: decoded(url.pathname.slice(1)) || undefined,
	};
	const targets = hosts.map((named, at) => {
		const host = named || "localhost";
		const port = ports[at] ?? ports[0] ?? 5432;
		return { ...serverAt(host, port, mode), ...who };
	});
	if (new Set(targets.map(({ where }) => where)).size < targets.length)
		throw refused("it names one server twice");
	return targets;
}

function serverAt(
	host: string,
	port: number,
	mode: "disable" | "verify-full" | undefined,
): Pick<PostgresTarget, "where" | "address" | "tlsHost"> {
	const isSocket = host.startsWith("/");
	const isLocal = isSocket || ["localhost", "127.0.0.1", "::1"].includes(host);
	return {
		where: `the PostgreSQL server at ${host.includes(":") && !isSocket ? `[${host}]` : host}:${port}`,
		address: isSocket ? { path: `${host}/.s.PGSQL.${port}` } : { host, port },
		tlsHost:
			(mode ?? (isLocal ? "disable" : "verify-full")) === "disable"
				? undefined
				: host,
	};
}

function portOf(text: string): number {
	const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
	if (port < 1 || port > 65_535) throw refused("one of its ports is none");
	return port;
}

function decoded(part: string): string {
	try {
		return decodeURIComponent(part);
	} catch {
		throw refused("a % in it is not followed by two digits");
	}
}

function refused(why: string): TetradError {
	return new TetradError(
		"invalid-argument",
		`the address of the PostgreSQL server cannot be used: ${why}; write ${FORM}`,
	);
}
