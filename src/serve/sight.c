/*
 * Sights: which tags a grant gives, under which names and numbers.
 *
 * A tag's number tells how many tags the plant has, so readers by a grant get another one: the
 * number passed through a permutation of 30 bits (a Feistel network of four rounds of SipHash,
 * under a key of this run, the plant and the organisation), which two tags never share; and they
 * are listed by their shown names, since the order in which tags were made is one. A hidden name is
 * a pseudonym under the key of the plant and the organisation (plant_deident_key), so that it stays
 * the same for them and fits no other organisation's.
 *
 * Where several grants name one tag, one of them counts: that of the shortest step, then one that
 * shows names, then the one that begins earliest. So nobody ever reads what no single grant gives.
 */
#include "serve/sight.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "core/hash.h"
#include "core/log.h"
#include "core/random.h"
#include "core/thread.h"
#include "core/time.h"
#include "ledger/disclosure.h"
#include "ledger/grant.h"
#include "serve/call.h"
#include "serve/server.h"

/* Two people of different organisations look at all plants of a full home without pushing each
 * other's sights out; beyond, and where sights are many tags, the oldest go. */
enum { SIGHTS_KEPT = 128, TAGS_KEPT = 1 << 20, HALF_BITS = 15, ROUNDS = 4, METHOD_BYTES = 256 };

#define DAY_NS   (86400 * NS_PER_S)
#define CHECK_NS (NS_PER_S / 2) // How often it is looked whether a reader may still come in.

/* What one grant says. */
struct terms {
    struct str id;
    struct str purpose;
    struct str patterns;
    bool hide_names;
    int64_t step_ns;
    int64_t from_ns;
};

struct sight {
    _Atomic uint32_t references;
    struct plant *plant;
    char organisation[40];
    uint64_t change; // Of the grants.
    int64_t valid_until_ns;
    uint64_t fingerprint;
    _Atomic int64_t disclosed_until_ns; // The book of disclosures has all that is read before.
    struct catalogue *catalogue;
    struct arena arena;
    struct terms terms[GRANTS_OF_ONE_MAX];
    uint32_t term_count;
    struct seen_tag *tags; // By name.
    uint32_t count;
    uint32_t *by_number; // Places in `tags`.
};

struct sights {
    struct ledger *hub;
    uint64_t key[2];
    _Atomic uint64_t change;
    struct mutex mutex; // Of the rest.
    struct sight *kept[SIGHTS_KEPT];
    uint32_t next;
    uint64_t tags; // Of all that are kept.
};

/* ---- Life ---- */

struct sights *sights_new(struct ledger *hub) {
    struct sights *sights = MEM_NEW(struct sights);
    struct random random;
    random_seed_system(&random);
    sights->key[0] = random_u64(&random);
    sights->key[1] = random_u64(&random);
    sights->hub = hub;
    mutex_init(&sights->mutex);
    return sights;
}

void sights_free(struct sights *sights) {
    if (sights) {
        for (size_t i = 0; i < SIGHTS_KEPT; i++) {
            sight_unref(sights->kept[i]);
        }
        mutex_fini(&sights->mutex);
        mem_free(sights);
    }
}

void sights_changed(struct sights *sights) {
    atomic_fetch_add(&sights->change, 1);
}

void sight_unref(struct sight *sight) {
    if (sight && atomic_fetch_sub(&sight->references, 1) == 1) {
        catalogue_unref(sight->catalogue);
        arena_fini(&sight->arena);
        mem_free(sight);
    }
}

uint64_t sight_fingerprint(const struct sight *sight) {
    return sight->fingerprint;
}

int64_t sight_valid_until_ns(const struct sight *sight) {
    return sight->valid_until_ns;
}

/* ---- Making one ---- */

/* A number of 30 bits for another, no two for the same. */
static uint32_t permute(const uint64_t key[2], uint32_t number) {
    const uint32_t mask = (1u << HALF_BITS) - 1;
    uint32_t left = number >> HALF_BITS & mask;
    uint32_t right = number & mask;
    for (uint32_t round = 0; round < ROUNDS; round++) {
        uint32_t input[2] = {round, right};
        uint32_t mixed = left ^ ((uint32_t)hash_keyed(key, input, sizeof input) & mask);
        left = right;
        right = mixed;
    }
    return left << HALF_BITS | right;
}

