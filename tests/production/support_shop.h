#ifndef TESTS_PRODUCTION_SUPPORT_SHOP_H
#define TESTS_PRODUCTION_SUPPORT_SHOP_H
/*
 * A small injection-moulding shop in a plant's ledger of its own, and events told in it the way a
 * terminal does. Names: items PELLET (material, kept by lot, 10 days shelf life), GREASE (not by
 * lot), CASE (semi), UNIT (product); places WH, FLOOR, SHIP, BAD (quarantine); partners ACME
 * (supplier), BETA (customer); machine press1; worker W1 with the badge 900001.
 */
#include "production/event.h"
#include "tests/ledger/support_ledger.h"

struct shop {
    struct place place;
    int64_t keys; // For events without a key.
    enum lang lang;
    bool manages;                // As whom events are told; true at first.
    bool later;                  // Told after a time without a network.
    struct historian *historian; // NULL at first.
    struct buf answer;           // Of the last event.
    struct err err;              // Of the last event that was refused.
};

void shop_open(struct shop *shop);
void shop_close(struct shop *shop);
/* Tells an event: members as "name=value", ended by NULL. The result of event_run. */
int shop_tell(struct shop *shop, const char *type, ...) __attribute__((sentinel));
/* The same under a key. */
int shop_tell_key(struct shop *shop, const char *key, const char *type, ...)
    __attribute__((sentinel));
/* It must be done; the words are printed when it is not. */
#define SHOP_DONE(shop, ...) assert_int_equal(shop_done((shop), shop_tell((shop), __VA_ARGS__)), 0)
int shop_done(struct shop *shop, int status); // Prints why not.
/* It must be refused with this code. */
#define SHOP_REFUSED(shop, code, ...)                                                              \
    assert_int_equal(shop_tell((shop), __VA_ARGS__, NULL), -(code))
/* Whether the last answer, or the words of the last refusal, hold a text. */
bool shop_answered(const struct shop *shop, const char *text);
bool shop_said(const struct shop *shop, const char *text);

#endif
