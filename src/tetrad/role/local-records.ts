import { authenticationFailed } from "../../errors.ts";
import type { Kind } from "../../machine/index.ts";
import { Outbox } from "../../session/index.ts";
import { CONTENT, LINK } from "../../wire/index.ts";
import type { LocalSession } from "../root-key.ts";
import type { RoleParts } from "./role-parts.ts";

/** What waits for the other device of this side, in session 3 or 4. */
export function localOutbox<Effect extends Kind>(
	role: RoleParts<Effect>,
	{ sealer }: LocalSession,
): Outbox {
	return role.steps.own(
		new Outbox(sealer, (record) => role.sendLink(LINK.local, record)),
	);
}

/** The messages of a record of session 3 or 4, which carries nothing else. */
export function openLocal(
	{ opener }: LocalSession,
	record: Uint8Array,
): readonly Uint8Array[][] {
	return opener.openRows(record).map(({ type, all }) => {
		if (type !== CONTENT.message) throw authenticationFailed();
		return all;
	});
}