/* A key of the plant and the organisation: numbers of two sights do not meet. */
static void key_of(const struct sights *sights, const struct sight *sight, uint64_t ret_key[2]) {
    struct str plant = plant_id(sight->plant);
    uint64_t parts[3] = {hash_keyed(sights->key, plant.data, plant.size),
        hash_keyed(sights->key, sight->organisation, strlen(sight->organisation)), 0};
    for (uint64_t i = 0; i < 2; i++) {
        parts[2] = i;
        ret_key[i] = hash_keyed(sights->key, parts, sizeof parts);
    }
}

struct terms_read {
    struct sight *sight;
    int64_t now_ns;
    struct str organisation;
};

static int take_terms(void *context, const struct grant *grant, struct err *err) {
    (void)err;
    struct terms_read *read = context;
    struct sight *sight = read->sight;
    bool waits = grant->from_ns > read->now_ns;
    int64_t change_ns = waits ? grant->from_ns : grant->until_ns;
    if (change_ns < sight->valid_until_ns) {
        sight->valid_until_ns = change_ns;
    }
    if (!waits && sight->term_count < GRANTS_OF_ONE_MAX) {
        sight->terms[sight->term_count++] =
            (struct terms){.id = arena_copy(&sight->arena, grant->id),
                .purpose = arena_copy(&sight->arena, grant->purpose),
                .patterns = arena_copy(&sight->arena, grant->tags),
                .hide_names = grant->hide_names,
                .step_ns = grant->step_s * NS_PER_S,
                .from_ns = grant->from_ns};
    }
    return 0;
}

static int read_terms(struct ledger_tx *tx, void *context, struct err *err) {
    struct terms_read *read = context;
    return grant_each_to(
        tx, plant_id(read->sight->plant), read->organisation, take_terms, read, err);
}

static bool names_tag(const struct terms *terms, struct str name) {
    struct str rest = terms->patterns;
    while (rest.size > 0) {
        if (tag_name_fits(str_cut(&rest, ' '), name)) {
            return true;
        }
    }
    return false;
}

static bool is_better(const struct terms *a, const struct terms *b) {
    if (a->step_ns != b->step_ns) {
        return a->step_ns < b->step_ns;
    }
    if (a->hide_names != b->hide_names) {
        return !a->hide_names;
    }
    return a->from_ns < b->from_ns;
}

static const struct terms *terms_of(const struct sight *sight, const struct tag *tag) {
    const struct terms *best = NULL;
    for (uint32_t i = 0; i < sight->term_count; i++) {
        const struct terms *terms = &sight->terms[i];
        if ((!best || is_better(terms, best)) && names_tag(terms, tag->name)) {
            best = terms;
        }
    }
    return best;
}

static struct str pseudonym(
    struct sight *sight, const struct deident_key *key, const struct tag *tag) {
    static const struct deident_rule RULE = {.method = DEIDENT_PSEUDONYM};
    char to[LIMIT_TEXT_VALUE_BYTES];
    struct deident_value value = {.type = TYPE_TEXT, .text = tag->name};
    (void)deident_apply(&RULE, key, &value, to); // A text under a key always gets one.
    return arena_copy(&sight->arena, value.text);
}

static void mix(uint64_t *fingerprint, const void *data, size_t size) {
    uint64_t both[2] = {*fingerprint, hash64(data, size)};
    *fingerprint = hash64(both, sizeof both);
}

static void mix_tag(struct sight *sight, const struct seen_tag *seen) {
    struct tag tag = seen_tag_shown(seen);
    int64_t facts[] = {seen->shown, seen->from_ns, seen->step_ns, tag.type, tag.kind, tag.active};
    mix(&sight->fingerprint, facts, sizeof facts);
    mix(&sight->fingerprint, tag.name.data, tag.name.size);
    mix(&sight->fingerprint, tag.display.data, tag.display.size);
    mix(&sight->fingerprint, tag.unit.data, tag.unit.size);
    double numbers[] = {tag.min, tag.max};
    mix(&sight->fingerprint, numbers, sizeof numbers);
}

