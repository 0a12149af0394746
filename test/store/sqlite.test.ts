import { join } from "node:path";
import { after } from "node:test";
import { storeContract } from "./contract.ts";
import { temporaryFolder } from "./support.ts";

const folder = await temporaryFolder();
after(() => folder[Symbol.asyncDispose]());
let stores = 0;
const place = () =>
	({ kind: "sqlite", path: join(folder.path, `store-${++stores}`) }) as const;

storeContract("SQLite", { make: place });
