/*
 * Rows of master data, all nouns by one code: statements are made from nouns.def, so that a new
 * field is a line there and a column in the schema. A row is compared with what stands by its
 * texts: one meaning has one text (master_field.c), so equal texts are equal rows, and nothing is
 * written for them. What refers to a row is asked from the schema itself and not from a list that
 * could be forgotten.
 */
#include "production/master.h"

#include <string.h>

#include "core/hangul.h"
#include "core/json.h"
#include "production/master_field.h"
#include "production/master_rule.h"
#include "production/words.h"

enum { SQL_BYTES = 16 << 10, NOTE_BYTES = 32 << 10 };

/* The field, then the noun, around a fact. */
static int in_field(enum noun_id noun, const struct field *field, struct err *err) {
    if (field != NULL) {
        (void)err_context(err, field->words, NO_ARGS);
    }
    return err_context(err, noun_words(noun), NO_ARGS);
}

const struct field *master_fault_field(enum noun_id noun, const struct err *err) {
    const struct field *field = NULL;
    for (uint32_t i = 0; (field = noun_field(noun, i)) != NULL; i++) {
        for (uint32_t n = 1; n < err->note_count; n++) {
            if (err->notes[n].msg == (uint16_t)field->words) {
                return field;
            }
        }
    }
    return NULL;
}

/* ---- Reading ---- */

static void select_rows(enum noun_id noun, struct buf *sql) {
    buf_put_str(sql, STR("SELECT t.number, t.changed_ns"));
    const struct field *field = NULL;
    for (uint32_t i = 0; (field = noun_field(noun, i)) != NULL; i++) {
        buf_put_str(sql, STR(", "));
        field_select(field, sql);
    }
    buf_printf(sql, " FROM \"%s\" t WHERE ", noun_name(noun));
}

static void read_row(
    struct ledger_stmt *stmt, enum noun_id noun, struct arena *arena, struct master_row *row) {
    const struct field *field = NULL;
    *row = (struct master_row){
        .number = ledger_column_i64(stmt, 0), .changed_ns = ledger_column_i64(stmt, 1)};
    for (uint32_t i = 0; (field = noun_field(noun, i)) != NULL; i++) {
        row->fields[i] = field_read(stmt, (int)i + 2, field, arena);
    }
}

int master_get(struct ledger_tx *tx, enum noun_id noun, int64_t number, struct arena *arena,
    struct master_row *ret_row, struct err *err) {
    AUTO_BUF struct buf sql;
    buf_init(&sql, SQL_BYTES);
    select_rows(noun, &sql);
    buf_put_str(&sql, STR("t.number = ?1"));
    struct ledger_stmt *stmt = NULL;
    int status = ledger_prepare(tx, buf_z(&sql), &stmt, err);
    if (status < 0) {
        return status;
    }
    ledger_bind_i64(stmt, 1, number);
    status = ledger_step(stmt, err);
    if (status > 0) {
        read_row(stmt, noun, arena, ret_row);
        return 0;
    }
    if (status == 0) {
        (void)err_set(err, ERR_NOT_FOUND, SAY(PRODUCTION_ROW_UNKNOWN), ARGS(A_INT(number)));
        status = in_field(noun, NULL, err);
    }
    return status;
}

int master_find(struct ledger_tx *tx, enum noun_id noun, struct str code, int64_t *ret_number,
    struct err *err) {
    int64_t number = 0;
    int status = field_number(tx, FIELD_KIND_REF, noun_name(noun), code, &number, err);
    if (status >= 0 && number == 0) {
        (void)err_set(err, ERR_NOT_FOUND, SAY(PRODUCTION_V_KNOWN), ARGS(A_STR(code)));
        return in_field(noun, NULL, err);
    }
    if (status >= 0) {
        *ret_number = number;
    }
    return status;
}

