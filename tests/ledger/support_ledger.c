/*
 * What all ledger tests share.
 */
#include "tests/ledger/support_ledger.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/buf.h"
#include "core/file.h"

static void explain(const struct err *err) {
    AUTO_BUF struct buf words;
    buf_init(&words, 4096);
    err_render(err, LANG_EN, &words);
    print_message("%s\n", buf_z(&words));
}

void place_init(struct place *place, enum ledger_kind kind) {
    *place = (struct place){.kind = kind, .dir = "/tmp/maru-ledger-XXXXXX"};
    assert_non_null(mkdtemp(place->dir));
    (void)snprintf(place->path, sizeof place->path, "%s/ledger.db", place->dir);
    clock_fake_init(&place->clock, PLACE_START_S * NS_PER_S);
    place_reopen(place);
}

void place_reopen(struct place *place) {
    ledger_close(place->ledger);
    place->ledger = NULL;
    struct err err = ERR_INIT;
    int result = ledger_open(place->path, place->kind, &place->clock.clock, &place->ledger, &err);
    if (result < 0) {
        explain(&err);
    }
    assert_int_equal(result, 0);
}

void place_fini(struct place *place) {
    ledger_close(place->ledger);
    assert_int_equal(dir_remove_all(place->dir, NULL), 0);
}

void place_write(struct place *place, ledger_fn fn, void *context) {
    struct err err = ERR_INIT;
    int result = ledger_write(place->ledger, fn, context, &err);
    if (result < 0) {
        explain(&err);
    }
    assert_int_equal(result, 0);
}

void place_read(struct place *place, ledger_fn fn, void *context) {
    struct err err = ERR_INIT;
    int result = ledger_read(place->ledger, fn, context, &err);
    if (result < 0) {
        explain(&err);
    }
    assert_int_equal(result, 0);
}

static int run_sql(struct ledger_tx *tx, void *context, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int result = ledger_prepare(tx, context, &stmt, err);
    while (result == 0 && (result = ledger_step(stmt, err)) == 1) {
        result = 0;
        break;
    }
    return result;
}

void place_sql(struct place *place, const char *sql) {
    AUTO_FREE char *copy = mem_copy_z(str_of(sql));
    place_write(place, run_sql, copy);
}

struct number_query {
    const char *sql;
    int64_t number;
};

static int read_number(struct ledger_tx *tx, void *context, struct err *err) {
    struct number_query *query = context;
    struct ledger_stmt *stmt = NULL;
    int result = ledger_prepare(tx, query->sql, &stmt, err);
    if (result == 0) {
        result = ledger_step(stmt, err);
    }
    if (result == 1) {
        query->number = ledger_column_i64(stmt, 0);
        result = 0;
    }
    return result;
}

int64_t place_number(struct place *place, const char *sql) {
    struct number_query query = {.sql = sql};
    place_read(place, read_number, &query);
    return query.number;
}

void place_scribble(struct place *place, long offset, const void *bytes, size_t size) {
    FILE *file = fopen(place->path, "r+b");
    assert_non_null(file);
    assert_int_equal(fseek(file, offset, SEEK_SET), 0);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

struct tag tag_of(const char *name) {
    return (struct tag){
        .type = TYPE_F64,
        .name = str_of(name),
        .scale = 1,
        .min = (double)NAN,
        .max = (double)NAN,
        .dead_band = (double)NAN,
        .active = true,
    };
}
