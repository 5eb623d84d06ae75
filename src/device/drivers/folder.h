#ifndef DEVICE_DRIVERS_FOLDER_H
#define DEVICE_DRIVERS_FOLDER_H
/* Private to drivers/folder*.c: what a file of the folder gives. */
#include "core/time.h"
#include "device/cell.h"
#include "device/driver.h"

enum folder_option {
    FOLDER_FILES = 0,
    FOLDER_FORMAT,
    FOLDER_GROWS,
    FOLDER_SETTLE_S,
    FOLDER_TIME,
    FOLDER_TIME_UNIT,
    FOLDER_ZONE,
    FOLDER_ENCODING,
    FOLDER_SEPARATOR,
    FOLDER_SHEET,
    FOLDER_HEADER,
    FOLDER_SKIP_LINES,
    FOLDER_RECORD,
};
enum folder_format { FOLDER_AUTO = 0, FOLDER_TABLE, FOLDER_JSON, FOLDER_XML };

/* One file that is being taken. */
struct folder_file {
    struct driver_io *io;
    const struct driver_settings *settings;
    const struct zone *zone;
    const struct point_group *all;
    struct point_sink *sink;
    struct str name;  // For words.
    int fd;           // At `from`.
    uint64_t from;    // Of a growing file: where the last visit ended.
    uint64_t end;     // And where this one ends.
    int64_t mtime_ns; // Time of rows that have none: a microsecond apart from here on.
    uint64_t rows;
    uint64_t bad_rows;
    struct err first_bad; // Words of the first cell or row that could not be taken.
};

/* Notes a row or cell that cannot be taken: file, line, column and reason. */
void folder_note(struct folder_file *file, uint64_t line, struct str column, struct str text);
/* The time of the next row: from its cells' text, or counted on from the file's. False: the text
 * is no time. */
bool folder_time(struct folder_file *file, struct str text, int64_t *ret_time_ns);

/* Begins a row: its values have that time. */
void folder_row(struct folder_file *file, int64_t time_ns);

/* folder_table.c: CSV and workbooks. folder_tree.c: JSON and XML. Negative: the file cannot be
 * taken; with ERR_IO it cannot be read now and is tried again. */
int folder_take_table(struct folder_file *file, struct err *err);
int folder_take_json(struct folder_file *file, struct err *err);
int folder_take_xml(struct folder_file *file, struct err *err);

#endif
