/*
 * The shop of the tests: rows are written past the rules of master data, which have tests of their
 * own.
 */
#include "tests/production/support_shop.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const char *const ROWS[] = {
    "INSERT INTO assets (number, id, level, display, kind) VALUES (1, 'press1', 'equipment', "
    "'Press 1', 'press')",
    "INSERT INTO partners (number, changed_ns, code, name, kind, business_number, contact, phone, "
    "mail, address, active, note) VALUES (1, 0, 'ACME', 'Acme', 'supplier', '', '', '', '', '', 1, "
    "''), (2, 0, 'BETA', 'Beta', 'customer', '', '', '', '', '', 1, '')",
    "INSERT INTO places (number, changed_ns, code, name, kind, active, note) VALUES (1, 0, 'WH', "
    "'Warehouse', 'warehouse', 1, ''), (2, 0, 'FLOOR', 'Floor', 'floor', 1, ''), (3, 0, 'SHIP', "
    "'Dock', 'warehouse', 1, ''), (4, 0, 'BAD', 'Bad', 'quarantine', 1, '')",
    "INSERT INTO items (number, changed_ns, code, name, kind, unit, spec, family, gtin, lots, "
    "place, shelf_days, active, note) VALUES "
    "(1, 0, 'PELLET', 'Pellets', 'material', 'kg', '', '', '', 1, 1, 10, 1, ''), "
    "(2, 0, 'GREASE', 'Grease', 'consumable', 'kg', '', '', '', 0, 1, NULL, 1, ''), "
    "(3, 0, 'CASE', 'Case', 'semi', 'EA', '', '', '', 1, 2, NULL, 1, ''), "
    "(4, 0, 'UNIT', 'Unit', 'product', 'EA', '', '', '', 1, 3, NULL, 1, '')",
    "INSERT INTO machines (number, changed_ns, asset, run_values, setup_values, maker, model, "
    "serial, bought, active, note) VALUES (1, 0, 1, '1', '', '', '', '', '', 1, '')",
    "INSERT INTO workers (number, changed_ns, code, name, team, badge, active, note) VALUES (1, 0, "
    "'W1', 'Kim', '', '900001', 1, '')"};

void shop_open(struct shop *shop) {
    *shop = (struct shop){.lang = LANG_EN, .manages = true};
    place_init(&shop->place, LEDGER_PLANT);
    buf_init(&shop->answer, EVENT_ANSWER_BYTES + 64);
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        place_sql(&shop->place, ROWS[i]);
    }
}

void shop_close(struct shop *shop) {
    buf_fini(&shop->answer);
    place_fini(&shop->place);
}

static int tell(struct shop *shop, const char *key, const char *type, va_list list) {
    struct event_member members[EVENT_MEMBERS_MAX + 8];
    struct event_call call = {.key = str_of(key),
        .type = str_of(type),
        .members = members,
        .actor = STR("kim"),
        .terminal = STR("T1"),
        .may_manage = shop->manages,
        .later = shop->later,
        .historian = shop->historian,
        .lang = shop->lang};
    for (const char *text = va_arg(list, const char *); text != NULL;
         text = va_arg(list, const char *)) {
        struct str rest = str_of(text);
        struct str name = str_cut(&rest, '=');
        members[call.member_count++] = (struct event_member){name, rest};
    }
    buf_clear(&shop->answer);
    shop->err = ERR_INIT;
    return event_run(shop->place.ledger, &call, &shop->answer, &shop->err);
}

int shop_tell_key(struct shop *shop, const char *key, const char *type, ...) {
    va_list list;
    va_start(list, type);
    int status = tell(shop, key, type, list);
    va_end(list);
    return status;
}

int shop_tell(struct shop *shop, const char *type, ...) {
    char key[32];
    (void)snprintf(key, sizeof key, "k%lld", (long long)++shop->keys);
    va_list list;
    va_start(list, type);
    int status = tell(shop, key, type, list);
    va_end(list);
    return status;
}

int shop_done(struct shop *shop, int status) {
    if (status < 0) {
        AUTO_BUF struct buf words;
        buf_init(&words, 4096);
        err_render(&shop->err, LANG_EN, &words);
        print_message("%s\n", buf_z(&words));
    }
    return status;
}

bool shop_answered(const struct shop *shop, const char *text) {
    AUTO_BUF struct buf copy;
    buf_init(&copy, EVENT_ANSWER_BYTES + 64);
    buf_put_str(&copy, buf_str(&shop->answer));
    return strstr(buf_z(&copy), text) != NULL;
}

bool shop_said(const struct shop *shop, const char *text) {
    AUTO_BUF struct buf words;
    buf_init(&words, 4096);
    err_render(&shop->err, shop->lang, &words);
    return strstr(buf_z(&words), text) != NULL;
}
