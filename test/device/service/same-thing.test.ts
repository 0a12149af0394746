import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ThingsUnderWay } from "../../../src/device/service/same-thing.ts";

const never = async () => false;

describe("a thing that is bought twice", () => {
	test("is the copy of the first alone, whatever the first finds of the second while it looks", async () => {
		const things = new ThingsUnderWay();
		const rows: string[] = [];
		const looked = Promise.withResolvers<void>();
		const buy = async (quote: string, look: Promise<void>) => {
			const underWay = await things.begin("a harbour", quote, async () => {
				await look;
				return rows.some((other) => other !== quote);
			});
			rows.push(quote);
			return underWay.isCopy;
		};
		const first = buy("1", looked.promise);
		const second = buy("2", Promise.resolve());
		await new Promise((resolve) => setImmediate(resolve));
		looked.resolve();
		assert.deepEqual(await Promise.all([first, second]), [false, true]);
	});

	test("is a copy where the first was over before, if that was bought", async () => {
		const things = new ThingsUnderWay();
		{
			using first = await things.begin("a harbour", "1", never);
			assert.equal(first.isCopy, false);
		}
		using second = await things.begin("a harbour", "2", never);
		assert.equal(second.isCopy, false);
		using third = await things.begin("a map", "3", async () => true);
		assert.equal(third.isCopy, true);
	});

	test("is not what one quote is asked for twice", async () => {
		const things = new ThingsUnderWay();
		const both = await Promise.all([
			things.begin("a harbour", "1", never),
			things.begin("a harbour", "1", never),
		]);
		assert.deepEqual(
			both.map(({ isCopy }) => isCopy),
			[false, false],
		);
	});

	test("is bought by the second where the first could not look", async () => {
		const things = new ThingsUnderWay();
		const first = things.begin("a harbour", "1", async () => {
			throw new Error("the disk is away");
		});
		const failed = assert.rejects(first, /the disk is away/);
		using second = await things.begin("a harbour", "2", never);
		await failed;
		assert.equal(second.isCopy, true);
		using third = await things.begin("a map", "3", never);
		assert.equal(third.isCopy, false);
	});
});