/* Numbers and flags are not looked through: "1" would find everything. */
static bool is_found(enum noun_id noun, const struct master_row *row, struct str search) {
    const struct field *field = NULL;
    for (uint32_t i = 0; (field = noun_field(noun, i)) != NULL; i++) {
        bool is_number = field->kind == FIELD_KIND_FLAG || field->kind == FIELD_KIND_QUANTITY ||
                         field->kind == FIELD_KIND_MONEY || field->kind == FIELD_KIND_SECONDS ||
                         field->kind == FIELD_KIND_COUNT || field->kind == FIELD_KIND_NUMBER;
        if (!is_number && !field_is_personal(field) && row->fields[i].size > 0 &&
            hangul_contains(row->fields[i], search)) {
            return true;
        }
    }
    return false;
}

static bool has_field(enum noun_id noun, const char *name) {
    const struct field *field = NULL;
    for (uint32_t i = 0; (field = noun_field(noun, i)) != NULL; i++) {
        if (strcmp(field->name, name) == 0) {
            return true;
        }
    }
    return false;
}

int master_list(struct ledger_tx *tx, enum noun_id noun, const struct master_query *query,
    struct arena *arena, struct master_row *ret_rows, uint32_t max, struct err *err) {
    AUTO_BUF struct buf sql;
    buf_init(&sql, SQL_BYTES);
    select_rows(noun, &sql);
    buf_put_str(&sql, STR("t.number > ?1"));
    if (query->only_active && has_field(noun, "active")) {
        buf_put_str(&sql, STR(" AND t.active = 1"));
    }
    buf_put_str(&sql, STR(" ORDER BY t.number"));
    struct ledger_stmt *stmt = NULL;
    int status = ledger_prepare(tx, buf_z(&sql), &stmt, err);
    if (status < 0) {
        return status;
    }
    ledger_bind_i64(stmt, 1, query->after);
    AUTO_ARENA struct arena passing; // Of rows that are not asked for.
    arena_init(&passing, 0);
    uint32_t count = 0;
    while (count < max && (status = ledger_step(stmt, err)) > 0) {
        arena_reset(&passing);
        if (query->search.size > 0) {
            struct master_row row;
            read_row(stmt, noun, &passing, &row);
            if (!is_found(noun, &row, query->search)) {
                continue;
            }
        }
        read_row(stmt, noun, arena, &ret_rows[count++]);
    }
    return status < 0 ? status : (int)count;
}

/* ---- Writing ---- */

static int take_fields(struct ledger_tx *tx, enum noun_id noun, const struct master_row *row,
    uint32_t count, struct arena *arena, struct field_value *values, struct err *err) {
    for (uint32_t i = 0; i < count; i++) {
        const struct field *field = noun_field(noun, i);
        struct str text = row->fields[i].data != NULL ? row->fields[i] : STR_NONE;
        int status = field_take(tx, field, text, arena, &values[i], err);
        if (status < 0) {
            return in_field(noun, field, err);
        }
    }
    return 0;
}

/* The row with this key; 0: none. A part that is empty equals an empty one. */
static int find_key(struct ledger_tx *tx, enum noun_id noun, const struct field_value *values,
    int64_t *ret_number, struct err *err) {
    AUTO_BUF struct buf sql;
    buf_init(&sql, SQL_BYTES);
    uint32_t keys = noun_key_count(noun);
    buf_printf(&sql, "SELECT number FROM \"%s\" WHERE ", noun_name(noun));
    for (uint32_t i = 0; i < keys; i++) {
        buf_put_str(&sql, i > 0 ? STR(" AND ") : STR_NONE);
        field_column(noun_field(noun, i), &sql);
        buf_printf(&sql, " IS ?%u", i + 1);
    }
    struct ledger_stmt *stmt = NULL;
    int status = ledger_prepare(tx, buf_z(&sql), &stmt, err);
    if (status < 0) {
        return status;
    }
    for (uint32_t i = 0; i < keys; i++) {
        field_bind(stmt, (int)i + 1, &values[i]);
    }
    status = ledger_step(stmt, err);
    *ret_number = status > 0 ? ledger_column_i64(stmt, 0) : 0;
    return status < 0 ? status : 0;
}

