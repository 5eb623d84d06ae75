/*
 * Registers of a build. One table (registers.def) names the fields of all of them; statements,
 * checks, the interface's members and the columns of papers are made from it, so a field that is
 * added there is everywhere. Fields are texts as people wrote them: a register is read by people,
 * and nothing is computed from it but what ends soon, which dates of one form sort by themselves.
 */
#include "ledger/registers.h"

#include <math.h>

#include "core/json.h"
#include "core/time.h"
#include "ledger/db.h"
#include "ledger/input.h"

static const struct register_field HARDWARE_FIELDS[] = {
#define FIELD_HARDWARE(...) {__VA_ARGS__},
#define FIELD_TRAINING(...)
#define FIELD_SECURITY(...)
#define FIELD_DELIVERABLES(...)
#define FIELD(of, name, kind, max, needed, fixed, words, choices)                                  \
    FIELD_##of(name, FIELD_##kind, max, needed, fixed, MSG_##words, choices)
#include "ledger/registers.def"
#undef FIELD_HARDWARE
#undef FIELD_TRAINING
};
static const struct register_field TRAINING_FIELDS[] = {
#define FIELD_HARDWARE(...)
#define FIELD_TRAINING(...) {__VA_ARGS__},
#include "ledger/registers.def"
#undef FIELD_TRAINING
#undef FIELD_SECURITY
};
static const struct register_field SECURITY_FIELDS[] = {
#define FIELD_TRAINING(...)
#define FIELD_SECURITY(...) {__VA_ARGS__},
#include "ledger/registers.def"
#undef FIELD_SECURITY
#undef FIELD_DELIVERABLES
};
static const struct register_field DELIVERABLE_FIELDS[] = {
#define FIELD_SECURITY(...)
#define FIELD_DELIVERABLES(...) {__VA_ARGS__},
#include "ledger/registers.def"
#undef FIELD
};

#define COUNT_OF(array) (uint32_t)(sizeof(array) / sizeof(array)[0])

static const struct {
    const char *name;
    const char *table;
    const struct register_field *fields;
    uint32_t count;
} REGISTERS[REGISTER_COUNT] = {
    [REGISTER_HARDWARE] = {"hardware", "hardware", HARDWARE_FIELDS, COUNT_OF(HARDWARE_FIELDS)},
    [REGISTER_TRAINING] = {"training", "trainings", TRAINING_FIELDS, COUNT_OF(TRAINING_FIELDS)},
    [REGISTER_SECURITY] = {"security", "security_products", SECURITY_FIELDS,
        COUNT_OF(SECURITY_FIELDS)},
    [REGISTER_DELIVERABLES] = {"deliverables", "deliverables", DELIVERABLE_FIELDS,
        COUNT_OF(DELIVERABLE_FIELDS)},
};
_Static_assert(COUNT_OF(HARDWARE_FIELDS) <= REGISTER_FIELDS_MAX, "a row holds all fields");
_Static_assert(COUNT_OF(TRAINING_FIELDS) <= REGISTER_FIELDS_MAX, "a row holds all fields");
_Static_assert(COUNT_OF(SECURITY_FIELDS) <= REGISTER_FIELDS_MAX, "a row holds all fields");
_Static_assert(COUNT_OF(DELIVERABLE_FIELDS) <= REGISTER_FIELDS_MAX, "a row holds all fields");

const char *register_name(enum register_id id) {
    return REGISTERS[id].name;
}

bool register_of_name(struct str name, enum register_id *ret_id) {
    for (int i = 0; i < REGISTER_COUNT; i++) {
        if (str_eq(name, str_of(REGISTERS[i].name))) {
            *ret_id = (enum register_id)i;
            return true;
        }
    }
    return false;
}

const struct register_field *register_fields(enum register_id id, uint32_t *ret_count) {
    *ret_count = REGISTERS[id].count;
    return REGISTERS[id].fields;
}

int register_field_index(enum register_id id, const char *name) {
    for (uint32_t i = 0; i < REGISTERS[id].count; i++) {
        if (str_eq(str_of(REGISTERS[id].fields[i].name), str_of(name))) {
            return (int)i;
        }
    }
    return -1;
}

/* ---- Checks ---- */

static bool is_choice(struct str value, const char *choices) {
    struct str rest = str_of(choices);
    while (rest.size > 0) {
        if (str_eq(str_cut(&rest, '|'), value)) {
            return true;
        }
    }
    return false;
}

