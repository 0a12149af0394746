import type { StandardSchemaWithJSON } from "@modelcontextprotocol/server";

/** Arguments as they were sent, and as a schema has read them. */
export interface RawInput<Given> {
	readonly raw: unknown;
	readonly given: Given;
}

/** The same schema, which keeps what it was given: a schema may leave out, fill in and change, and what is paid for is what was sent. */
export function withRaw<Schema extends StandardSchemaWithJSON>(
	schema: Schema,
): StandardSchemaWithJSON<
	unknown,
	RawInput<StandardSchemaWithJSON.InferOutput<Schema>>
> {
	const { version, vendor, jsonSchema, validate } = schema["~standard"];
	return {
		"~standard": {
			...{ version, vendor, jsonSchema },
			async validate(raw, options) {
				const read = await validate(raw, options);
				return read.issues === undefined
					? { value: { raw, given: read.value } }
					: read;
			},
		},
	};
}
