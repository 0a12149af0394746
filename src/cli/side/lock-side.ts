import { HomeLock } from "../../device/home/index.ts";
import { makeRunFolder, type Side } from "../../device/side/index.ts";
import { asTetradError, TetradError } from "../../errors.ts";

/** Keeps a second supervisor out of a side. Throws `busy`. */
export async function lockSide(
	side: Pick<Side, "path" | "name">,
): Promise<Disposable> {
	return lockFolder(await makeRunFolder(side), side.name);
}

/** Keeps a second process out of a folder, in which it leaves an empty file. Throws `busy`, with what is up there. */
export async function lockFolder(
	folder: string,
	what: string,
): Promise<Disposable> {
	try {
		return await HomeLock.take(folder);
	} catch (thrown) {
		const { code, message } = asTetradError(thrown);
		if (code !== "busy") throw thrown;
		const [, process = "another process"] =
			/ is in use by ([^;]*);/.exec(message) ?? [];
		throw new TetradError(
			"busy",
			`${what} is up already, by ${process}; stop that one first`,
			{ cause: thrown },
		);
	}
}
