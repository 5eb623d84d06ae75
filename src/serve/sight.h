#ifndef SERVE_SIGHT_H
#define SERVE_SIGHT_H
/*
 * What a caller sees of a plant's tags. Whoever has a role sees all; the people of an organisation
 * with a grant (ledger/grant.h) see the granted ones under the names and numbers of their sight,
 * and for them there are no others.
 *
 * A sight is made from the grants and one catalogue, kept while both stay, and only read then;
 * counted, any thread.
 */
#include "ledger/ledger.h"
#include "plant/plant.h"

struct call;
struct sight;
struct sights;

/* `hub` is borrowed. */
struct sights *sights_new(struct ledger *hub);
void sights_free(struct sights *sights);
/* Grants changed: sights are made anew. */
void sights_changed(struct sights *sights);
/* The sight of the people of an organisation, also an empty one. One reference, the caller's.
 * ERR_NOT_FOUND, ERR_CORRUPT: names are to be hidden and the plant's key is gone. */
int sight_get(struct sights *sights, struct plant *plant, struct str organisation_id,
    int64_t now_ns, struct sight **ret_sight, struct err *err);
void sight_unref(struct sight *sight); // NULL is allowed.
/* Something of it changed when this number did. */
uint64_t sight_fingerprint(const struct sight *sight);
/* When a grant ends or begins: from then on another sight counts. */
int64_t sight_valid_until_ns(const struct sight *sight);

/* Writes into the plant's book of disclosures that `reader` reads by this sight now: an entry for
 * each grant that gives tags, with their names, once in a day of the plant, and again when the
 * grant gives other tags. To be called before anything of it is told; mostly costs one comparison.
 * A failure means that nothing may be told. Any thread that may wait for a disk. */
int sight_disclose(struct sight *sight, struct str reader, int64_t now_ns, struct err *err);

/* One tag as somebody sees it. */
struct seen_tag {
    const struct tag *tag;
    struct str name; // The tag's, or a pseudonym.
    uint32_t shown;  // Its number for the reader; of a grant of this run of the program only.
    int64_t from_ns; // Nothing older is seen.
    int64_t step_ns; // 0: every value; else averages of so long, and no newest value.
    bool limited;    // Seen by a grant: what is of the plant's inside is left out.
    uint32_t term;   // Which of the sight's grants counts; of sight.c alone.
};
uint32_t sight_count(const struct sight *sight);
/* In order of their shown names; `index` below the count. */
struct seen_tag sight_at(const struct sight *sight, uint32_t index);
/* Of a tag's own number. */
bool sight_of_number(const struct sight *sight, uint32_t number, struct seen_tag *ret_seen);

/* ---- The tags of a call ---- */

struct call_tags {
    struct catalogue *catalogue;
    struct sight *sight; // NULL: all of them.
    /* To look again while a long answer is sent. */
    struct server *server;
    struct plant *plant;
    struct str secret;
    int64_t check_mono_ns;
    char organisation[40];
};
int call_tags_open(struct call *call, struct call_tags *ret_tags, struct err *err);
void call_tags_close(struct call_tags *tags);
#define AUTO_CALL_TAGS __attribute__((cleanup(call_tags_close)))
/* Before each piece of an answer: ERR_FORBIDDEN when a grantee would not be given these tags any
 * more as they were; of none, when anything that they see has changed. Who may come in at all is
 * looked at twice a second. */
int call_tags_still(
    struct call_tags *tags, const struct seen_tag *seen, uint32_t count, struct err *err);
uint32_t call_tags_count(const struct call_tags *tags);
struct seen_tag call_tags_at(const struct call_tags *tags, uint32_t index);
/* ERR_NOT_FOUND in the same words for a tag that is not there and one that is not seen. */
int call_tags_find(
    const struct call_tags *tags, struct str name, struct seen_tag *ret_seen, struct err *err);
/* The tag as it is shown: of a limited one without device, address and rules; under a pseudonym
 * without other names and limits too. The texts are borrowed. */
struct tag seen_tag_shown(const struct seen_tag *seen);
/* ERR_FORBIDDEN in words when only averages of this tag are given. */
int seen_tag_need_values(const struct seen_tag *seen, struct err *err);

#endif