int master_find_row(struct ledger_tx *tx, enum noun_id noun, const struct master_row *row,
    int64_t *ret_number, struct err *err) {
    struct field_value values[NOUN_FIELDS_MAX];
    AUTO_ARENA struct arena arena;
    arena_init(&arena, 0);
    int status = take_fields(tx, noun, row, noun_key_count(noun), &arena, values, err);
    return status < 0 ? status : find_key(tx, noun, values, ret_number, err);
}

/* What a scanner reads means one thing. */
static int check_single(struct ledger_tx *tx, enum noun_id noun, const char *name,
    const struct field_value *values, int64_t number, struct err *err) {
    uint32_t at = noun_field_at(noun, name);
    AUTO_BUF struct buf sql;
    buf_init(&sql, 256);
    buf_printf(&sql, "SELECT number FROM \"%s\" WHERE \"%s\" = ?1 AND \"%s\" <> ''",
        noun_name(noun), name, name);
    struct ledger_stmt *stmt = NULL;
    int status = ledger_prepare(tx, buf_z(&sql), &stmt, err);
    if (status < 0) {
        return status;
    }
    ledger_bind_str(stmt, 1, values[at].text);
    status = ledger_step(stmt, err);
    if (status > 0 && ledger_column_i64(stmt, 0) != number) {
        (void)err_set(err, ERR_EXISTS, SAY(PRODUCTION_V_TAKEN), ARGS(A_STR(values[at].text)));
        return in_field(noun, noun_field(noun, at), err);
    }
    return status < 0 ? status : 0;
}

static int check_room(struct ledger_tx *tx, enum noun_id noun, struct err *err) {
    for (int exact = 0; exact < 2; exact++) { // The highest number first: that costs nothing.
        AUTO_BUF struct buf sql;
        buf_init(&sql, 256);
        buf_printf(&sql, "SELECT coalesce(%s, 0) FROM \"%s\"",
            exact == 1 ? "count(*)" : "max(number)", noun_name(noun));
        struct ledger_stmt *stmt = NULL;
        int status = ledger_prepare(tx, buf_z(&sql), &stmt, err);
        status = status < 0 ? status : ledger_step(stmt, err);
        if (status < 0 || ledger_column_i64(stmt, 0) < NOUN_ROWS_MAX) {
            return status < 0 ? status : 0;
        }
    }
    (void)err_set(err, ERR_LIMIT, SAY(PRODUCTION_ROWS_FULL), ARGS(A_INT(NOUN_ROWS_MAX)));
    return in_field(noun, NULL, err);
}

static void insert_sql(enum noun_id noun, uint32_t count, struct buf *sql) {
    buf_printf(sql, "INSERT INTO \"%s\" (changed_ns", noun_name(noun));
    for (uint32_t i = 0; i < count; i++) {
        buf_put_str(sql, STR(", "));
        field_column(noun_field(noun, i), sql);
    }
    buf_put_str(sql, STR(") VALUES (?1"));
    for (uint32_t i = 0; i < count; i++) {
        buf_printf(sql, ", ?%u", i + 2);
    }
    buf_put_str(sql, STR(") RETURNING number"));
}

static void update_sql(enum noun_id noun, uint32_t count, struct buf *sql) {
    buf_printf(sql, "UPDATE \"%s\" SET changed_ns = ?1", noun_name(noun));
    for (uint32_t i = 0; i < count; i++) {
        buf_put_str(sql, STR(", "));
        field_column(noun_field(noun, i), sql);
        buf_printf(sql, " = ?%u", i + 2);
    }
    buf_printf(sql, " WHERE number = ?%u RETURNING number", count + 2);
}