static bool hides_any(const struct sight *sight) {
    for (uint32_t i = 0; i < sight->term_count; i++) {
        if (sight->terms[i].hide_names) {
            return true;
        }
    }
    return false;
}

static int compare_names(const void *a, const void *b) {
    return str_cmp(((const struct seen_tag *)a)->name, ((const struct seen_tag *)b)->name);
}

static int compare_numbers(const void *a, const void *b, void *context) {
    const struct seen_tag *tags = ((const struct sight *)context)->tags;
    uint32_t x = tags[*(const uint32_t *)a].tag->number;
    uint32_t y = tags[*(const uint32_t *)b].tag->number;
    return (x > y) - (x < y);
}

static int fill_tags(struct sights *sights, struct sight *sight, struct err *err) {
    const struct catalogue *catalogue = sight->catalogue;
    struct deident_key key = {.hash = NULL};
    if (hides_any(sight)) {
        int rc = plant_deident_key(sight->plant, str_of(sight->organisation), &key, err);
        if (rc < 0) {
            return rc;
        }
    }
    uint64_t number_key[2];
    key_of(sights, sight, number_key);
    AUTO_FREE struct seen_tag *found = MEM_ARRAY(struct seen_tag, catalogue->tag_count + 1);
    for (uint32_t i = 0; i < catalogue->tag_count; i++) {
        const struct tag *tag = &catalogue->tags[i];
        const struct terms *terms = terms_of(sight, tag);
        if (terms) {
            struct seen_tag seen = {.tag = tag,
                .name = terms->hide_names ? pseudonym(sight, &key, tag) : tag->name,
                .shown = permute(number_key, tag->number),
                .from_ns = terms->from_ns,
                .step_ns = terms->step_ns,
                .limited = true,
                .term = (uint32_t)(terms - sight->terms)};
            mix_tag(sight, &seen);
            found[sight->count++] = seen;
        }
    }
    sight->tags = ARENA_ARRAY(&sight->arena, struct seen_tag, sight->count + 1);
    sight->by_number = ARENA_ARRAY(&sight->arena, uint32_t, sight->count + 1);
    memcpy(sight->tags, found, sight->count * sizeof *found);
    qsort(sight->tags, sight->count, sizeof *sight->tags, compare_names);
    for (uint32_t i = 0; i < sight->count; i++) {
        sight->by_number[i] = i;
    }
    qsort_r(sight->by_number, sight->count, sizeof *sight->by_number, compare_numbers, sight);
    return 0;
}

static int sight_make(struct sights *sights, struct plant *plant, struct str organisation,
    int64_t now_ns, struct sight **ret_sight, struct err *err) {
    struct sight *sight = MEM_NEW(struct sight);
    atomic_store(&sight->references, 1);
    arena_init(&sight->arena, 0);
    sight->plant = plant;
    (void)str_copy_z(organisation, sight->organisation, sizeof sight->organisation); // An id.
    sight->change = atomic_load(&sights->change); // Before the look: what changes during it counts.
    sight->valid_until_ns = INT64_MAX;
    atomic_store(&sight->disclosed_until_ns, INT64_MIN);
    sight->fingerprint = 1;
    sight->catalogue = plant_catalogue(plant);
    struct terms_read read = {sight, now_ns, organisation};
    int rc = ledger_read(sights->hub, read_terms, &read, err);
    rc = rc < 0 ? rc : fill_tags(sights, sight, err);
    if (rc < 0) {
        sight_unref(sight);
        return rc;
    }
    *ret_sight = sight;
    return 0;
}

/* ---- Keeping them ---- */

static bool is_of(const struct sight *sight, const struct plant *plant, struct str organisation) {
    return sight && sight->plant == plant && str_eq(str_of(sight->organisation), organisation);
}

