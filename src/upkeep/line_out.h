#ifndef UPKEEP_LINE_OUT_H
#define UPKEEP_LINE_OUT_H
/*
 * A connection on which bytes go out, with TLS or without, and mail by SMTP: what libcurl does for
 * this room. Every call ends by its deadline or when `stop` is raised. One thread.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/text.h"
#include "core/err.h"

struct stop_flag;
struct line_out;

struct line_options {
    const char *host; // A name or an address, v6 without brackets.
    uint16_t port;
    bool tls;                     // The other side's certificate and name are checked,
    const char *ca_file;          // against this file; NULL: the system's authorities.
    int64_t timeout_ms;           // To connect, and for each sending.
    const struct stop_flag *stop; // NULL: nothing breaks it off.
};
/* ERR_UNREACHABLE, ERR_TIMEOUT, ERR_FORBIDDEN (certificate or name), ERR_CANCELLED. */
int line_open(const struct line_options *options, struct line_out **ret_line, struct err *err);
void line_close(struct line_out *line); // NULL is fine.
/* All bytes are with the system, or an error and the line is of no use any more. */
int line_send(struct line_out *line, struct str bytes, struct err *err);
/* ERR_CLOSED when the other side has closed or broken off. What it says is passed over. */
int line_check(struct line_out *line, struct err *err);
/* Bytes that the other side's system has not acknowledged yet. */
uint64_t line_unacknowledged(const struct line_out *line);

struct smtp_mail {
    const char *server;  // "smtp://host:587" or "smtps://host:465"
    bool tls;            // STARTTLS is required, and the certificate checked (smtp://).
    const char *ca_file; // NULL: the system's authorities.
    const char *login;   // NULL: without signing in.
    const char *password;
    const char *sender;
    const char *recipient;
    struct str message; // Headers and body, lines ended by CRLF.
    int64_t timeout_ms;
    const struct stop_flag *stop;
};
/* 0 when the server has taken it. ERR_REFUSED: it will never be taken (5xx); ERR_AGAIN: later. */
int smtp_send(const struct smtp_mail *mail, struct err *err);

#endif
