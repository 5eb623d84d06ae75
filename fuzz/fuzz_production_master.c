/* A field of master data from any text: what is taken has one spelling, which reads back as itself.
 * The first byte chooses the kind; kinds that name other rows need a ledger and are left out. */
#include "core/check.h"
#include "production/master_field.h"
#include "production/words.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const enum field_kind KINDS[] = {FIELD_KIND_CODE, FIELD_KIND_TEXT, FIELD_KIND_NOTE,
        FIELD_KIND_CHOICE, FIELD_KIND_FLAG, FIELD_KIND_QUANTITY, FIELD_KIND_MONEY,
        FIELD_KIND_SECONDS, FIELD_KIND_COUNT, FIELD_KIND_NUMBER, FIELD_KIND_DATE, FIELD_KIND_CLOCK,
        FIELD_KIND_BREAKS, FIELD_KIND_WEEKDAYS, FIELD_KIND_BUSINESS, FIELD_KIND_GTIN};
    if (size < 1) {
        return 0;
    }
    struct field field = {.name = "x",
        .kind = KINDS[data[0] % (sizeof KINDS / sizeof KINDS[0])],
        .need = FIELD_FREE,
        .preset = "",
        .words = SAY(PRODUCTION_F_CODE),
        .more = "product|semi|material"};
    struct field_value value;
    struct field_value again;
    struct arena arena;
    arena_init(&arena, 0);
    struct str text = {(const char *)data + 1, size - 1};
    struct err err = ERR_INIT;
    if (field_take(NULL, &field, text, &arena, &value, &err) >= 0) {
        CHECK(str_is_utf8(value.text, NULL));
        CHECK(field_take(NULL, &field, value.text, &arena, &again, &err) >= 0);
        CHECK(str_eq(value.text, again.text) && value.kind == again.kind);
        CHECK(value.i64 == again.i64 && value.f64 == again.f64);
    } else {
        CHECK(err.note_count > 0);
    }
    arena_fini(&arena);
    return 0;
}
