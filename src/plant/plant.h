#ifndef PLANT_PLANT_H
#define PLANT_PLANT_H
/*
 * One plant alive: ledger, historian, live values, refine, the pipeline thread and the device
 * links, with their life cycle. Batches from anywhere enter by plant_submit or the device port,
 * pass refine, become durable in the historian, and only then show in the live table. Ledger
 * consumers follow the historian's sequence with cursors of their own.
 */
#include "core/file.h"
#include "device/device.h"
#include "historian/historian.h"
#include "ledger/ledger.h"
#include "model/live.h"
#include "refine/deident.h"
#include "refine/refine.h"

struct journal;
struct plant;

struct plant_options {
    const char *dir; // HOME/plants/ID
    struct str id;
    const struct clock *clock; // NULL: the system's.
    struct files *files;       // NULL: the system's.
    bool collect;              // Start the device links (run, demo); false for commands.
    const char *keys_dir;      // HOME/keys; NULL: no pseudonyms can be made.
};

int plant_create(
    const char *dir, struct str id, struct str display, struct str zone, struct err *err);
int plant_open(const struct plant_options *options, struct plant **ret_plant, struct err *err);
void plant_close(struct plant *plant); // Stops links, drains the pipeline, closes. NULL is fine.

struct str plant_id(const struct plant *plant);
struct str plant_display(const struct plant *plant);
const struct zone *plant_zone(const struct plant *plant);
/* Changes how people call the plant, and its zone while nothing is stored yet (days of what is
 * stored were counted in it): ERR_CONFLICT afterwards, ERR_INVALID for an unknown zone, ERR_LIMIT
 * after PLANT_NAMINGS_MAX changes of one run. An empty text leaves as it is. What plant_display and
 * plant_zone gave before stays valid until plant_close. Told to the audit chain and to readers of
 * the catalogue. */
enum { PLANT_NAMINGS_MAX = 1000 };
int plant_name(
    struct plant *plant, struct str display, struct str zone, struct str actor, struct err *err);
struct ledger *plant_ledger(struct plant *plant);
struct historian *plant_historian(struct plant *plant);
struct live *plant_live(struct plant *plant);
const struct clock *plant_clock(const struct plant *plant);
struct files *plant_files(const struct plant *plant);
/* The present catalogue, with a reference for the caller (catalogue_unref). */
struct catalogue *plant_catalogue(struct plant *plant);
/* Loads the catalogue from the ledger again, publishes it, lets links and refine follow. Call
 * after tag_put, device_put, asset_put. */
int plant_refresh(struct plant *plant, struct err *err);

/* Stores a tag after its rules were checked (refine_check), together with the tags that its rules
 * write to, where those are not there yet; then like tag_put. ERR_CONFLICT: a tag of that name is
 * fed by a device or has another type. */
int plant_tag_put(struct ledger_tx *tx, const struct tag *tag, uint32_t *ret_number,
    bool *ret_changed, struct err *err);

/* Sends finished batches through the pipeline and returns when they are durable and shown
 * (batch->seq set). The batches stay the caller's. ERR_SPACE, ERR_BUSY (queue full for 10 s). */
int plant_submit(
    struct plant *plant, struct batch *const *batches, uint32_t count, struct err *err);
/* Finds tags by name, creating absent ones (as f64 unless `type` says otherwise) in one ledger
 * transaction. ret_numbers[i] belongs to names[i]. ret_created counts new ones. */
int plant_resolve_tags(struct plant *plant, const struct str *names, const enum value_type *types,
    uint32_t count, uint32_t *ret_numbers, uint32_t *ret_created, struct err *err);

/* The key for pseudonyms given to a recipient (made with the plant's key at first use). Whoever
 * hands data out uses it with deident_apply (refine/deident.h) and notes it with deident_log_append
 * (ledger/disclosure.h). The same recipient always gets the same pseudonyms, two never the same.
 * Takes a ledger write. ERR_NOT_FOUND, ERR_CORRUPT: the key is gone or another; ERR_UNSUPPORTED: no
 * keys folder. */
int plant_deident_key(
    struct plant *plant, struct str recipient, struct deident_key *ret_key, struct err *err);

/* For outbox.c: counts changes of the consents, so that what is on its way under an older state is
 * broken off. */
const _Atomic uint32_t *plant_outbox_changes(const struct plant *plant);
void plant_outbox_changed(struct plant *plant);
/* Words of the last failure to send under a consent; code ERR_OK: none, or nothing is sent here. */
void plant_outbox_error(struct plant *plant, int64_t consent, struct err *ret_error);

/* For rerefine.c: one run a plant at a time. False: another one runs. */
bool plant_rerefine_enter(struct plant *plant);
void plant_rerefine_leave(struct plant *plant);

bool plant_device_health(struct plant *plant, uint32_t device, struct device_health *ret_health);

struct pipeline_status {
    uint64_t batches_in;
    uint64_t rows_in;
    uint64_t rows_kept;
    uint64_t rows_omitted;
    uint64_t rows_refused; // Of unknown tags.
    uint32_t queue_size;
    uint32_t queue_capacity;
    int64_t lag_ns;     // From reply to durable, of the last batch.
    int64_t lag_max_ns; // Largest of the last minute.
    uint64_t lag_count; // Batches measured since the start, and their percentiles.
    int64_t lag_p50_ns;
    int64_t lag_p99_ns;
    uint64_t commits;
    bool stalled;          // The historian refuses (disk full): batches wait.
    struct err last_error; // Of the historian; code ERR_OK: none.
};
void plant_pipeline_status(struct plant *plant, struct pipeline_status *ret_status);
const struct refine *plant_refine(const struct plant *plant); // For its counts only.
struct journal *plant_journal(struct plant *plant);           // Of what went through lately.

struct consumer_status {
    uint64_t seq; // Passed.
    uint64_t lag; // Batches behind.
    struct err last_error;
};
void plant_consumer_status(struct plant *plant, struct consumer_status *ret_status);
struct fill *plant_fill(struct plant *plant); // production/fill.h: what machines tell.

/* Words of the last failure to let old samples go; code ERR_OK: none. */
void plant_retention_error(struct plant *plant, struct err *ret_error);
/* What the history takes and will take (plant/outlook.h), as of the last hour; false: not known. */
struct outlook;
bool plant_outlook(struct plant *plant, struct outlook *ret_outlook);

/* How long it has been open. */
int64_t plant_run_ns(const struct plant *plant);

/* True once a value of each enabled device was tried and the store answers: /readyz. */
bool plant_ready(struct plant *plant);

#endif
