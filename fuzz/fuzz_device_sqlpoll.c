/*
 * Addresses of databases and the statements made of options. The first byte chooses the database,
 * the first line is the address, the second the mark, the rest the query (or, where it begins with
 * `t`, a table). Whatever is typed, a statement has as many placeholders as parameters.
 */
#include <stdint.h>
#include <string.h>

#include "core/check.h"
#include "device/drivers/sqlpoll.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 2) {
        return 0;
    }
    struct str rest = {.data = (const char *)data + 1, .size = size - 1};
    struct sql_address address;
    if (sql_address_parse(str_cut(&rest, '\n'), &address, NULL) == 0) {
        CHECK(address.database[0] != '\0');
        CHECK(address.kind == SQL_SQLITE || address.host[0] != '\0');
    }
    struct driver_settings settings = {0};
    settings.values[SQLPOLL_BATCH] = 10;
    settings.texts[SQLPOLL_MARK] = str_cut(&rest, '\n');
    bool is_table = str_starts(rest, STR("t"));
    settings.texts[is_table ? SQLPOLL_TABLE : SQLPOLL_QUERY] = rest;
    enum sql_kind kind = (enum sql_kind)(data[0] % 3);
    if (sql_check(&settings, kind, NULL) < 0) {
        return 0;
    }
    struct sql_statement statement;
    sql_statement_init(&statement, kind);
    sql_statement_rows(&statement, &settings, true);
    CHECK(!statement.text.overflow && statement.bind_count >= 4);
    CHECK(statement.bind_count <= SQL_BINDS_MAX);
    sql_statement_fini(&statement);
    return 0;
}
