#ifndef CORE_LIMITS_H
#define CORE_LIMITS_H
/*
 * Every limit of the program with its reason and what happens there. A limit that only one file
 * knows may stand in that file instead. Sizes in bytes.
 */
enum {
    LIMIT_ID_BYTES = 64,            // Identifier part; refused beyond.
    LIMIT_TAG_NAME_BYTES = 259,     // Four identifiers joined by dots; refused beyond.
    LIMIT_DISPLAY_BYTES = 256,      // Display names in UTF-8; refused beyond.
    LIMIT_UNIT_BYTES = 32,          // Unit as written; refused beyond.
    LIMIT_SOURCE_BYTES = 256,       // A tag's source in the driver's words; refused beyond.
    LIMIT_DEVICE_TEXT_BYTES = 1024, // A device's address, and its options; refused beyond.
    LIMIT_REFINE_BYTES = 4096,      // Refine rules of a tag; refused beyond.
    LIMIT_TEXT_VALUE_BYTES = 4096,  // One text sample; refused beyond.
    LIMIT_LIVE_TEXT_BYTES = 120,    // Text kept in the live table; longer ones are cut there only.
    LIMIT_TAGS = 100000,            // Per plant; further tags are refused in words.
    LIMIT_DEVICES = 1000,           // Per plant; refused beyond.
    LIMIT_BATCH_ROWS = 65536,       // Rows of one batch; callers split.
    LIMIT_BATCH_TEXT_BYTES = 1 << 20,   // Text bytes of one batch; callers split.
    LIMIT_BATCH_MADE_ROWS = 16 * 65536, // A batch with the rows that refine makes beside its own;
    LIMIT_BATCH_MADE_TEXT_BYTES = 16 << 20, // so many for each own row is its stages' promise.
    LIMIT_PATH_BYTES = 4096,                // File paths.
};

#endif
