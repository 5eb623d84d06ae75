/*
 * Copies and digests of a ledger's file, what was erased in it, and putting it in order.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/file.h"
#include "ledger/upkeep.h"
#include "tests/ledger/support_ledger.h"

static void digest_of(const char *path, uint8_t digest[DIGEST_BYTES], struct audit_head *head) {
    assert_int_equal(ledger_file_digest(path, digest, head, NULL), 0);
}

static int add_tags(struct ledger_tx *tx, void *context, struct err *err) {
    int count = *(int *)context;
    for (int i = 0; i < count; i++) {
        char name[32];
        uint32_t number = 0;
        bool changed = false;
        (void)snprintf(name, sizeof name, "line.tag%04d", count - i);
        struct tag tag = tag_of(name);
        int status = tag_put(tx, &tag, &number, &changed, err);
        if (status < 0) {
            return status;
        }
    }
    return audit_append(tx, STR("a"), STR("b"), STR("user:kim"), STR("a name"), err);
}

static int add_entry(struct ledger_tx *tx, void *context, struct err *err) {
    (void)context;
    return audit_append(tx, STR("a"), STR("b"), STR("user:kim"), STR("a name"), err);
}

static void a_copy_says_the_same_until_something_changes(void **state) {
    (void)state;
    struct place place;
    place_init(&place, LEDGER_PLANT);
    int count = 300;
    place_write(&place, add_tags, &count);
    char path[160];
    uint8_t first[DIGEST_BYTES];
    uint8_t second[DIGEST_BYTES];
    struct audit_head head;
    (void)snprintf(path, sizeof path, "%s/copy.db", place.dir);
    assert_int_equal(ledger_copy(place.ledger, path, NULL), 0);
    digest_of(path, first, &head);
    assert_int_equal(head.sequence, place_number(&place, "SELECT max(sequence) FROM audit"));
    digest_of(place.path, second, NULL);
    assert_memory_equal(first, second, DIGEST_BYTES);
    uint32_t newest = 0;
    assert_int_equal(ledger_file_tag_newest(path, &newest, NULL), 0);
    assert_int_equal(newest, 300);
    place_sql(&place, "UPDATE tags SET unit = 'x' WHERE number = 5");
    digest_of(place.path, second, NULL);
    assert_memory_not_equal(first, second, DIGEST_BYTES);
    place_fini(&place);
}

static void order_gives_room_back_and_changes_nothing(void **state) {
    (void)state;
    struct place place;
    place_init(&place, LEDGER_PLANT);
    int count = 100;
    place_write(&place, add_tags, &count);
    place_sql(&place, "CREATE TABLE gone (x TEXT) STRICT");
    place_sql(&place,
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000)"
        " INSERT INTO gone SELECT hex(randomblob(100)) FROM n");
    place_sql(&place, "DROP TABLE gone");
    uint8_t before[DIGEST_BYTES];
    uint8_t after[DIGEST_BYTES];
    struct ledger_order order;
    digest_of(place.path, before, NULL);
    assert_int_equal(ledger_optimize(place.ledger, 1, &order, NULL), 0);
    assert_false(order.rewritten); // Larger than allowed.
    assert_int_equal(ledger_optimize(place.ledger, 64 << 20, &order, NULL), 0);
    assert_true(order.rewritten && order.bytes_after < order.bytes_before && order.indexes > 0);
    digest_of(place.path, after, NULL);
    assert_memory_equal(before, after, DIGEST_BYTES);
    assert_int_equal(ledger_verify(place.ledger, NULL), 0);
    place_write(&place, add_entry, NULL); // It goes on being written to.
    place_fini(&place);
}

static int each_tag(void *context, uint32_t number, struct str name, struct err *err) {
    (void)number;
    (void)err;
    char *last = context;
    assert_true(str_cmp(str_of(last), name) < 0);
    (void)str_copy_z(name, last, 64);
    return 0;
}

static void tags_come_by_name(void **state) {
    (void)state;
    struct place place;
    place_init(&place, LEDGER_PLANT);
    int count = 50;
    char last[64] = "";
    place_write(&place, add_tags, &count);
    assert_int_equal(ledger_file_tags(place.path, each_tag, last, NULL), 0);
    assert_string_equal(last, "line.tag0050");
    place_fini(&place);
}

static int take_one(void *context, const struct erasure *erasure, struct err *err) {
    (void)err;
    *(struct erasure *)context = *erasure;
    return 0;
}

static int erase_and_list(struct ledger_tx *tx, void *context, struct err *err) {
    int status = audit_erase(tx, STR("user:kim"), err);
    return status < 0 ? status : audit_erasures(tx, take_one, context, err);
}

static int erase_again(struct ledger_tx *tx, void *context, struct err *err) {
    return audit_erase_entry(tx, context, err) < 0 ? -1 : audit_verify(tx, err);
}

static void an_erasure_names_its_entry_and_no_other(void **state) {
    (void)state;
    struct place place;
    place_init(&place, LEDGER_HUB);
    place_write(&place, add_entry, NULL);
    char path[160];
    (void)snprintf(path, sizeof path, "%s/copy.db", place.dir);
    assert_int_equal(ledger_copy(place.ledger, path, NULL), 0);
    struct erasure erasure = {.sequence = 0};
    place_write(&place, erase_and_list, &erasure);
    assert_true(erasure.sequence > 0);
    struct ledger *copy = NULL;
    assert_int_equal(ledger_open(path, LEDGER_HUB, NULL, &copy, NULL), 0);
    struct erasure other = erasure;
    other.hash[0] ^= 1;
    assert_int_equal(ledger_write(copy, erase_again, &other, NULL), 0); // Another chain's.
    uint8_t first[DIGEST_BYTES];
    uint8_t second[DIGEST_BYTES];
    digest_of(path, first, NULL);
    assert_int_equal(ledger_write(copy, erase_again, &erasure, NULL), 0);
    digest_of(path, second, NULL);
    assert_memory_not_equal(first, second, DIGEST_BYTES);
    digest_of(place.path, first, NULL);
    assert_memory_equal(first, second, DIGEST_BYTES);
    ledger_close(copy);
    place_fini(&place);
}

/* ---- Tokens and owners ---- */

