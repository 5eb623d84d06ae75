/*
 * maru query HOME TAG... --join: the tags side by side on a grid (--every) or at the times of one
 * tag (--lead), optionally with the lot in force (--lot TAG) and only of one lot (--lot-key).
 * What a cell holds is told in historian/join.h.
 */
#include "app/query_join.h"

#include "core/mem.h"
#include "core/time.h"
#include "historian/join.h"

static int find_tag(
    const struct join_question *q, const char *option, uint32_t *ret_tag, struct err *err) {
    const char *name = call_value(q->call, option);
    if (name == NULL) {
        return 0;
    }
    const struct tag *tag = catalogue_find(q->catalogue, str_of(name));
    if (tag == NULL) {
        return err_set(err, ERR_NOT_FOUND, MSG_QUERY_NO_TAG, ARGS(A_CSTR(name)));
    }
    *ret_tag = tag->number;
    return 0;
}

static int read_options(
    const struct join_question *q, struct join_options *ret_options, struct err *err) {
    *ret_options = (struct join_options){.tags = q->tags,
        .tag_count = q->tag_count,
        .from_ns = q->from_ns,
        .to_ns = q->to_ns,
        .every_ns = q->every_ns,
        .zone = q->zone != NULL ? q->zone : plant_zone(q->plant),
        .lot_key = str_of(call_value(q->call, "--lot-key"))};
    int status = find_tag(q, "--lead", &ret_options->lead, err);
    status = status < 0 ? status : find_tag(q, "--lot", &ret_options->lot, err);
    const char *age = call_value(q->call, "--max-age");
    if (status >= 0 && age != NULL) {
        status = duration_parse(str_of(age), &ret_options->max_age_ns, err);
    }
    const char *pick = call_value(q->call, "--pick");
    if (status >= 0 && pick != NULL) {
        bool is_nearest = str_eq(str_of(pick), STR("nearest"));
        if (!is_nearest && !str_eq(str_of(pick), STR("before"))) {
            return err_set(err, ERR_USAGE, MSG_QUERY_PICK, ARGS(A_CSTR(pick)));
        }
        ret_options->pick = is_nearest ? JOIN_NEAREST : JOIN_BEFORE;
    }
    if (status >= 0 && ret_options->lot_key.size > 0 && ret_options->lot == 0) {
        return err_set(err, ERR_USAGE, MSG_QUERY_LOT_KEY, NO_ARGS);
    }
    return status;
}

static int put_rows(const struct join_question *q, const struct join_options *options,
    struct join *join, struct err *err) {
    struct join_text text = {.out = &q->call->out,
        .zone = q->zone,
        .tag_count = q->tag_count,
        .as_json = q->as_json,
        .with_lot = options->lot != 0};
    AUTO_FREE struct str *names = MEM_ARRAY(struct str, q->tag_count);
    for (uint32_t i = 0; i < q->tag_count; i++) {
        names[i] = catalogue_tag(q->catalogue, q->tags[i])->name;
    }
    join_text_head(&text, names);
    struct join_row row;
    int status;
    while ((status = join_next(join, &row, err)) > 0) {
        join_text_row(&text, &row);
        status = call_flush(q->call, false, err);
        if (status < 0) {
            return status;
        }
    }
    join_text_foot(&text);
    return status;
}

int query_join(const struct join_question *question, struct err *err) {
    struct join_options options;
    int status = call_usage(read_options(question, &options, err), err);
    struct join *join = NULL;
    if (status >= 0) {
        status = join_open(plant_historian(question->plant), &options, &join, err);
    }
    if (status >= 0) {
        status = put_rows(question, &options, join, err);
    }
    join_close(join);
    return status;
}
