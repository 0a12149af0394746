import type { AbortEvent, TimeEvent } from "../../machine/index.ts";

/** What happens in session 1 and in the session with the own module. */
export type AgentSessionEvent =
	/** There is room for another message to the other agent: once for each `to-agent`, in order. */
	| { readonly kind: "sent" }
	/** The message that `receive` asked for. */
	| { readonly kind: "from-agent"; readonly bytes: Uint8Array }
	/** One message about purchases, or several in one. */
	| { readonly kind: "from-module"; readonly bytes: Uint8Array }
	/** The tetrad is over in order. It may come at any time. */
	| { readonly kind: "closed" }
	| AbortEvent
	| TimeEvent;

/** What is asked of session 1 and of the session with the own module. */
export type AgentSessionEffect =
	/** Answered by `sent`. */
	| { readonly kind: "to-agent"; readonly bytes: Uint8Array }
	/** Hand over the next message of the other agent; answered by `from-agent`, or by nothing. */
	| { readonly kind: "receive" }
	| { readonly kind: "to-module"; readonly bytes: Uint8Array };
