import { after, before } from "node:test";
import { NO_POSTGRES, PostgresServer } from "../support/postgres.ts";
import { storeContract } from "./contract.ts";

let server: PostgresServer;
before(async () => {
	if (NO_POSTGRES === false) server = await PostgresServer.start();
});
after(() => server?.[Symbol.asyncDispose]());
let schemas = 0;
const place = () =>
	({
		kind: "postgres",
		url: server.url(),
		schema: `s${"_".repeat(++schemas)}`,
	}) as const;

storeContract("PostgreSQL", { make: place, skip: NO_POSTGRES });
