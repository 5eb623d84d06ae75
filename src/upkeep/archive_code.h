#ifndef UPKEEP_ARCHIVE_CODE_H
#define UPKEEP_ARCHIVE_CODE_H
/*
 * Numbers of the backup file that writer and reader share. Constants only.
 */
#include <stdint.h>

enum {
    ARCHIVE_VERSION = 1,
    ARCHIVE_HEAD_BYTES = 32,
    ARCHIVE_PART_HEAD_BYTES = 8,
};
static const uint8_t ARCHIVE_MAGIC[8] = {'M', 'A', 'R', 'U', 'B', 'A', 'K', '1'};
static const uint32_t ARCHIVE_PART = 0x54524150; // "PART"
static const uint32_t ARCHIVE_END = 0x53444e45;  // "ENDS"

#endif
