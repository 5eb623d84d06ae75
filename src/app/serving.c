/*
 * A serving process. stdout says `ready http://ADDR:PORT`, then `setup http://...` while nobody
 * owns the home (the demo: a one-time sign-in link); everything else goes to stderr. SIGTERM and
 * SIGINT end it in order: no new requests, links closed, pipeline drained, stores closed. A second
 * signal is not needed: kill -9 at any moment loses nothing that was acknowledged.
 */
#include "app/serving.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "app/control.h"
#include "core/log.h"
#include "papers/printing.h"
#include "serve/serve.h"
#include "upkeep/tls.h"

enum {
    SETUP_HOURS = 24,      // A set-up link lives that long; a restart prints a new one.
    SIGN_IN_HOURS = 24,    // The demo's.
    LOOK_EVERY_MS = 20000, // At the certificate and its files.
};

int serving_duration(struct call *call, int64_t *ret_duration_ns, struct err *err) {
    const char *text = call_value(call, "--for");
    *ret_duration_ns = 0;
    return text != NULL ? call_usage(duration_parse(str_of(text), ret_duration_ns, err), err) : 0;
}

/* ---- The link ---- */

struct link_wish {
    bool demo;
    bool needed;
    char secret[SECRET_TEXT_MAX];
};

static int make_link(struct ledger_tx *tx, void *context, struct err *err) {
    struct link_wish *wish = context;
    bool owner = false;
    int status = hub_owner_exists(tx, &owner, err);
    if (status < 0) {
        return status;
    }
    wish->needed = wish->demo || !owner;
    if (!wish->needed) {
        return 0;
    }
    return hub_link_new(tx, wish->demo ? STR("signin") : STR("setup"),
        (int64_t)(wish->demo ? SIGN_IN_HOURS : SETUP_HOURS) * 3600 * NS_PER_S, wish->secret, err);
}

static void print_fingerprint(struct tls_store *tls) {
    struct tls_facts facts;
    if (tls == NULL) {
        return;
    }
    tls_store_facts(tls, &facts);
    printf("certificate sha256 %s\n", facts.fingerprint);
    if (facts.own) {
        printf("authority sha256 %s\n", facts.authority);
    }
}

static void put_origin(const char *host, bool tls, uint16_t port, char *to, size_t size) {
    (void)snprintf(to, size, strchr(host, ':') != NULL ? "http%s://[%s]:%u" : "http%s://%s:%u",
        tls ? "s" : "", host, port);
}

static int print_lines(const struct serving_options *options, struct home *home,
    struct tls_store *tls, const struct server *server, struct err *err) {
    char origin[sizeof options->config.host_name + 32];
    uint16_t port = serve_port(server);
    put_origin(options->config.address, tls != NULL, port, origin, sizeof origin);
    struct link_wish wish = {.demo = options->demo};
    int status = ledger_write(home_hub(home), make_link, &wish, err);
    if (status < 0) {
        return status;
    }
    printf("ready %s\n", origin);
    if (wish.needed) {
        put_origin(config_page_host(&options->config), tls != NULL, port, origin, sizeof origin);
        printf("setup %s/%s#%s\n", origin, options->demo ? "signin" : "setup", wish.secret);
    }
    print_fingerprint(tls);
    return fflush(stdout) == 0 ? 0 : err_set_errno(err, errno, STR("stdout"));
}

/* ---- Waiting ---- */

/* Started by hand it ends with its terminal; a service takes SIGHUP as a wish to look. */
static int open_signals(bool demo) {
    sigset_t set;
    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGINT);
    (void)sigaddset(&set, SIGTERM);
    if (!demo && isatty(STDIN_FILENO) == 0) {
        (void)sigaddset(&set, SIGHUP);
    }
    (void)sigprocmask(SIG_BLOCK, &set, NULL);
    return signalfd(-1, &set, SFD_CLOEXEC);
}

/* True: to end. SIGHUP only asks to look at the certificate files. */
static bool take_signal(int signals) {
    struct signalfd_siginfo info;
    ssize_t size = read(signals, &info, sizeof info);
    return size != (ssize_t)sizeof info || info.ssi_signo != SIGHUP;
}

static void wait_for_end(int signals, int64_t duration_ns, struct tls_store *tls) {
    const struct clock *clock = clock_system();
    int64_t end = duration_ns > 0 ? clock_mono_ns(clock) + duration_ns : INT64_MAX;
    for (;;) {
        int64_t left_ms = (end - clock_mono_ns(clock)) / NS_PER_MS;
        if (left_ms <= 0) {
            return;
        }
        struct pollfd wait = {.fd = signals, .events = POLLIN};
        int ready = poll(&wait, 1, left_ms > LOOK_EVERY_MS ? LOOK_EVERY_MS : (int)left_ms);
        if (ready > 0 && take_signal(signals)) {
            return;
        }
        tls_store_look(tls);
    }
}

