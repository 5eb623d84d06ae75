#ifndef APP_CONFIG_H
#define APP_CONFIG_H
/*
 * maru.conf: start-up facts only. Strict: an unknown key or a value out of range is an error with
 * its line, because a setting that is silently ignored is worse than none. Main thread only.
 */
#include "core/err.h"
#include "serve/serve.h"
#include "upkeep/nightly.h"

enum { ADDRESS_TEXT_MAX = 64, CONFIG_BYTES_MAX = 65536 };

struct config {
    char address[ADDRESS_TEXT_MAX];
    uint16_t port;
    char tls_certificate[LIMIT_PATH_BYTES];
    char tls_key[LIMIT_PATH_BYTES];
    bool tls_on;         // HTTPS also where only this computer can reach us.
    bool tls_off;        // Plain HTTP also beyond this computer.
    char host_name[256]; // A name by which browsers may ask, besides addresses; empty: none.
    struct serve_limits limits;
    struct upkeep_settings upkeep;
};

/* Reads HOME/maru.conf; an absent file gives the defaults. */
int config_read(const char *home_dir, struct config *ret_config, struct err *err);
/* The text of a maru.conf. ERR_INVALID, ERR_RANGE, ERR_LIMIT with line and words. */
int config_parse(struct str text, struct config *ret_config, struct err *err);
/* Whether pages are served with HTTPS: a certificate is named, or others than this computer can
 * reach us and `tls` is not "off", or it is "on". */
bool config_uses_tls(const struct config *config);
bool config_is_loopback(const struct config *config);
/* What a browser can open: the address, or where that is "any" the host name or localhost, which
 * stand in the certificate. */
const char *config_page_host(const struct config *config);
/* "127.0.0.1:8080", "[::1]:0". ERR_INVALID with words. */
int config_listen(struct str text, struct config *config, struct err *err);

#endif