static int store(struct ledger_tx *tx, enum noun_id noun, const struct field_value *values,
    int64_t number, int64_t *ret_number, struct err *err) {
    AUTO_BUF struct buf sql;
    buf_init(&sql, SQL_BYTES);
    uint32_t count = noun_field_count(noun);
    if (number == 0) {
        insert_sql(noun, count, &sql);
    } else {
        update_sql(noun, count, &sql);
    }
    struct ledger_stmt *stmt = NULL;
    int status = ledger_prepare(tx, buf_z(&sql), &stmt, err);
    if (status < 0) {
        return status;
    }
    ledger_bind_i64(stmt, 1, ledger_now_ns(tx));
    for (uint32_t i = 0; i < count; i++) {
        field_bind(stmt, (int)i + 2, &values[i]);
    }
    if (number != 0) {
        ledger_bind_i64(stmt, (int)count + 2, number);
    }
    status = ledger_step(stmt, err);
    if (status > 0) {
        *ret_number = ledger_column_i64(stmt, 0);
        status = ledger_step(stmt, err); // To its end, or nothing is done.
    }
    return status < 0 ? status : 0;
}

static int note(struct ledger_tx *tx, enum noun_id noun, int64_t number, const char *verb,
    const struct str *texts, struct str actor, struct err *err) {
    AUTO_BUF struct buf action;
    AUTO_BUF struct buf subject;
    AUTO_BUF struct buf payload;
    buf_init(&action, 64);
    buf_init(&subject, 64);
    buf_init(&payload, NOTE_BYTES);
    buf_printf(&action, "%s.%s", noun_name(noun), verb);
    buf_printf(&subject, "%s/%lld", noun_name(noun), (long long)number);
    struct json json;
    json_init(&json, &payload);
    json_object_begin(&json);
    for (uint32_t i = 0; i < noun_field_count(noun); i++) {
        json_put_str(&json, noun_field(noun, i)->name, texts[i]);
    }
    json_object_end(&json);
    return audit_append(tx, actor, buf_str(&action), buf_str(&subject), buf_str(&payload), err);
}

static bool is_same(enum noun_id noun, const struct master_row *row, const struct str *texts) {
    for (uint32_t i = 0; i < noun_field_count(noun); i++) {
        if (!str_eq(row->fields[i], texts[i])) {
            return false;
        }
    }
    return true;
}

/* Which row it is: the one asked for, or the one with the key. */
static int find_target(struct ledger_tx *tx, enum noun_id noun, const struct field_value *values,
    int64_t asked, int64_t *ret_number, struct err *err) {
    int64_t known = 0;
    int status = find_key(tx, noun, values, &known, err);
    if (status >= 0 && asked != 0 && known != 0 && known != asked) {
        (void)err_set(err, ERR_EXISTS, SAY(PRODUCTION_ROW_EXISTS), ARGS(A_STR(values[0].text)));
        return in_field(noun, noun_field(noun, noun_key_count(noun) - 1), err);
    }
    *ret_number = asked != 0 ? asked : known;
    return status;
}

static int check_row(struct ledger_tx *tx, enum noun_id noun, const struct field_value *values,
    int64_t number, struct err *err) {
    const struct field *fault = NULL;
    int status = master_row_rules(noun, values, &fault, err);
    if (status < 0) {
        return in_field(noun, fault, err);
    }
    if (noun == NOUN_ITEMS) {
        status = check_single(tx, noun, "gtin", values, number, err);
    }
    if (noun == NOUN_WORKERS) {
        status = check_single(tx, noun, "badge", values, number, err);
    }
    return status >= 0 && number == 0 ? check_room(tx, noun, err) : status;
}

