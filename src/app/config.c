/*
 * maru.conf through libconfuse, the one file that includes it. libconfuse reports through a
 * callback with a format; the first report becomes our error, with file and line.
 */
#include "app/config.h"

#include <arpa/inet.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <confuse.h>

#include "core/file.h"
#include "core/mem.h"

enum { REPORT_MAX = 256 };

/* cfg_t carries no user pointer for its error callback, so the report of the one read that start-up
 * makes stands here; config_read runs on the main thread only. */
static __thread char report[REPORT_MAX];
static __thread int report_line;

__attribute__((format(printf, 2, 0))) static void note(
    cfg_t *cfg, const char *format, va_list arguments) {
    if (report_line != 0) {
        return;
    }
    (void)vsnprintf(report, sizeof report, format, arguments);
    report_line = cfg->line;
}

/* The library's sentence is English; only the name in it is used. */
static int report_fault(struct err *err) {
    struct str rest = str_of(report);
    (void)str_cut(&rest, '\'');
    struct str name = str_cut(&rest, '\'');
    if (str_starts(str_of(report), STR("no such option")) && name.size > 0) {
        return err_set(
            err, ERR_INVALID, MSG_APP_CONF_OPTION, ARGS(A_INT(report_line), A_STR(name)));
    }
    return err_set(err, ERR_INVALID, MSG_APP_CONF_FAULT, ARGS(A_INT(report_line)));
}

/* Comment lines become empty ones: the library counts the lines of comments more than once. */
static void blank_comments(char *text) {
    bool start = true;
    bool comment = false;
    for (char *c = text; *c != '\0'; c++) {
        comment = *c != '\n' && (comment || (start && *c == '#'));
        start = *c == '\n' || (start && (*c == ' ' || *c == '\t'));
        if (comment) {
            *c = ' ';
        }
    }
}

int config_listen(struct str text, struct config *config, struct err *err) {
    size_t colon = text.size;
    while (colon > 0 && text.data[colon - 1] != ':') {
        colon--;
    }
    uint64_t port = 0;
    struct str host = colon > 0 ? str_slice(text, 0, colon - 1) : STR_NONE;
    bool good = colon > 0 && str_to_u64(str_slice(text, colon, text.size), &port) && port <= 65535;
    if (good && host.size > 2 && host.data[0] == '[' && host.data[host.size - 1] == ']') {
        host = str_slice(host, 1, host.size - 1);
    }
    char address[ADDRESS_TEXT_MAX];
    unsigned char binary[16];
    good = good && host.size < sizeof address;
    if (good) {
        (void)str_copy_z(host, address, sizeof address);
        good =
            inet_pton(AF_INET, address, binary) == 1 || inet_pton(AF_INET6, address, binary) == 1;
    }
    if (!good) {
        return err_set(err, ERR_INVALID, MSG_APP_LISTEN, ARGS(A_STR(text)));
    }
    (void)str_copy_z(host, config->address, sizeof config->address);
    config->port = (uint16_t)port;
    return 0;
}

static int number(
    cfg_t *cfg, const char *name, long low, long high, uint32_t *ret_value, struct err *err) {
    long value = cfg_getint(cfg, name);
    if (value < low || value > high) {
        return err_set(err, ERR_RANGE, MSG_APP_CONF_RANGE,
            ARGS(A_CSTR(name), A_INT(value), A_INT(low), A_INT(high)));
    }
    *ret_value = (uint32_t)value;
    return 0;
}

/* "02:30" */
static int take_backups(cfg_t *cfg, struct upkeep_settings *to, struct err *err) {
    struct str time = str_of(cfg_getstr(cfg, "backup_time"));
    struct str rest = time;
    uint64_t hour = 0;
    uint64_t minute = 0;
    if (!str_to_u64(str_cut(&rest, ':'), &hour) || !str_to_u64(rest, &minute) || hour > 23 ||
        minute > 59) {
        return err_set(err, ERR_INVALID, MSG_APP_CONF_TIME, ARGS(A_STR(time)));
    }
    to->minute_of_day = (uint32_t)(hour * 60 + minute);
    to->nightly = cfg_getbool(cfg, "backup") == cfg_true;
    (void)str_copy_z(str_of(cfg_getstr(cfg, "backup_dir")), to->backup_dir, sizeof to->backup_dir);
    if (to->backup_dir[0] != '\0' && to->backup_dir[0] != '/') {
        return err_set(err, ERR_INVALID, MSG_APP_CONF_DIR, ARGS(A_CSTR(to->backup_dir)));
    }
    int status = number(cfg, "backup_keep_daily", 1, 366, &to->keep_daily, err);
    status = status < 0 ? status : number(cfg, "backup_keep_weekly", 0, 520, &to->keep_weekly, err);
    return status < 0 ? status : number(cfg, "backup_keep_monthly", 0, 120, &to->keep_monthly, err);
}