static struct sight *find_kept(struct sights *sights, struct plant *plant, struct str organisation,
    int64_t now_ns, uint64_t version) {
    uint64_t change = atomic_load(&sights->change);
    for (size_t i = 0; i < SIGHTS_KEPT; i++) {
        struct sight *sight = sights->kept[i];
        if (is_of(sight, plant, organisation) && sight->change == change &&
            sight->catalogue->version == version && now_ns < sight->valid_until_ns) {
            atomic_fetch_add(&sight->references, 1);
            return sight;
        }
    }
    return NULL;
}

static void let_go(struct sights *sights, size_t place) {
    struct sight *sight = sights->kept[place];
    sights->tags -= sight ? sight->count : 0;
    sight_unref(sight);
    sights->kept[place] = NULL;
}

static void keep(struct sights *sights, struct sight *sight) {
    size_t place = sights->next;
    for (size_t i = 0; i < SIGHTS_KEPT; i++) {
        if (is_of(sights->kept[i], sight->plant, str_of(sight->organisation))) {
            place = i;
        }
    }
    if (place == sights->next) {
        sights->next = (sights->next + 1) % SIGHTS_KEPT;
    }
    let_go(sights, place);
    for (size_t i = 1; i < SIGHTS_KEPT && sights->tags + sight->count > TAGS_KEPT; i++) {
        let_go(sights, (place + i) % SIGHTS_KEPT);
    }
    atomic_fetch_add(&sight->references, 1);
    sights->kept[place] = sight;
    sights->tags += sight->count;
}

int sight_get(struct sights *sights, struct plant *plant, struct str organisation_id,
    int64_t now_ns, struct sight **ret_sight, struct err *err) {
    struct catalogue *catalogue = plant_catalogue(plant);
    uint64_t version = catalogue->version;
    catalogue_unref(catalogue);
    mutex_lock(&sights->mutex);
    struct sight *sight = find_kept(sights, plant, organisation_id, now_ns, version);
    mutex_unlock(&sights->mutex);
    if (!sight) { // Made without the lock: two at once make the same.
        int rc = sight_make(sights, plant, organisation_id, now_ns, &sight, err);
        if (rc < 0) {
            return rc;
        }
        mutex_lock(&sights->mutex);
        keep(sights, sight);
        mutex_unlock(&sights->mutex);
    }
    *ret_sight = sight;
    return 0;
}

/* ---- Looking ---- */

uint32_t sight_count(const struct sight *sight) {
    return sight->count;
}

struct seen_tag sight_at(const struct sight *sight, uint32_t index) {
    return sight->tags[index];
}

bool sight_of_number(const struct sight *sight, uint32_t number, struct seen_tag *ret_seen) {
    uint32_t low = 0;
    uint32_t high = sight->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (sight->tags[sight->by_number[middle]].tag->number < number) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (low == sight->count || sight->tags[sight->by_number[low]].tag->number != number) {
        return false;
    }
    *ret_seen = sight->tags[sight->by_number[low]];
    return true;
}

static bool sight_of_name(const struct sight *sight, struct str name, struct seen_tag *ret_seen) {
    uint32_t low = 0;
    uint32_t high = sight->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (str_cmp(sight->tags[middle].name, name) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (low == sight->count || !str_eq(sight->tags[low].name, name)) {
        return false;
    }
    *ret_seen = sight->tags[low];
    return true;
}

/* ---- The book of disclosures ---- */

struct telling {
    struct sight *sight;
    struct str reader;
    int64_t begin_ns; // Of the day.
    int64_t end_ns;
};

/* The plant's names of what a grant gives; its patterns where they are more than an entry holds. */
static uint32_t put_names(const struct sight *sight, uint32_t term, struct buf *out) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < sight->count; i++) {
        uint32_t place = sight->by_number[i];
        if (sight->tags[place].term == term) {
            buf_put_str(out, count++ > 0 ? STR(" ") : STR_NONE);
            buf_put_str(out, sight->tags[place].tag->name);
        }
    }
    if (out->overflow) {
        buf_clear(out);
        buf_put_str(out, sight->terms[term].patterns);
    }
    return count;
}

