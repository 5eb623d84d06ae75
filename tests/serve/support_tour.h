#ifndef TESTS_SERVE_SUPPORT_TOUR_H
#define TESTS_SERVE_SUPPORT_TOUR_H
/*
 * A case on its way through a programme: its days, its applications and documents, what is asked
 * for it, and what a refusal must say. Whatever does not answer as it must fails the test.
 */
#include "support_walk.h"

enum { TARGET_BYTES = 256, REFUSED = 422 };

struct tour {
    struct walk *walk;
    const json_t *plan; // A row of walks.json.
    json_t *document;   // The programme.
    char number[100];   // The case that is walked.
    enum walker who;    // Whose it is.
    char at[24];        // The walk's own time.
    bool limits_tried;  // Of change and extension.
    json_t *jumped;     // Members: steps from which the next one's action was tried.
    bool late_tried;    // At this step.
    bool missing_tried; // At this step.
    bool late_taken;    // By an officer, once.
    const char *type;   // NULL: that of the plan.
    const char *corporation;
};

/* A member's text; empty: it has none. Borrowed. */
const char *tour_word(const json_t *object, const char *name);
const char *tour_programme(const struct tour *tour);

/* ---- Days ---- */

void tour_set_time(struct tour *tour, const char *at);
/* The day of the walk's own time, and ten o'clock of a day. */
int32_t tour_today(const struct tour *tour);
void tour_day_at(int32_t day, char to[24]);
void tour_move_to(struct tour *tour, int32_t day);

/* ---- Asking (every `body` is taken, every answer is the caller's) ---- */

json_t *tour_act(struct tour *tour, enum walker who, const char *action, json_t *body, int status);
void tour_done(struct tour *tour, enum walker who, const char *action, json_t *body);
void tour_turned_away(
    struct tour *tour, enum walker who, const char *action, json_t *body, int status);
/* The answer, which is taken, refuses by this source, in both languages, each in its own. */
void tour_has_source(json_t *answer, const char *what, const char *source);
void tour_refused(
    struct tour *tour, enum walker who, const char *action, json_t *body, const char *source);
/* The case, as an officer sees it. */
json_t *tour_look(struct tour *tour);
json_t *tour_ask_programme(
    struct tour *tour, enum walker who, const char *verb, json_t *body, int status);
/* The element of a list of the programme; borrowed, null: there is none. */
json_t *tour_element(const struct tour *tour, const char *list, const char *id);

/* ---- Documents and applications ---- */

/* All that a stage needs, issued today, but for one (NULL: none is missing); `old` was issued on
 * the day `issued`. */
json_t *tour_documents(
    const struct tour *tour, const char *stage, const char *but, const char *old, int32_t issued);
/* The first a stage needs, or the first of those that may be too old; borrowed. */
const json_t *tour_first_needed(const struct tour *tour, const char *stage, bool aged);
/* The plan's application, with other facts over the plan's. */
json_t *tour_application(
    const struct tour *tour, const char *but, const char *old, int32_t issued, const json_t *more);
json_t *tour_apply(struct tour *tour, enum walker who, json_t *body, int status);
/* The tour walks on with the new case. */
void tour_open_case(struct tour *tour, enum walker who, const json_t *more);

/* ---- Steps ---- */

/* Walks on until the case stands at a step of this kind ("": to its end). */
void tour_walk_until(struct tour *tour, const char *kind);
/* What comes next is not done before its turn, by nobody, and leaves nothing. */
void tour_jump(struct tour *tour);
/* The action of the next step behind this one that is a case's own and another than this step's;
 * null: none. */
const char *tour_action_behind(const struct tour *tour, const char *here);
/* Whether a miss ends the matter, so that not even an officer takes what comes late. */
bool tour_miss_is_final(const json_t *rule, const json_t *step);
bool tour_notes_tell(const json_t *answer, const char *id);

#endif
