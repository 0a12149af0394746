/** Items that one catalogue may have. */
export const MAX_ITEMS = 65_536;

/** catalogue.json, in bytes: 65,536 items of half a KiB. */
export const MAX_CATALOGUE_BYTES: number = 2 ** 25;

/** The name of an item, in bytes of UTF-8. */
export const MAX_ITEM_NAME_BYTES = 255;

/** The description of an item, in bytes of UTF-8. */
export const MAX_DESCRIPTION_BYTES = 4096;

/** A text that is sold as it stands in the catalogue, in bytes of UTF-8. */
export const MAX_ITEM_TEXT_BYTES = 65_536;

/** Folders within folders that are looked into for files to sell. */
export const MAX_FOLDER_DEPTH = 16;
