/** A word as every shell reads it back. */
export function quoted(text: string): string {
	return `'${text.replaceAll("'", "'\\''")}'`;
}