int master_put(struct ledger_tx *tx, enum noun_id noun, const struct master_row *row,
    struct str actor, int64_t *ret_number, bool *ret_changed, struct err *err) {
    struct field_value values[NOUN_FIELDS_MAX];
    struct str texts[NOUN_FIELDS_MAX];
    struct master_row stands = {.number = 0};
    int64_t number = 0;
    AUTO_ARENA struct arena arena;
    arena_init(&arena, 0);
    int status = take_fields(tx, noun, row, noun_field_count(noun), &arena, values, err);
    status = status < 0 ? status : find_target(tx, noun, values, row->number, &number, err);
    status =
        status < 0 || number == 0 ? status : master_get(tx, noun, number, &arena, &stands, err);
    status = status < 0 ? status : check_row(tx, noun, values, number, err);
    if (status < 0) {
        return status;
    }
    for (uint32_t i = 0; i < noun_field_count(noun); i++) {
        texts[i] = values[i].text;
    }
    bool changed = number == 0 || !is_same(noun, &stands, texts);
    if (changed) {
        status = store(tx, noun, values, number, &number, err);
        status = status < 0 ? status : note(tx, noun, number, "put", texts, actor, err);
    }
    if (status >= 0) {
        *ret_number = number;
        *ret_changed = changed;
    }
    return status;
}

/* ---- Removing ---- */

/* Names the first place that refers to the row. */
static int check_used(struct ledger_tx *tx, enum noun_id noun, const struct master_row *row,
    const char *table, struct str column, struct err *err) {
    AUTO_BUF struct buf sql;
    buf_init(&sql, 512);
    buf_printf(&sql, "SELECT 1 FROM \"%s\" WHERE \"%.*s\" = ?1 LIMIT 1", table, STR_ARG(column));
    struct ledger_stmt *stmt = NULL;
    int status = ledger_prepare(tx, buf_z(&sql), &stmt, err);
    if (status < 0) {
        return status;
    }
    ledger_bind_i64(stmt, 1, row->number);
    status = ledger_step(stmt, err);
    if (status <= 0) {
        return status;
    }
    enum noun_id user = noun;
    bool is_noun = noun_of_name(str_of(table), &user);
    (void)err_set(err, ERR_CONFLICT, SAY(PRODUCTION_ROW_USED), ARGS(A_STR(row->fields[0])));
    return err_context(err, is_noun ? noun_words(user) : SAY(PRODUCTION_USED_RECORDS), NO_ARGS);
}

static int check_all_uses(
    struct ledger_tx *tx, enum noun_id noun, const struct master_row *row, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int status = ledger_prepare(tx,
        "SELECT m.name, f.\"from\" FROM sqlite_schema m, pragma_foreign_key_list(m.name) f"
        " WHERE m.type = 'table' AND f.\"table\" = ?1 ORDER BY m.rootpage",
        &stmt, err);
    if (status < 0) {
        return status;
    }
    ledger_bind_str(stmt, 1, str_of(noun_name(noun)));
    while ((status = ledger_step(stmt, err)) > 0) {
        char table[64];
        (void)str_copy_z(ledger_column_str(stmt, 0), table, sizeof table);
        status = check_used(tx, noun, row, table, ledger_column_str(stmt, 1), err);
        if (status < 0) {
            break;
        }
    }
    return status;
}

int master_remove(
    struct ledger_tx *tx, enum noun_id noun, int64_t number, struct str actor, struct err *err) {
    AUTO_ARENA struct arena arena;
    arena_init(&arena, 0);
    struct master_row row;
    int status = master_get(tx, noun, number, &arena, &row, err);
    status = status < 0 ? status : check_all_uses(tx, noun, &row, err);
    if (status < 0) {
        return status;
    }
    AUTO_BUF struct buf sql;
    buf_init(&sql, 256);
    buf_printf(&sql, "DELETE FROM \"%s\" WHERE number = ?1", noun_name(noun));
    struct ledger_stmt *stmt = NULL;
    status = ledger_prepare(tx, buf_z(&sql), &stmt, err);
    if (status >= 0) {
        ledger_bind_i64(stmt, 1, number);
        status = ledger_step(stmt, err);
    }
    return status < 0 ? status : note(tx, noun, number, "remove", row.fields, actor, err);
}