static int take_tls(cfg_t *cfg, struct config *config, struct err *err) {
    struct str mode = str_of(cfg_getstr(cfg, "tls"));
    (void)str_copy_z(str_of(cfg_getstr(cfg, "tls_certificate")), config->tls_certificate,
        sizeof config->tls_certificate);
    (void)str_copy_z(str_of(cfg_getstr(cfg, "tls_key")), config->tls_key, sizeof config->tls_key);
    if ((config->tls_certificate[0] == '\0') != (config->tls_key[0] == '\0')) {
        return err_set(err, ERR_INVALID, MSG_APP_CONF_TLS, NO_ARGS);
    }
    config->tls_off = str_eq(mode, STR("off"));
    config->tls_on = str_eq(mode, STR("on"));
    if (!config->tls_off && !config->tls_on && !str_eq(mode, STR("auto"))) {
        return err_set(err, ERR_INVALID, MSG_APP_CONF_TLS_MODE, ARGS(A_STR(mode)));
    }
    if (config->tls_off && config->tls_key[0] != '\0') {
        return err_set(err, ERR_INVALID, MSG_APP_CONF_TLS_BOTH, NO_ARGS);
    }
    return 0;
}

bool config_is_loopback(const struct config *config) {
    struct str address = str_of(config->address);
    return str_starts(address, STR("127.")) || str_eq(address, STR("::1"));
}

bool config_uses_tls(const struct config *config) {
    return config->tls_key[0] != '\0' || config->tls_on ||
           (!config->tls_off && !config_is_loopback(config));
}

const char *config_page_host(const struct config *config) {
    bool any = strcmp(config->address, "0.0.0.0") == 0 || strcmp(config->address, "::") == 0;
    return !any ? config->address : config->host_name[0] != '\0' ? config->host_name : "localhost";
}

static int take_syslog(cfg_t *cfg, struct syslog_settings *to, struct err *err) {
    (void)str_copy_z(str_of(cfg_getstr(cfg, "syslog_ca")), to->ca_file, sizeof to->ca_file);
    return syslog_parse(
        str_of(cfg_getstr(cfg, "syslog")), cfg_getbool(cfg, "syslog_plain") == cfg_true, to, err);
}

static int take(cfg_t *cfg, struct config *config, struct err *err) {
    int status = config_listen(str_of(cfg_getstr(cfg, "listen")), config, err);
    if (status >= 0) {
        status = number(cfg, "connections", 8, 10000, &config->limits.connections, err);
    }
    if (status >= 0) {
        status =
            number(cfg, "connections_per_ip", 4, 10000, &config->limits.connections_per_ip, err);
    }
    if (status >= 0) {
        status = number(cfg, "body_bytes", 65536, 1 << 30, &config->limits.body_bytes, err);
    }
    if (status >= 0) {
        status = number(cfg, "requests_per_s", 1, 1000000, &config->limits.requests_per_s, err);
    }
    if (status >= 0) {
        status = number(cfg, "streams", 1, 1000, &config->limits.streams, err);
    }
    if (status >= 0) {
        status = take_backups(cfg, &config->upkeep, err);
    }
    status = status < 0 ? status : take_syslog(cfg, &config->upkeep.syslog, err);
    (void)str_copy_z(
        str_of(cfg_getstr(cfg, "mail_ca")), config->upkeep.mail_ca, sizeof config->upkeep.mail_ca);
    (void)str_copy_z(
        str_of(cfg_getstr(cfg, "host_name")), config->host_name, sizeof config->host_name);
    return status < 0 ? status : take_tls(cfg, config, err);
}