struct tokens {
    char secret[SECRET_TEXT_MAX];
    char id[64];
    uint32_t count;
};

static int note_token(void *context, const struct token_facts *token, struct err *err) {
    (void)err;
    struct tokens *tokens = context;
    tokens->count++;
    (void)str_copy_z(token->id, tokens->id, sizeof tokens->id);
    return 0;
}

static int make_and_list(struct ledger_tx *tx, void *context, struct err *err) {
    struct tokens *tokens = context;
    int status = token_new(tx,
        &(struct token_wish){.label = STR("phone"),
            .role = ROLE_VIEWER,
            .scopes = SCOPE_READ,
            .plant = STR_NONE,
            .created_by = STR_NONE},
        tokens->id, tokens->secret, err);
    return status < 0 ? status : token_each(tx, STR_NONE, note_token, tokens, err);
}

static int revoke(struct ledger_tx *tx, void *context, struct err *err) {
    struct tokens *tokens = context;
    struct principal principal;
    assert_int_equal(token_find(tx, str_of(tokens->secret), STR_NONE, &principal, err), 0);
    int status = token_revoke(tx, str_of(tokens->id), STR_NONE, err);
    struct err again = ERR_INIT;
    assert_int_equal(
        token_find(tx, str_of(tokens->secret), STR_NONE, &principal, &again), -ERR_UNAUTHENTICATED);
    assert_int_equal(token_revoke(tx, str_of(tokens->id), STR_NONE, &again), -ERR_NOT_FOUND);
    return status;
}

static void a_withdrawn_token_is_unknown(void **state) {
    (void)state;
    struct place place;
    place_init(&place, LEDGER_HUB);
    struct tokens tokens = {.count = 0};
    place_write(&place, make_and_list, &tokens);
    assert_int_equal(tokens.count, 1);
    place_write(&place, revoke, &tokens);
    place_fini(&place);
}

static int reset(struct ledger_tx *tx, void *context, struct err *err) {
    (void)context;
    char id[40];
    char same[40];
    struct user_key found;
    char session[SECRET_TEXT_MAX];
    struct err none = ERR_INIT;
    struct principal principal;
    static const char HASH[] = "$argon2id$new";
    assert_int_equal(user_owner_reset(tx, STR("kim"), HASH, same, &none), -ERR_NOT_FOUND);
    int status = user_create(tx, STR("kim"), STR("Kim"), ROLE_VIEWER, "$argon2id$old", id, err);
    status = status < 0 ? status
                        : session_new(tx,
                              &(struct session_wish){.user_id = str_of(id),
                                  .lifetime_ns = NS_PER_S * 60,
                                  .address = STR_NONE,
                                  .agent = STR_NONE},
                              session, err);
    status = status < 0 ? status : user_owner_reset(tx, STR("Kim"), HASH, same, err);
    status = status < 0 ? status : user_find(tx, STR("kim"), &found, err);
    assert_string_equal(id, same);
    assert_string_equal(found.id, id);
    assert_string_equal(found.hash, HASH);
    bool owner = false;
    assert_int_equal(hub_owner_exists(tx, &owner, &none), 0);
    assert_true(owner);
    assert_int_equal(
        session_find(tx, str_of(session), STR_NONE, &principal, &none), -ERR_UNAUTHENTICATED);
    return status;
}

static void a_reset_makes_an_owner_and_ends_sessions(void **state) {
    (void)state;
    struct place place;
    place_init(&place, LEDGER_HUB);
    place_write(&place, reset, NULL);
    place_fini(&place);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_copy_says_the_same_until_something_changes),
        cmocka_unit_test(order_gives_room_back_and_changes_nothing),
        cmocka_unit_test(tags_come_by_name),
        cmocka_unit_test(an_erasure_names_its_entry_and_no_other),
        cmocka_unit_test(a_withdrawn_token_is_unknown),
        cmocka_unit_test(a_reset_makes_an_owner_and_ends_sessions)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
