import type { Store } from "../../machine/index.ts";

/** A store that somebody else has opened, and closes. */
export function borrowed(store: Store): Store {
	return {
		failed: store.failed,
		transact: (transaction, options) => store.transact(transaction, options),
		snapshot: (look) => store.snapshot(look),
		[Symbol.asyncDispose]: async () => {},
	};
}
