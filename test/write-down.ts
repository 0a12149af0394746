/* Writes down anew what tests hold whole stories, tables, limits and audits to: what is another one then is to be looked at. */
import { writeDown as audits } from "./money/audit-changes.ts";
import { writeDown as mints } from "./money/cashu/reading.ts";
import { writeDown as changes } from "./money/changed-messages.ts";
import { writeDown as runs } from "./money/ecash/run-trees.ts";
import { writeDown as payments } from "./money/payment-steps.ts";
import { writeDown as purses } from "./money/purse-and-issuer-story.ts";
import { writeDown as constants } from "./protocol/constants-text.ts";
import { writeDown as limits } from "./protocol/limits-text.ts";
import { writeDown as tables } from "./store/tables-text.ts";
import { writeDown as links } from "./tetrad/link-story.ts";
import { writeDown as secrets } from "./tetrad/secrets-left.ts";
import { writeDown as tetrads } from "./tetrad/tetrad-story.ts";
import { writeDown as agents } from "./trade/agent-story.ts";
import { writeDown as owners } from "./trade/ecash-owner-story.ts";
import { writeDown as sales } from "./trade/ecash-sale-story.ts";
import { writeDown as steps } from "./trade/ecash-steps.ts";
import { writeDown as purchases } from "./trade/purchase-story.ts";

for (const writeDown of [
	audits,
	mints,
	runs,
	changes,
	purses,
	payments,
	constants,
	limits,
	tables,
	links,
	secrets,
	tetrads,
	agents,
	owners,
	sales,
	steps,
	purchases,
])
	await writeDown();
