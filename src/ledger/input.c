/*
 * Checks of texts and lifetimes from outside.
 *
 * Control characters are refused because they would break what people later look at: CSV exports,
 * labels, log lines, terminals. NUL above all: SQLite and C would see a shorter text than the page.
 * Texts longer than their limit are refused, not cut: half a name is another name.
 */
#include "ledger/input.h"

#include "core/limits.h"

static const int64_t LIFETIME_MAX_NS = 36525LL * 86400 * NS_PER_S; // 100 years.

int input_text(const char *name, struct str text, size_t max, struct err *err) {
    if (text.size > max) {
        return err_set(err, ERR_INVALID, MSG_LEDGER_TEXT_LONG,
            ARGS(A_CSTR(name), A_INT(text.size), A_INT(max)));
    }
    size_t bad = 0;
    bool is_text = str_is_utf8(text, &bad);
    for (size_t i = 0; is_text && i < text.size; i++) {
        unsigned char c = (unsigned char)text.data[i];
        if (c < 0x20 || c == 0x7f) {
            is_text = false;
            bad = i;
        }
    }
    if (!is_text) {
        return err_set(err, ERR_INVALID, MSG_LEDGER_TEXT_BAD, ARGS(A_CSTR(name), A_INT(bad)));
    }
    return 0;
}

int input_lifetime(int64_t lifetime_ns, struct err *err) {
    if (lifetime_ns <= 0 || lifetime_ns > LIFETIME_MAX_NS) {
        return err_set(err, ERR_INVALID, MSG_LEDGER_LIFETIME_BAD, NO_ARGS);
    }
    return 0;
}
