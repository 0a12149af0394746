/* Rewrites test/vectors: node test/protocol/generate-vectors.ts */
import { writeFileSync } from "node:fs";
import { makeVectors, vectorFile } from "./vector-files.ts";

for (const { name, text } of await makeVectors())
	writeFileSync(vectorFile(name), text);