static int find_row(
    struct ledger_tx *tx, const char *sql, struct str value, enum msg_id words, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int status = ledger_prepare(tx, sql, &stmt, err);
    if (status < 0) {
        return status;
    }
    ledger_bind_str(stmt, 1, value);
    status = ledger_step(stmt, err);
    return status == 0 ? err_set(err, ERR_NOT_FOUND, words, ARGS(A_STR(value))) : status;
}

static int check_kind(
    struct ledger_tx *tx, const struct register_field *field, struct str value, struct err *err) {
    int64_t time_ns = 0;
    double hours = 0;
    switch (field->kind) {
    case FIELD_TEXT: break;
    case FIELD_DATE:
        if (value.size != 10 || !time_parse(value, NULL, &time_ns)) {
            return err_set(
                err, ERR_INVALID, MSG_PAPERS_DATE, ARGS(A_CSTR(field->name), A_STR(value)));
        }
        break;
    case FIELD_CHOICE:
        if (!is_choice(value, field->choices)) {
            return err_set(err, ERR_INVALID, MSG_PAPERS_CHOICE,
                ARGS(A_CSTR(field->name), A_STR(value), A_CSTR(field->choices)));
        }
        break;
    case FIELD_HOURS:
        if (!str_to_f64(value, &hours) || !(hours >= 0 && hours <= 10000)) {
            return err_set(err, ERR_INVALID, MSG_PAPERS_HOURS, ARGS(A_STR(value)));
        }
        break;
    case FIELD_ASSET:
        return find_row(tx, "SELECT 1 FROM assets WHERE id = ?1", value, MSG_PAPERS_NO_ASSET, err);
    case FIELD_FILE:
        return find_row(tx, "SELECT 1 FROM deliverables WHERE CAST(number AS TEXT) = ?1", value,
            MSG_PAPERS_NO_FILE, err);
    }
    return 0;
}

static int check_row(
    struct ledger_tx *tx, enum register_id id, const struct register_row *row, struct err *err) {
    for (uint32_t i = 0; i < REGISTERS[id].count; i++) {
        const struct register_field *field = &REGISTERS[id].fields[i];
        struct str value = row->fields[i];
        if (field->needed && value.size == 0) {
            return err_set(err, ERR_INVALID, MSG_PAPERS_NEEDED, ARGS(A_CSTR(field->name)));
        }
        int status = input_text(field->name, value, field->bytes_max, err);
        if (status >= 0 && value.size > 0) {
            status = check_kind(tx, field, value, err);
        }
        if (status < 0) {
            return status;
        }
    }
    return 0;
}

/* ---- Rows ---- */

static int note(struct ledger_tx *tx, enum register_id id, const struct register_row *row,
    const char *verb, struct str actor, struct err *err) {
    AUTO_BUF struct buf payload;
    buf_init(&payload, 65536);
    struct json json;
    json_init(&json, &payload);
    json_object_begin(&json);
    for (uint32_t i = 0; i < REGISTERS[id].count; i++) {
        json_put_str(&json, REGISTERS[id].fields[i].name, row->fields[i]);
    }
    json_object_end(&json);
    AUTO_BUF struct buf action;
    AUTO_BUF struct buf subject;
    buf_init(&action, 64);
    buf_init(&subject, 64);
    buf_printf(&action, "%s.%s", REGISTERS[id].name, verb);
    buf_printf(&subject, "%s/%lld", REGISTERS[id].name, (long long)row->number);
    return audit_append(tx, actor, buf_str(&action), buf_str(&subject), buf_str(&payload), err);
}

static void select_columns(enum register_id id, struct buf *sql) {
    buf_printf(sql, "SELECT number, changed_ns");
    for (uint32_t i = 0; i < REGISTERS[id].count; i++) {
        buf_printf(sql, ", %s", REGISTERS[id].fields[i].name);
    }
    buf_printf(sql, " FROM %s", REGISTERS[id].table);
}

static void take_row(
    enum register_id id, struct ledger_stmt *stmt, struct arena *arena, struct register_row *row) {
    row->number = ledger_column_i64(stmt, 0);
    row->changed_ns = ledger_column_i64(stmt, 1);
    for (uint32_t i = 0; i < REGISTERS[id].count; i++) {
        row->fields[i] = arena_copy(arena, ledger_column_str(stmt, (int)i + 2));
    }
}

