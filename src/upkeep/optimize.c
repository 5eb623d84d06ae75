/*
 * DB 최적화. Segments are merged by the historian's own rule until there is nothing to merge (each
 * step is one manifest: a kill between steps leaves all good, and expired rows leave the disk on
 * the way). Ledgers: ledger_optimize, then their structure and audit chain are checked, because an
 * index that was renewed over damage would hide it.
 */
#include "upkeep/upkeep.h"

/* A ledger up to this size is rewritten in about a second, during which its writer waits. */
static const uint64_t REWRITE_MAX_BYTES = 64 << 20;

static int go_on(struct watch watch, struct err *err) {
    return watch.go_on != NULL ? watch.go_on(watch.context, err) : 0;
}

static int order_ledger(struct ledger *ledger, struct optimize_report *report, struct err *err) {
    struct ledger_order order;
    int status = ledger_optimize(ledger, REWRITE_MAX_BYTES, &order, err);
    status = status < 0 ? status : ledger_verify(ledger, err);
    if (status < 0) {
        return err_context(err, MSG_VERIFY_IN, ARGS(A_CSTR(ledger_path(ledger))));
    }
    report->bytes_before += order.bytes_before;
    report->bytes_after += order.bytes_after;
    report->indexes += order.indexes;
    report->rewritten += order.rewritten;
    report->ledgers++;
    return 0;
}

static int order_plant(
    struct plant *plant, struct watch watch, struct optimize_report *report, struct err *err) {
    struct historian *historian = plant_historian(plant);
    struct hist_status before;
    hist_status(historian, &before);
    int status = hist_seal(historian, err);
    while (status >= 0 && (status = hist_merge(historian, err)) > 0) {
        status = go_on(watch, err);
    }
    struct hist_status after;
    hist_status(historian, &after);
    report->bytes_before += before.segment_bytes + before.log_bytes;
    report->bytes_after += after.segment_bytes + after.log_bytes;
    report->segments_before += before.segment_count;
    report->segments_after += after.segment_count;
    status = status < 0 ? status : go_on(watch, err);
    status = status < 0 ? status : order_ledger(plant_ledger(plant), report, err);
    return status < 0 ? err_context(err, MSG_OPTIMIZE_OF, ARGS(A_STR(plant_id(plant)))) : 0;
}

int optimize_run(
    struct home *home, struct watch watch, struct optimize_report *ret_report, struct err *err) {
    const struct clock *clock = clock_system();
    int64_t begun_ns = clock_mono_ns(clock);
    struct optimize_report report = {.ledgers = 0};
    int status = order_ledger(home_hub(home), &report, err);
    for (uint32_t i = 0; i < home_plant_count(home) && status >= 0; i++) {
        status = go_on(watch, err);
        status = status < 0 ? status : order_plant(home_plant_at(home, i), watch, &report, err);
    }
    if (status < 0) {
        return status;
    }
    report.spent_ns = clock_mono_ns(clock) - begun_ns;
    *ret_report = report;
    return 0;
}