static int tell_term(
    struct ledger_tx *tx, const struct telling *telling, uint32_t term, struct err *err) {
    const struct sight *sight = telling->sight;
    const struct terms *terms = &sight->terms[term];
    AUTO_BUF struct buf names;
    AUTO_BUF struct buf method;
    buf_init(&names, DISCLOSURE_TAGS_BYTES_MAX);
    buf_init(&method, METHOD_BYTES);
    uint32_t count = put_names(sight, term, &names);
    if (count == 0) {
        return 0;
    }
    buf_printf(&method, "grant=%.*s tags=%u names=%s", STR_ARG(terms->id), count,
        terms->hide_names ? "pseudonym" : "shown");
    if (terms->step_ns > 0) {
        buf_printf(&method, " average_s=%lld", (long long)(terms->step_ns / NS_PER_S));
    }
    int64_t begin_ns = terms->from_ns < telling->end_ns ? terms->from_ns : telling->end_ns;
    struct deident_log_entry entry = {.recipient = str_of(sight->organisation),
        .channel = STR("grant"),
        .purpose = terms->purpose,
        .actor = telling->reader,
        .method = buf_str(&method),
        .tags = buf_str(&names),
        .from_ns = begin_ns,
        .to_ns = telling->end_ns};
    return deident_log_append_once(tx, &entry, telling->begin_ns, err);
}

static int tell(struct ledger_tx *tx, void *context, struct err *err) {
    const struct telling *telling = context;
    int rc = 0;
    for (uint32_t i = 0; i < telling->sight->term_count && rc >= 0; i++) {
        rc = tell_term(tx, telling, i, err);
    }
    return rc < 0 ? rc : 0;
}

int sight_disclose(struct sight *sight, struct str reader, int64_t now_ns, struct err *err) {
    if (sight->count == 0 || now_ns < atomic_load(&sight->disclosed_until_ns)) {
        return 0;
    }
    struct telling telling = {.sight = sight, .reader = reader};
    telling.begin_ns = time_bucket_start(now_ns, DAY_NS, plant_zone(sight->plant), &telling.end_ns);
    int rc = ledger_write(plant_ledger(sight->plant), tell, &telling, err);
    if (rc >= 0) {
        atomic_store(&sight->disclosed_until_ns, telling.end_ns);
    }
    return rc < 0 ? rc : 0;
}

/* ---- The tags of a call ---- */

int call_tags_open(struct call *call, struct call_tags *ret_tags, struct err *err) {
    *ret_tags = (struct call_tags){.catalogue = NULL};
    if (call->principal.role != ROLE_GRANTEE) {
        ret_tags->catalogue = plant_catalogue(call->plant);
        return 0;
    }
    int rc = sight_get(call->server->sights, call->plant, str_of(call->principal.organisation),
        call->now_ns, &ret_tags->sight, err);
    if (rc >= 0) {
        rc = sight_disclose(ret_tags->sight, str_of(call->principal.id), call->now_ns, err);
    }
    if (rc < 0) { // Why is the plant's own affair: its files, its keys.
        sight_unref(ret_tags->sight);
        ret_tags->sight = NULL;
        log_event(LOG_ERROR, "serve", "grant-not-shown", NULL, err);
        err_clear(err);
        return err_set(err, ERR_BUSY, MSG_SERVE_GRANT_NOT_NOW, NO_ARGS);
    }
    ret_tags->catalogue = catalogue_ref(ret_tags->sight->catalogue);
    ret_tags->server = call->server;
    ret_tags->plant = call->plant;
    ret_tags->secret = arena_copy(&call->http->arena, call->secret);
    memcpy(ret_tags->organisation, call->principal.organisation, sizeof ret_tags->organisation);
    return 0;
}

/* Whether the new sight gives these as the old one did; of none, whether they are the same. */
static bool gives_still(const struct sight *before, const struct sight *now,
    const struct seen_tag *seen, uint32_t count) {
    bool same = sight_fingerprint(before) == sight_fingerprint(now);
    bool gives = same || count > 0;
    for (uint32_t i = 0; i < count && !same && gives; i++) {
        struct seen_tag one;
        gives = sight_of_number(now, seen[i].tag->number, &one) && one.from_ns <= seen[i].from_ns &&
                one.step_ns == seen[i].step_ns && str_eq(one.name, seen[i].name);
    }
    return gives;
}