static int no_row(enum register_id id, int64_t number, struct err *err) {
    return err_set(
        err, ERR_NOT_FOUND, MSG_PAPERS_NO_ROW, ARGS(A_CSTR(REGISTERS[id].name), A_INT(number)));
}

static int check_room(struct ledger_tx *tx, enum register_id id, struct err *err) {
    AUTO_BUF struct buf sql;
    buf_init(&sql, 256);
    buf_printf(&sql, "SELECT count(*) FROM %s", REGISTERS[id].table);
    int64_t rows = 0;
    int status = db_number(tx->db, buf_z(&sql), &rows, err);
    return status >= 0 && rows >= REGISTER_ROWS_MAX
               ? err_set(err, ERR_LIMIT, MSG_PAPERS_FULL, ARGS(A_INT(REGISTER_ROWS_MAX)))
               : status;
}

static int insert(struct ledger_tx *tx, enum register_id id, const struct register_row *row,
    int64_t *ret_number, struct err *err) {
    AUTO_BUF struct buf sql;
    buf_init(&sql, 4096);
    buf_printf(&sql, "INSERT INTO %s (changed_ns", REGISTERS[id].table);
    for (uint32_t i = 0; i < REGISTERS[id].count; i++) {
        buf_printf(&sql, ", %s", REGISTERS[id].fields[i].name);
    }
    buf_printf(&sql, ") VALUES (?1");
    for (uint32_t i = 0; i < REGISTERS[id].count; i++) {
        buf_printf(&sql, ", ?%u", i + 2);
    }
    buf_printf(&sql, ") RETURNING number");
    struct ledger_stmt *stmt = NULL;
    int status = check_room(tx, id, err);
    status = status < 0 ? status : ledger_prepare(tx, buf_z(&sql), &stmt, err);
    if (status < 0) {
        return status;
    }
    ledger_bind_i64(stmt, 1, ledger_now_ns(tx));
    for (uint32_t i = 0; i < REGISTERS[id].count; i++) {
        ledger_bind_str(stmt, (int)i + 2, row->fields[i]);
    }
    status = ledger_step(stmt, err);
    if (status > 0) {
        *ret_number = ledger_column_i64(stmt, 0);
        status = ledger_step(stmt, err);
    }
    return status < 0 ? status : 0;
}

static int update(
    struct ledger_tx *tx, enum register_id id, const struct register_row *row, struct err *err) {
    AUTO_BUF struct buf sql;
    buf_init(&sql, 4096);
    buf_printf(&sql, "UPDATE %s SET changed_ns = ?2", REGISTERS[id].table);
    for (uint32_t i = 0; i < REGISTERS[id].count; i++) {
        buf_printf(&sql, ", %s = ?%u", REGISTERS[id].fields[i].name, i + 3);
    }
    buf_printf(&sql, " WHERE number = ?1");
    struct ledger_stmt *stmt = NULL;
    int status = ledger_prepare(tx, buf_z(&sql), &stmt, err);
    if (status < 0) {
        return status;
    }
    ledger_bind_i64(stmt, 1, row->number);
    ledger_bind_i64(stmt, 2, ledger_now_ns(tx));
    for (uint32_t i = 0; i < REGISTERS[id].count; i++) {
        ledger_bind_str(stmt, (int)i + 3, row->fields[i]);
    }
    status = ledger_step(stmt, err);
    return status < 0 ? status : db_changes(tx->db) == 0 ? no_row(id, row->number, err) : 0;
}

int register_put(struct ledger_tx *tx, enum register_id id, const struct register_row *row,
    struct str actor, int64_t *ret_number, struct err *err) {
    struct register_row stored = *row;
    int status = check_row(tx, id, row, err);
    if (status >= 0) {
        status =
            row->number == 0 ? insert(tx, id, row, &stored.number, err) : update(tx, id, row, err);
    }
    status = status < 0 ? status : note(tx, id, &stored, "put", actor, err);
    if (status >= 0) {
        *ret_number = stored.number;
    }
    return status < 0 ? status : 0;
}