/* ---- The address ---- */

/* Tried before the home is opened: a second start must not disturb machines that take one client
 * only, to find out afterwards that its port is taken. */
static int check_address(const struct config *config, struct err *err) {
    char port[8];
    (void)snprintf(port, sizeof port, "%u", config->port);
    struct addrinfo hints = {
        .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE};
    struct addrinfo *found = NULL;
    if (getaddrinfo(config->address, port, &hints, &found) != 0) {
        return err_set(err, ERR_INVALID, MSG_APP_LISTEN, ARGS(A_CSTR(config->address)));
    }
    AUTO_CLOSE int fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int on = 1;
    bool good = fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
                bind(fd, found->ai_addr, found->ai_addrlen) == 0 && listen(fd, 1) == 0;
    int errno_value = errno;
    freeaddrinfo(found);
    if (good) {
        return 0;
    }
    if (errno_value == EADDRINUSE) {
        return err_set(
            err, ERR_BUSY, MSG_APP_PORT_TAKEN, ARGS(A_CSTR(config->address), A_CSTR(port)));
    }
    if (errno_value == EADDRNOTAVAIL) {
        return err_set(err, ERR_INVALID, MSG_APP_ADDRESS_FOREIGN, ARGS(A_CSTR(config->address)));
    }
    return err_set_errno(err, errno_value, str_of(config->address));
}

/* ---- Together ---- */

static int open_tls(
    const struct serving_options *options, struct tls_store **ret_tls, struct err *err) {
    const struct config *config = &options->config;
    if (!config_uses_tls(config)) {
        if (!config_is_loopback(config)) {
            log_event(LOG_WARN, "app", "no_https", LOG_FIELDS({"address", A_CSTR(config->address)}),
                NULL);
        }
        return 0;
    }
    bool named = config->tls_key[0] != '\0';
    struct tls_options tls = {.home_dir = options->home_dir,
        .certificate_file = named ? config->tls_certificate : NULL,
        .key_file = named ? config->tls_key : NULL,
        .host_name = config->host_name[0] != '\0' ? config->host_name : NULL};
    return tls_store_open(&tls, ret_tls, err);
}

static int serve_home(const struct serving_options *options, struct home *home,
    struct tls_store *tls, int signals, struct err *err) {
    struct control *control = NULL;
    struct upkeep_settings settings = options->config.upkeep;
    settings.tls = tls;
    settings.tls_off = tls == NULL && !config_is_loopback(&options->config);
    struct upkeep *upkeep = options->demo ? NULL : upkeep_start(home, &settings);
    struct server *server = NULL;
    struct serve_options with = {.home = home,
        .upkeep = upkeep,
        .address = options->config.address,
        .port = options->config.port,
        .limits = options->config.limits,
        .host_name = options->config.host_name[0] != '\0' ? options->config.host_name : NULL,
        .demo = options->demo,
        .tls = tls};
    struct printing *printing = printing_start(home);
    int status = serve_start(&with, &server, err);
    if (status >= 0) {
        status = control_start(home, &control, err);
    }
    if (status >= 0) {
        status = print_lines(options, home, tls, server, err);
    }
    if (status >= 0) {
        log_event(LOG_INFO, "app", "serving",
            LOG_FIELDS({"home", A_CSTR(options->home_dir)}, {"version", A_CSTR(MARU_VERSION)},
                {"port", A_INT(serve_port(server))}),
            NULL);
        wait_for_end(signals, options->duration_ns, tls);
        log_event(LOG_INFO, "app", "stopping", NULL, NULL);
    }
    control_stop(control);
    serve_stop(server);
    printing_stop(printing);
    upkeep_stop(upkeep); // After those who ask it.
    return status;
}

int serving_run(const struct serving_options *options, struct err *err) {
    int signals = open_signals(options->demo); // Before any thread, so that all inherit the mask.
    struct home_options with = {.dir = options->home_dir, .collect = true, .exclusive = true};
    struct home *home = NULL;
    int status = check_address(&options->config, err);
    if (status >= 0) {
        status = home_open(&with, &home, err);
    }
    struct tls_store *tls = NULL;
    status = status < 0 ? status : open_tls(options, &tls, err);
    if (status >= 0) {
        status = serve_home(options, home, tls, signals, err);
    }
    tls_store_close(tls); // After those who serve with it.
    home_close(home);
    file_close(signals);
    return status < 0 ? status : EXIT_DONE;
}
