import { once } from "node:events";
import { createServer } from "node:net";

/** Ports of this machine that nobody listens at now, each another one: those that are wanted, and others in the place of those that are taken. */
export async function freePorts(
	count: number,
	wanted: readonly number[] = [],
): Promise<number[]> {
	const servers = Array.from({ length: count }, () => createServer());
	try {
		const ports: number[] = [];
		for (const [at, server] of servers.entries())
			ports.push(
				(await listens(server, wanted[at] ?? 0)) ??
					(await listens(server, 0)) ??
					0,
			);
		return ports;
	} finally {
		for (const server of servers) server.close();
	}
}

type Server = ReturnType<typeof createServer>;

/** The port where it listens, unless that is taken. */
async function listens(
	server: Server,
	port: number,
): Promise<number | undefined> {
	server.listen(port, "127.0.0.1");
	try {
		await once(server, "listening");
	} catch {
		return undefined;
	}
	const address = server.address();
	return address !== null && typeof address === "object" ? address.port : 0;
}
