#ifndef PAPERS_STORE_H
#define PAPERS_STORE_H
/* Between the files of this room: registers as a whole, and where the bytes lie. Any thread. */
#include "papers/papers.h"
#include "papers/pdf.h"
#include "plant/retention.h"

/* HOME/plants/ID/papers */
void box_folder(struct plant *plant, struct buf *path);
/* Bytes into the box. `enter` makes the entry that has them, in the transaction that gives the file
 * its name. ERR_INVALID, ERR_LIMIT with words. */
struct box_bytes {
    struct str name; // Of the file; no path.
    struct str bytes;
    uint64_t bytes_max;
};
typedef int (*box_enter)(struct ledger_tx *tx, void *context, const char *sha256, struct err *err);
int box_put(struct plant *plant, const struct box_bytes *bytes, box_enter enter, void *context,
    struct err *err);
/* An entry is gone: its bytes go, too, unless another one has them. */
int box_drop(struct plant *plant, struct str sha256, struct err *err);
/* Opens bytes for reading, checked against their name; `number` of their entry for words. */
int box_read(struct plant *plant, struct str sha256, int64_t number, int *ret_fd,
    uint64_t *ret_size, struct err *err);
/* All rows of a register, in the arena. Count. */
int register_all(struct plant *plant, enum register_id id, struct arena *arena,
    struct register_row **ret_rows, struct err *err);
/* A register as a sheet: its fields, its words. */
int register_sheet(struct plant *plant, enum register_id id, enum lang lang, struct arena *arena,
    struct grid **ret_sheet, struct err *err);

/* What all papers of one order share. */
struct making {
    struct plant *plant;
    const struct paper_order *order;
    struct arena *arena;
    struct retention retention; // The plant's rule for old samples.
};
struct str words(const struct making *making, enum msg_id id, const struct arg *args);
/* "2026-11-20 09:00" in the plant's zone. */
struct str moment(const struct making *making, int64_t time_ns);
/* A sheet of names and values, and a row for it. */
struct grid *facts_new(const struct making *making);
void fact(const struct making *making, struct grid *facts, enum msg_id name, struct str value);

/* Sheets and papers; ERR_LIMIT with words. */
int definition_sheet(const struct making *making, struct grid **ret_sheet, struct err *err);
struct grid *devices_sheet(const struct making *making);
int definition_paper(const struct making *making, struct paper *paper, struct err *err);
int indicators_sheet(const struct making *making, struct grid **ret_sheet, struct err *err);
int indicators_paper(const struct making *making, struct paper *paper, struct err *err);
int handover_paper(
    const struct making *making, struct paper *paper, struct grid **ret_measured, struct err *err);
int bundle_write(const struct making *making, struct err *err);
/* The foot, mark and title of a paper. */
void paper_begin(const struct making *making, struct paper *paper, enum msg_id title);

#endif
