import { packageFile } from "../package-file.ts";

/** What is sent when nobody names a file: the README. */
export function defaultFile(): string {
	return packageFile("README.md");
}