static int parse(char *text, struct config *ret_config, struct err *err) {
    char listen_default[] = "127.0.0.1:8080";
    char backup_time_default[] = "02:30";
    char tls_default[] = "auto";
    cfg_opt_t options[] = {CFG_STR("listen", listen_default, CFGF_NONE),
        CFG_STR("tls_certificate", NULL, CFGF_NONE), CFG_STR("tls_key", NULL, CFGF_NONE),
        CFG_STR("tls", tls_default, CFGF_NONE), CFG_STR("syslog", NULL, CFGF_NONE),
        CFG_STR("syslog_ca", NULL, CFGF_NONE), CFG_STR("mail_ca", NULL, CFGF_NONE),
        CFG_BOOL("syslog_plain", cfg_false, CFGF_NONE),
        CFG_INT("connections", SERVE_CONNECTIONS, CFGF_NONE),
        CFG_INT("connections_per_ip", SERVE_CONNECTIONS_PER_IP, CFGF_NONE),
        CFG_INT("body_bytes", SERVE_BODY_BYTES, CFGF_NONE),
        CFG_INT("requests_per_s", SERVE_REQUESTS_PER_S, CFGF_NONE),
        CFG_INT("streams", SERVE_STREAMS, CFGF_NONE), CFG_STR("host_name", NULL, CFGF_NONE),
        CFG_BOOL("backup", cfg_true, CFGF_NONE), CFG_STR("backup_dir", NULL, CFGF_NONE),
        CFG_STR("backup_time", backup_time_default, CFGF_NONE),
        CFG_INT("backup_keep_daily", 7, CFGF_NONE), CFG_INT("backup_keep_weekly", 4, CFGF_NONE),
        CFG_INT("backup_keep_monthly", 3, CFGF_NONE), CFG_END()};
    report[0] = '\0';
    report_line = 0;
    blank_comments(text);
    cfg_t *cfg = cfg_init(options, CFGF_NONE);
    (void)cfg_set_error_function(cfg, note);
    struct config config = {.port = 0};
    int status = 0;
    /* An empty buffer is a parse error to libconfuse, and only defaults to us. */
    if (text[0] != '\0' && cfg_parse_buf(cfg, text) != CFG_SUCCESS) {
        status = report_fault(err);
    } else {
        status = take(cfg, &config, err);
    }
    (void)cfg_free(cfg);
    if (status >= 0) {
        *ret_config = config;
    }
    return status;
}

int config_parse(struct str text, struct config *ret_config, struct err *err) {
    size_t bad = 0;
    if (text.size > CONFIG_BYTES_MAX) {
        return err_set(err, ERR_LIMIT, MSG_APP_CONF_LARGE, ARGS(A_INT(CONFIG_BYTES_MAX)));
    }
    if (!str_is_utf8(text, &bad)) {
        return err_set(err, ERR_INVALID, MSG_TEXT_NOT_UTF8, ARGS(A_INT(bad + 1)));
    }
    /* "${NAME}" would be replaced from the environment: a start-up fact must stand in the file. */
    for (size_t i = 0; i + 1 < text.size; i++) {
        if (text.data[i] == '$' && text.data[i + 1] == '{') {
            return err_set(err, ERR_INVALID, MSG_APP_CONF_VARIABLE, NO_ARGS);
        }
    }
    AUTO_FREE char *copy = mem_copy_z(text);
    return parse(copy, ret_config, err);
}

static int read_text(const char *path, struct buf *text, struct err *err) {
    if (!file_exists(path)) {
        return 0;
    }
    AUTO_CLOSE int fd = -1;
    uint64_t size = 0;
    int status = file_open(files_system(), path, FILE_READ, &fd, err);
    if (status >= 0) {
        status = file_size(fd, path, &size, err);
    }
    if (status < 0) {
        return status;
    }
    uint8_t *room = buf_reserve(text, (size_t)size);
    if (room == NULL) {
        return err_set(err, ERR_LIMIT, MSG_APP_CONF_LARGE, ARGS(A_INT(CONFIG_BYTES_MAX)));
    }
    status = file_read_at(fd, path, 0, room, (size_t)size, err);
    if (status >= 0) {
        buf_commit(text, (size_t)size);
    }
    return status;
}

int config_read(const char *home_dir, struct config *ret_config, struct err *err) {
    AUTO_BUF struct buf path;
    buf_init(&path, LIMIT_PATH_BYTES);
    buf_printf(&path, "%s/maru.conf", home_dir);
    AUTO_BUF struct buf text;
    buf_init(&text, CONFIG_BYTES_MAX);
    int status = read_text(buf_z(&path), &text, err);
    if (status >= 0) {
        status = config_parse(buf_str(&text), ret_config, err);
    }
    return status < 0 ? err_context(err, MSG_APP_CONF, ARGS(A_CSTR(buf_z(&path)))) : status;
}
