/** Thrown by an attack that lacks something, such as a side that nobody has lent. */
export class NotTried extends Error {
	override readonly name = "NotTried";
	/** As in the outcome. */
	readonly matters: boolean;

	constructor(why: string, { matters = false }: { matters?: boolean } = {}) {
		super(why);
		this.matters = matters;
	}
}