/* A ledger that fails for a moment ends nothing: only a clear no does. */
static bool still_comes_in(struct call_tags *tags) {
    int64_t now_mono_ns = clock_mono_ns(tags->server->clock);
    if (now_mono_ns < tags->check_mono_ns) {
        return true;
    }
    tags->check_mono_ns = now_mono_ns + CHECK_NS;
    struct principal principal;
    struct auth_secret secret = {tags->secret, true}; // Tokens have no grants.
    int rc =
        auth_check(home_hub(tags->server->home), &secret, plant_id(tags->plant), &principal, NULL);
    return rc < 0 || (rc == 1 && principal.role != ROLE_NONE);
}

int call_tags_still(
    struct call_tags *tags, const struct seen_tag *seen, uint32_t count, struct err *err) {
    if (!tags->sight) {
        return 0;
    }
    struct sight *now = NULL;
    int rc = sight_get(tags->server->sights, tags->plant, str_of(tags->organisation),
        clock_wall_ns(tags->server->clock), &now, NULL);
    if (rc < 0) {
        return err_set(err, ERR_BUSY, MSG_SERVE_GRANT_NOT_NOW, NO_ARGS);
    }
    bool good = gives_still(tags->sight, now, seen, count) && still_comes_in(tags);
    sight_unref(now);
    return good ? 0 : err_set(err, ERR_FORBIDDEN, MSG_SERVE_GRANT_OVER, NO_ARGS);
}

void call_tags_close(struct call_tags *tags) {
    catalogue_unref(tags->catalogue);
    sight_unref(tags->sight);
    *tags = (struct call_tags){.catalogue = NULL};
}

uint32_t call_tags_count(const struct call_tags *tags) {
    return tags->sight ? tags->sight->count : tags->catalogue->tag_count;
}

static struct seen_tag seen_whole(const struct tag *tag) {
    return (struct seen_tag){
        .tag = tag, .name = tag->name, .shown = tag->number, .from_ns = INT64_MIN};
}

struct seen_tag call_tags_at(const struct call_tags *tags, uint32_t index) {
    return tags->sight ? tags->sight->tags[index] : seen_whole(&tags->catalogue->tags[index]);
}

int call_tags_find(
    const struct call_tags *tags, struct str name, struct seen_tag *ret_seen, struct err *err) {
    const struct tag *tag = tags->sight ? NULL : catalogue_find(tags->catalogue, name);
    if (tag) {
        *ret_seen = seen_whole(tag);
    } else if (!tags->sight || !sight_of_name(tags->sight, name, ret_seen)) {
        return err_set(err, ERR_NOT_FOUND, MSG_SERVE_TAG_UNKNOWN, ARGS(A_STR(name)));
    }
    return 0;
}

struct tag seen_tag_shown(const struct seen_tag *seen) {
    struct tag shown = *seen->tag;
    shown.number = seen->shown;
    if (seen->limited) {
        bool hidden = !str_eq(seen->name, shown.name);
        shown.name = seen->name;
        shown.display = hidden ? STR_NONE : shown.display;
        shown.min = hidden ? (double)NAN : shown.min; // Limits are as good as a name.
        shown.max = hidden ? (double)NAN : shown.max;
        shown.dead_band = (double)NAN;
        shown.max_silence_ns = 0;
        shown.device = STR_NONE;
        shown.source = STR_NONE;
        shown.refine = STR_NONE;
        shown.scale = 1;
        shown.offset = 0;
        shown.keep_raw = false;
        shown.retention_days = 0;
        shown.rollup_days = 0;
    }
    return shown;
}

int seen_tag_need_values(const struct seen_tag *seen, struct err *err) {
    return seen->step_ns == 0 ? 0
                              : err_set(err, ERR_FORBIDDEN, MSG_SERVE_GRANT_AVERAGES,
                                    ARGS(A_STR(seen->name), A_INT(seen->step_ns / NS_PER_S)));
}
