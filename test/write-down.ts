/* Writes down anew what tests hold whole stories, tables, limits and audits to: what is another one then is to be looked at. */
import { writeDown as audits } from "./money/audit-changes.ts";
import { writeDown as purses } from "./money/purse-and-issuer-story.ts";
import { writeDown as limits } from "./protocol/limits-text.ts";
import { writeDown as tables } from "./store/tables-text.ts";
import { writeDown as agents } from "./trade/agent-story.ts";

for (const writeDown of [audits, purses, limits, tables, agents])
	await writeDown();
