import type { KeysFlag, LinkFlag, RootFlag } from "../cli/index.ts";
import type { SuiteName } from "../session/index.ts";
import type { Place, Routing } from "../tetrad/index.ts";
import type { RailName } from "../trade/documents/index.ts";
import type {
	Books,
	ClaimResult,
	Delivery,
	Dissected,
	ReceiptCheck,
	Sale,
	Victim,
	WireAudit,
} from "./stage/index.ts";

export interface DemoFlags {
	readonly file: string;
	readonly routing: Routing;
	readonly root: RootFlag;
	readonly link: LinkFlag;
	readonly suite: SuiteName;
	readonly keys: KeysFlag;
	readonly kill: Victim;
	/** What is paid with. */
	readonly rail: RailName;
	readonly json?: true;
}

/** Four processes that became one conversation. */
export interface Conversation extends Dissected {
	readonly suite: SuiteName;
}

/** Everything that a demonstration showed, before it is judged. */
export interface Looked extends Conversation {
	readonly keys: KeysFlag;
	readonly sale: Sale;
	readonly delivery: Delivery;
	readonly receipt: ReceiptCheck;
	readonly books: Books;
	readonly money: {
		readonly currency: string;
		readonly isPlay: boolean;
		readonly rail: RailName;
	};
	readonly audits: readonly WireAudit[];
	readonly claims: readonly ClaimResult[];
	readonly pairingCodes: readonly string[];
}

/** And whether it is what it promises. */
export interface Seen extends Looked {
	readonly verdict: DemoVerdict;
}

/** What must be so for the demonstration to have shown what it promises. */
export interface DemoVerdict {
	readonly ok: boolean;
	readonly problems: readonly string[];
	readonly codes: Readonly<Record<Place, string>>;
	readonly messages: readonly { session: number; to: Place; text: string }[];
}