int register_get(struct ledger_tx *tx, enum register_id id, int64_t number, struct arena *arena,
    struct register_row *ret_row, struct err *err) {
    AUTO_BUF struct buf sql;
    buf_init(&sql, 4096);
    select_columns(id, &sql);
    buf_printf(&sql, " WHERE number = ?1");
    struct ledger_stmt *stmt = NULL;
    int status = ledger_prepare(tx, buf_z(&sql), &stmt, err);
    if (status < 0) {
        return status;
    }
    ledger_bind_i64(stmt, 1, number);
    status = ledger_step(stmt, err);
    if (status <= 0) {
        return status < 0 ? status : no_row(id, number, err);
    }
    take_row(id, stmt, arena, ret_row);
    return 0;
}

int register_list(struct ledger_tx *tx, enum register_id id, int64_t after, struct arena *arena,
    struct register_row *ret_rows, uint32_t max, struct err *err) {
    AUTO_BUF struct buf sql;
    buf_init(&sql, 4096);
    select_columns(id, &sql);
    buf_printf(&sql, " WHERE number > ?1 ORDER BY number LIMIT ?2");
    struct ledger_stmt *stmt = NULL;
    int status = ledger_prepare(tx, buf_z(&sql), &stmt, err);
    if (status < 0) {
        return status;
    }
    ledger_bind_i64(stmt, 1, after);
    ledger_bind_i64(stmt, 2, max);
    int count = 0;
    while ((status = ledger_step(stmt, err)) > 0) {
        take_row(id, stmt, arena, &ret_rows[count++]);
    }
    return status < 0 ? status : count;
}

/* A file that another register names stays. */
static int check_unnamed(
    struct ledger_tx *tx, enum register_id id, int64_t number, struct err *err) {
    static const struct {
        const char *sql;
        enum msg_id words;
    } NAMERS[] = {{"SELECT number FROM trainings WHERE file = CAST(?1 AS TEXT) LIMIT 1",
                      MSG_PAPERS_FILE_NAMED},
        {"SELECT number FROM security_products WHERE file = CAST(?1 AS TEXT) LIMIT 1",
            MSG_PAPERS_FILE_OF_SECURITY},
        {"SELECT v.number FROM indicator_values v JOIN indicators i ON i.number = v.number WHERE "
         "v.file = CAST(?1 AS TEXT) AND i.removed_ns IS NULL LIMIT 1",
            MSG_PAPERS_FILE_OF_INDICATOR}};
    for (size_t i = 0; i < COUNT_OF(NAMERS) && id == REGISTER_DELIVERABLES; i++) {
        struct ledger_stmt *stmt = NULL;
        int status = ledger_prepare(tx, NAMERS[i].sql, &stmt, err);
        if (status < 0) {
            return status;
        }
        ledger_bind_i64(stmt, 1, number);
        status = ledger_step(stmt, err);
        if (status != 0) {
            return status < 0 ? status
                              : err_set(err, ERR_CONFLICT, NAMERS[i].words,
                                    ARGS(A_INT(ledger_column_i64(stmt, 0))));
        }
    }
    return 0;
}

int register_remove(
    struct ledger_tx *tx, enum register_id id, int64_t number, struct str actor, struct err *err) {
    AUTO_ARENA struct arena arena;
    arena_init(&arena, 0);
    AUTO_BUF struct buf sql;
    buf_init(&sql, 256);
    buf_printf(&sql, "DELETE FROM %s WHERE number = ?1", REGISTERS[id].table);
    struct register_row row;
    struct ledger_stmt *stmt = NULL;
    int status = register_get(tx, id, number, &arena, &row, err);
    status = status < 0 ? status : check_unnamed(tx, id, number, err);
    status = status < 0 ? status : ledger_prepare(tx, buf_z(&sql), &stmt, err);
    if (status < 0) {
        return status;
    }
    ledger_bind_i64(stmt, 1, number);
    status = ledger_step(stmt, err);
    return status < 0 ? status : note(tx, id, &row, "remove", actor, err);
}

int register_bytes_used(struct ledger_tx *tx, struct str sha256, bool *ret_used, struct err *err) {
    struct ledger_stmt *stmt = NULL;
    int status = ledger_prepare(tx,
        "SELECT 1 FROM deliverables WHERE sha256 = ?1 UNION ALL SELECT 1 FROM "
        "attachments WHERE sha256 = ?1 LIMIT 1",
        &stmt, err);
    if (status < 0) {
        return status;
    }
    ledger_bind_str(stmt, 1, sha256);
    status = ledger_step(stmt, err);
    if (status >= 0) {
        *ret_used = status > 0;
    }
    return status < 0 ? status : 0;
}
