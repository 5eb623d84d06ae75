#ifndef TESTS_SERVE_SUPPORT_GRANTS_H
#define TESTS_SERVE_SUPPORT_GRANTS_H
/*
 * A home for tests of grants: two plants, alpha-works and bravo-works; people of four
 * organisations: the makers Alpha and Bravo, a supplier and an agency.
 */
#include "support_server.h"

#include <jansson.h>

#include "core/time.h"
#include "ledger/people.h"

#define ALPHA   "alpha-works"
#define NOWHERE "nosuch-work" // As long, so that whole answers can be compared.
#define PLANT   "/api/v1/plants/" ALPHA

enum { ROLES = 6, HEADER_BYTES = 256 };
enum { ALPHA_ORG, BRAVO_ORG, SUPPLIER, AGENCY, ORGANISATIONS };

struct person {
    char id[40];
    char header[HEADER_BYTES];
};

struct floor {
    char dir[64];
    struct home *home;
    struct server *server;
    uint16_t port;
    char organisations[ORGANISATIONS][40];
    struct person alpha[ROLES]; // From viewer to owner.
    struct person bravo;        // Owner of bravo-works.
    struct person supplier;     // No access anywhere.
    struct person second;       // Another of the supplier.
    struct person agency;
    struct person admin; // Of the home, of Alpha; no access anywhere.
    char token[HEADER_BYTES];
};

extern struct floor f;

struct listener {
    int fd;
    struct buf text;
};

void must(int rc, const struct err *err);
int open_floor(void **state);
int close_floor(void **state);
int ask_as(const char *who, const char *method, const char *target, const char *body,
    struct answer *ret_answer);
json_t *get(const char *who, const char *target, int status);
bool holds(struct answer *answer, const char *what);
void write_lines(const char *lines);
int64_t now_s(void);
void time_text(int64_t from_now_s, char to[TIME_TEXT_MAX]);
/* Gives, as Alpha's owner; the grant's id. `more` begins with a comma. */
void give_until(const char *organisation, const char *tags, int64_t from_now_s, const char *more,
    char ret_id[40]);
/* The owner must have to do with an organisation to name it: an admin of the home does with all. */
void make_owner_admin(bool admin);
void give(const char *organisation, const char *tags, const char *more, char ret_id[40]);
int take_back(const char *who, const char *id);
/* How many items; each name is in `names`, blanks between. */
size_t check_tags(const char *who, const char *query, const char *names);
/* Both answers must be 404 and the same but for the name asked for. */
void check_same(const char *who, const char *method, const char *there, const char *nowhere,
    const char *from, const char *to);
void check_session(const char *who, bool sees);
void listen_open(struct listener *l, const char *who);
void listen_close(struct listener *l);
/* Reads until the text came (true), the stream ended or the time is over. */
bool await(struct listener *l, const char *what, int wait_ms, bool *ret_ended);
void must_come(struct listener *l, const char *what);
void must_end(struct listener *l, int wait_ms);
int invite(const char *organisation, char ret_secret[SECRET_TEXT_MAX]);
int put_access(
    struct ledger_tx *tx, const char *user, const char *plant, enum role role, struct err *err);
int put_person(struct ledger_tx *tx, const char *login, const char *organisation,
    struct person *person, struct err *err);

#endif
