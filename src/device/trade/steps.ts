/** Steps as they come, for one reader. */
export class Steps<Step> implements AsyncIterable<Step> {
	readonly #steps: Step[] = [];
	#more = Promise.withResolvers<void>();
	#isOver = false;

	readonly push = (step: Step): void => {
		this.#steps.push(step);
		this.#more.resolve();
	};

	readonly end = (): void => {
		this.#isOver = true;
		this.#more.resolve();
	};

	async *[Symbol.asyncIterator](): AsyncIterator<Step> {
		for (;;) {
			yield* this.#steps.splice(0);
			if (this.#steps.length > 0) continue;
			if (this.#isOver) return;
			await this.#more.promise;
			this.#more = Promise.withResolvers();
		}
	}
}
