/*
 * libmosquitto 2.0 without a thread and without its own loop.
 *
 * The library answers a QoS 1 message with PUBACK before it calls back. So that a confirmation
 * leaves only after the values are durable, it must not write by itself: told that threads are used
 * (mosquitto_threaded_set) it only queues packets, and everything queued, pings too, is written by
 * mqtt_client_flush alone, which the driver calls when the store has answered. Packets leave in the
 * order in which they were queued.
 *
 * The connection is begun without blocking and waited for with the request's deadline and the stop
 * descriptor. Without TLS the looked-up addresses are tried one after the other; with TLS the name
 * goes to the library, which compares it with the certificate.
 *
 * mosquitto_loop_read takes one packet a call. Whether more is there is told by errno, as the
 * library itself does in its loop: EAGAIN means dry, unless a packet was handed over, because
 * queueing its confirmation writes into a full pipe of the library's own. That also sees what TLS
 * has decrypted already, which poll(2) does not.
 */
#include "device/drivers/mqtt_client.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>

#include <mosquitto.h>
#include <mqtt_protocol.h>

#include "core/buf.h"
#include "core/mem.h"
#include "device/io.h"
#include "device/link.h"

static const char SYSTEM_AUTHORITIES[] = "/etc/ssl/certs"; // Debian's.
enum {
    DETAIL_BYTES = 256,
    CONNACK_NONE = -1,
    WATCH_MS = 200, // How long a wait may not look at is_off.
    CONFIRMATIONS_AT_ONCE = 16,
    PUBACK_FAILED = 128, // MQTT 5.0 clause 2.4: reason codes from here on are refusals.
};

struct mqtt_client {
    struct mosquitto *session;
    struct link_host host;
    bool tls;
    uint64_t packets;          // That called back.
    int connack;               // Reason code of the broker's answer; CONNACK_NONE: not yet.
    char detail[DETAIL_BYTES]; // What the library said about TLS.
    int confirmed;             // Number of the message that was confirmed last; 0: none.
    int confirmed_code;        // Its reason code.
    void *context;
    bool (*is_off)(void *context);
    void (*message)(void *context, const struct mqtt_message *message);
    void (*granted)(void *context, int number, const int *qos, int count);
};

static pthread_once_t library_once = PTHREAD_ONCE_INIT;

static void start_library(void) {
    (void)mosquitto_lib_init(); // Fails only without sockets; connecting tells then.
}

/* --- callbacks --- */

static void on_connect(struct mosquitto *session, void *context, int code) {
    (void)session;
    struct mqtt_client *client = context;
    client->connack = code;
}

static void on_message(
    struct mosquitto *session, void *context, const struct mosquitto_message *message) {
    (void)session;
    struct mqtt_client *client = context;
    client->packets++;
    if (client->message == NULL) {
        return; // Not asked for.
    }
    bool some = message->payloadlen > 0 && message->payload != NULL;
    struct mqtt_message given = {.topic = str_of(message->topic),
        .payload = some ? (struct str){message->payload, (size_t)message->payloadlen} : STR_NONE,
        .is_retained = message->retain,
        .qos = message->qos};
    client->message(client->context, &given);
}

static void on_subscribe(
    struct mosquitto *session, void *context, int number, int count, const int *qos) {
    (void)session;
    struct mqtt_client *client = context;
    client->packets++;
    if (client->granted != NULL) {
        client->granted(client->context, number, qos, count);
    }
}

static void on_confirmed(struct mosquitto *session, void *context, int number, int code,
    const mosquitto_property *properties) {
    (void)session;
    (void)properties;
    struct mqtt_client *client = context;
    client->confirmed = number;
    client->confirmed_code = code;
}

static void on_log(struct mosquitto *session, void *context, int level, const char *text) {
    (void)session;
    struct mqtt_client *client = context;
    if (level == MOSQ_LOG_ERR || level == MOSQ_LOG_WARNING) {
        /* All of it: the reason often stands before the last line. */
        size_t used = strlen(client->detail);
        if (used > 0 && used + 2 < sizeof client->detail) {
            used += str_copy_z(STR("; "), client->detail + used, sizeof client->detail - used);
        }
        (void)str_copy_z(str_of(text), client->detail + used, sizeof client->detail - used);
    }
}

/* --- words --- */

static bool said(const struct mqtt_client *client, const char *words) {
    return strstr(client->detail, words) != NULL;
}

static int tls_not_spoken(const struct mqtt_client *client, struct err *err) {
    return err_set(err, ERR_REFUSED, MSG_MQTT_TLS_NOT_SPOKEN, ARGS(A_CSTR(client->host.address)));
}

static int tls_words(const struct mqtt_client *client, struct err *err) {
    const struct arg *args = ARGS(A_CSTR(client->host.address), A_CSTR(client->detail));
    if (said(client, "host name verification failed")) {
        return err_set(err, ERR_REFUSED, MSG_MQTT_TLS_NAME, ARGS(A_CSTR(client->host.host)));
    }
    if (said(client, "certificate verify failed")) {
        return err_set(err, ERR_REFUSED, MSG_MQTT_TLS_UNTRUSTED, args);
    }
    if (said(client, "wrong version number") || said(client, "packet length too long")) {
        return tls_not_spoken(client, err);
    }
    return err_set(err, ERR_REFUSED, MSG_MQTT_TLS, args);
}

/* A result of the library as one of ours. */
static int broken(const struct mqtt_client *client, int result, struct err *err) {
    int error = errno;
    if (result == MOSQ_ERR_TLS || (client->tls && client->detail[0] != '\0')) {
        return tls_words(client, err);
    }
    bool cut = result == MOSQ_ERR_CONN_LOST || (result == MOSQ_ERR_ERRNO && error == ECONNRESET);
    if (cut && client->tls && client->connack == CONNACK_NONE) {
        return tls_not_spoken(client, err);
    }
    switch (result) {
    case MOSQ_ERR_ERRNO:
        return client->connack == CONNACK_NONE ? link_host_words(&client->host, error, err)
                                               : link_fd_broken(error, err);
    case MOSQ_ERR_KEEPALIVE:
        return err_set(err, ERR_TIMEOUT, MSG_MQTT_KEEPALIVE, ARGS(A_CSTR(client->host.address)));
    case MOSQ_ERR_EAI:
        return err_set(
            err, ERR_UNREACHABLE, MSG_DEVICE_HOST_UNKNOWN, ARGS(A_CSTR(client->host.host)));
    case MOSQ_ERR_CONN_LOST:
    case MOSQ_ERR_NO_CONN:
        return err_set(err, ERR_CLOSED, MSG_MQTT_LOST, ARGS(A_CSTR(client->host.address)));
    case MOSQ_ERR_PROTOCOL:
    case MOSQ_ERR_MALFORMED_PACKET:
        return err_set(err, ERR_FRAME, MSG_MQTT_PROTOCOL, ARGS(A_CSTR(client->host.address)));
    default:
        return err_set(err, ERR_IO, MSG_MQTT_LIBRARY,
            ARGS(A_CSTR(mosquitto_strerror(result)), A_CSTR(client->detail)));
    }
}

/* A code of MQTT 5.0 clause 3.2.2.2 as its like in 3.1.1; others stay. */
static int plain_code(int code) {
    switch (code) {
    case MQTT_RC_UNSUPPORTED_PROTOCOL_VERSION: return CONNACK_REFUSED_PROTOCOL_VERSION;
    case MQTT_RC_CLIENTID_NOT_VALID: return CONNACK_REFUSED_IDENTIFIER_REJECTED;
    case MQTT_RC_SERVER_UNAVAILABLE:
    case MQTT_RC_SERVER_BUSY: return CONNACK_REFUSED_SERVER_UNAVAILABLE;
    case MQTT_RC_BAD_USERNAME_OR_PASSWORD: return CONNACK_REFUSED_BAD_USERNAME_PASSWORD;
    case MQTT_RC_NOT_AUTHORIZED: return CONNACK_REFUSED_NOT_AUTHORIZED;
    default: return code;
    }
}

/* MQTT 3.1.1 clause 3.2.2.3. */
static int connack_words(const struct mqtt_client *client, struct err *err) {
    static const enum msg_id WORDS[] = {MSG_NONE, MSG_MQTT_VERSION, MSG_MQTT_CLIENT_ID,
        MSG_MQTT_UNAVAILABLE, MSG_MQTT_PASSWORD, MSG_MQTT_FORBIDDEN};
    int code = plain_code(client->connack);
    bool known = code > 0 && code < (int)(sizeof WORDS / sizeof WORDS[0]);
    return err_set(err, known && code >= 4 ? ERR_FORBIDDEN : ERR_REFUSED,
        known ? WORDS[code] : MSG_MQTT_REFUSED,
        ARGS(A_CSTR(client->host.address), A_INT(client->connack)));
}

/* --- waiting --- */

/* io_wait, which also sees that the caller no longer wants it. */
static int client_wait(
    struct mqtt_client *client, struct driver_io *io, short events, struct err *err) {
    int fd = mosquitto_socket(client->session);
    if (client->is_off == NULL) {
        return io_wait(io, fd, events, err);
    }
    const int64_t end_ns = io->deadline_ns;
    int result = -(int)ERR_TIMEOUT;
    for (bool last = false; result == -ERR_TIMEOUT && !last;) {
        if (client->is_off(client->context)) {
            return err_set(err, ERR_CANCELLED, MSG_DEVICE_STOPPING, NO_ARGS);
        }
        int64_t slice_ns = io_mono_ns(io) + WATCH_MS * NS_PER_MS;
        last = slice_ns >= end_ns;
        io->deadline_ns = last ? end_ns : slice_ns;
        result = io_wait(io, fd, events, err);
        io->deadline_ns = end_ns;
    }
    if (result >= 0 && err != NULL) {
        err_clear(err); // Of the slices that passed.
    }
    return result;
}

/* --- opening --- */

/* NULL for an empty text. */
static char *text_or_null(struct str text) {
    return text.size > 0 ? mem_copy_z(text) : NULL;
}

static int set_up(
    struct mqtt_client *client, const struct mqtt_client_options *options, struct err *err) {
    AUTO_FREE char *user = text_or_null(options->user);
    AUTO_FREE char *password = text_or_null(options->password);
    AUTO_FREE char *ca = text_or_null(options->ca_file);
    AUTO_FREE char *cert = text_or_null(options->cert_file);
    AUTO_FREE char *key = text_or_null(options->key_file);
    AUTO_FREE char *will = text_or_null(options->will_topic);
    struct mosquitto *session = client->session;
    mosquitto_connect_callback_set(session, on_connect);
    mosquitto_message_callback_set(session, on_message);
    mosquitto_subscribe_callback_set(session, on_subscribe);
    mosquitto_publish_v5_callback_set(session, on_confirmed);
    mosquitto_log_callback_set(session, on_log);
    (void)mosquitto_int_option(session, MOSQ_OPT_PROTOCOL_VERSION,
        options->version5 ? MQTT_PROTOCOL_V5 : MQTT_PROTOCOL_V311);
    (void)mosquitto_threaded_set(session, true);
    (void)mosquitto_int_option(session, MOSQ_OPT_TCP_NODELAY, 1);
    int result = user != NULL ? mosquitto_username_pw_set(session, user, password) : 0;
    if (result == MOSQ_ERR_SUCCESS && will != NULL) {
        result = mosquitto_will_set(
            session, will, (int)options->will_payload.size, options->will_payload.data, 1, true);
    }
    if (result == MOSQ_ERR_SUCCESS && options->tls) {
        result =
            mosquitto_tls_set(session, ca, ca == NULL ? SYSTEM_AUTHORITIES : NULL, cert, key, NULL);
        if (result == MOSQ_ERR_INVAL) {
            return err_set(err, ERR_NOT_FOUND, MSG_MQTT_TLS_FILE, NO_ARGS);
        }
    }
    return result == MOSQ_ERR_SUCCESS ? 0 : broken(client, result, err);
}

/* Waits until the begun connection stands or fails. */
static int wait_connected(struct mqtt_client *client, struct driver_io *io, struct err *err) {
    int fd = mosquitto_socket(client->session);
    int result = client_wait(client, io, POLLOUT, err);
    if (result == -ERR_TIMEOUT) {
        return err_set(err, ERR_TIMEOUT, MSG_DEVICE_CONNECT_TIMEOUT,
            ARGS(A_CSTR(client->host.address), A_INT(io_settings(io)->link[LINK_TIMEOUT_MS])));
    }
    if (result < 0) {
        return result;
    }
    int error = 0;
    socklen_t size = sizeof error;
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0 || error != 0) {
        if (client->tls && error == ECONNRESET) { // It stood, and our greeting was not understood.
            return tls_not_spoken(client, err);
        }
        return link_host_words(&client->host, error, err);
    }
    return 0;
}

static int begin(struct mqtt_client *client, struct driver_io *io, const char *host,
    int keepalive_s, struct err *err) {
    uint64_t port = 0;
    (void)str_to_u64(str_of(client->host.port), &port); // The address was checked.
    int result = mosquitto_connect_async(client->session, host, (int)port, keepalive_s);
    return result == MOSQ_ERR_SUCCESS ? wait_connected(client, io, err)
                                      : broken(client, result, err);
}

/* Tries each address of the name until one takes the connection. */
static int reach(
    struct mqtt_client *client, struct driver_io *io, int keepalive_s, struct err *err) {
    struct addrinfo *list = NULL;
    int result = link_host_find(&client->host, SOCK_STREAM, &list, err);
    if (result < 0) {
        return result;
    }
    if (client->tls) {
        freeaddrinfo(list);
        return begin(client, io, client->host.host, keepalive_s, err);
    }
    result = -(int)ERR_UNREACHABLE;
    for (const struct addrinfo *at = list; at != NULL; at = at->ai_next) {
        char text[LINK_HOST_BYTES];
        if (getnameinfo(at->ai_addr, at->ai_addrlen, text, sizeof text, NULL, 0, NI_NUMERICHOST) !=
            0) {
            continue;
        }
        result = begin(client, io, text, keepalive_s, err);
        if (result != -ERR_REFUSED && result != -ERR_UNREACHABLE) {
            break;
        }
    }
    freeaddrinfo(list);
    return result;
}

/* CONNECT is queued: sends it (behind the handshake of TLS) and waits for the answer. */
static int shake_hands(struct mqtt_client *client, struct driver_io *io, struct err *err) {
    while (client->connack == CONNACK_NONE) {
        int result = mosquitto_loop_write(client->session, 1);
        if (result == MOSQ_ERR_SUCCESS) {
            result = mosquitto_loop_read(client->session, 1);
        }
        if (client->connack != CONNACK_NONE) {
            break; // A refusal is also a result of the library; the broker's words are better.
        }
        if (result != MOSQ_ERR_SUCCESS) {
            return broken(client, result, err);
        }
        bool write = mosquitto_want_write(client->session) && !client->tls;
        int waited = client_wait(client, io, (short)(POLLIN | (write ? POLLOUT : 0)), err);
        if (waited == -ERR_TIMEOUT) {
            return err_set(err, ERR_TIMEOUT, MSG_MQTT_NO_CONNACK,
                ARGS(A_CSTR(client->host.address), A_INT(io_settings(io)->link[LINK_TIMEOUT_MS])));
        }
        if (waited < 0) {
            return waited;
        }
    }
    return client->connack == 0 ? 0 : connack_words(client, err);
}

static void client_free(struct mqtt_client *client) {
    if (client->session != NULL) {
        mosquitto_destroy(client->session);
    }
    link_host_fini(&client->host);
    mem_free(client);
}

/* *ret_too_new: the broker did not take the version, or hung up before it said a word. */
static int client_open(struct driver_io *io, const struct mqtt_client_options *options,
    struct mqtt_client **ret_client, bool *ret_too_new, struct err *err) {
    struct mqtt_client *client = MEM_NEW(struct mqtt_client);
    client->tls = options->tls;
    client->connack = CONNACK_NONE;
    client->context = options->context;
    client->is_off = options->is_off;
    client->message = options->message;
    client->granted = options->granted;
    link_host_init(&client->host, io_address(io));
    AUTO_FREE char *id = mem_copy_z(options->client_id);
    client->session = mosquitto_new(id, options->clean, client);
    int result = client->session == NULL ? err_set(err, ERR_INVALID, MSG_MQTT_CLIENT_ID,
                                               ARGS(A_CSTR(client->host.address), A_INT(0)))
                                         : set_up(client, options, err);
    if (result == 0) {
        result = reach(client, io, options->keepalive_s, err);
    }
    if (result == 0) {
        result = shake_hands(client, io, err);
    }
    if (result < 0) {
        *ret_too_new = plain_code(client->connack) == CONNACK_REFUSED_PROTOCOL_VERSION ||
                       (client->connack == CONNACK_NONE && result == -ERR_CLOSED);
        client_free(client);
        return result;
    }
    client->detail[0] = '\0';
    link_fd_keep_alive(mosquitto_socket(client->session));
    *ret_client = client;
    return 0;
}

int mqtt_client_open(struct driver_io *io, const struct mqtt_client_options *options,
    struct mqtt_client **ret_client, struct err *err) {
    (void)pthread_once(&library_once, start_library);
    bool too_new = false;
    int result = client_open(io, options, ret_client, &too_new, err);
    if (result < 0 && too_new && options->version5) {
        struct mqtt_client_options older = *options;
        older.version5 = false;
        err_clear(err);
        result = client_open(io, &older, ret_client, &too_new, err);
    }
    return result;
}

void mqtt_client_close(struct mqtt_client *client, struct driver_io *io, bool farewell) {
    if (client == NULL) {
        return;
    }
    if (farewell && mosquitto_socket(client->session) >= 0 &&
        mosquitto_disconnect(client->session) == MOSQ_ERR_SUCCESS) {
        (void)mqtt_client_flush(client, io, NULL); // It goes either way.
    }
    client_free(client);
}

int mqtt_client_fd(const struct mqtt_client *client) {
    return mosquitto_socket(client->session);
}

int mqtt_client_subscribe(struct mqtt_client *client, char *const *filters, int count, int qos,
    int *ret_number, struct err *err) {
    int result =
        mosquitto_subscribe_multiple(client->session, ret_number, count, filters, qos, 0, NULL);
    return result == MOSQ_ERR_SUCCESS ? 0 : broken(client, result, err);
}

int mqtt_client_unsubscribe(struct mqtt_client *client, const char *filter, struct err *err) {
    int result = mosquitto_unsubscribe(client->session, NULL, filter);
    return result == MOSQ_ERR_SUCCESS ? 0 : broken(client, result, err);
}

int mqtt_client_publish(struct mqtt_client *client, const char *topic, struct str payload, int qos,
    bool retain, struct err *err) {
    int result = mosquitto_publish(
        client->session, NULL, topic, (int)payload.size, payload.data, qos, retain);
    return result == MOSQ_ERR_SUCCESS ? 0 : broken(client, result, err);
}

int mqtt_client_read(struct mqtt_client *client, uint32_t max, bool *ret_dry, struct err *err) {
    *ret_dry = false;
    for (uint32_t i = 0; i < max; i++) {
        uint64_t before = client->packets;
        errno = 0;
        int result = mosquitto_loop_read(client->session, 1);
        if (result != MOSQ_ERR_SUCCESS) {
            return broken(client, result, err);
        }
        if (client->packets == before && (errno == EAGAIN || errno == EWOULDBLOCK)) {
            *ret_dry = true;
            return 0;
        }
    }
    return 0;
}

int mqtt_client_care(struct mqtt_client *client, struct err *err) {
    int result = mosquitto_loop_misc(client->session);
    return result == MOSQ_ERR_SUCCESS ? 0 : broken(client, result, err);
}

int mqtt_client_flush(struct mqtt_client *client, struct driver_io *io, struct err *err) {
    while (mosquitto_want_write(client->session)) {
        int result = mosquitto_loop_write(client->session, 1);
        if (result != MOSQ_ERR_SUCCESS) {
            return broken(client, result, err);
        }
        if (mosquitto_want_write(client->session)) {
            int waited = client_wait(client, io, POLLOUT, err);
            if (waited < 0) {
                return waited;
            }
        }
    }
    return 0;
}

/* The broker's answer to a message. */
static int confirmation(const struct mqtt_client *client, const char *topic, struct err *err) {
    int code = client->confirmed_code;
    if (code < PUBACK_FAILED) {
        if (err != NULL) {
            err_clear(err); // Of what came behind the answer.
        }
        return code;
    }
    bool forbidden = code == MQTT_RC_NOT_AUTHORIZED;
    return err_set(err, forbidden ? ERR_FORBIDDEN : ERR_REFUSED,
        forbidden ? MSG_MQTT_PUBLISH_FORBIDDEN : MSG_MQTT_PUBLISH_REFUSED,
        ARGS(A_CSTR(client->host.address), A_CSTR(topic), A_INT(code)));
}

int mqtt_client_deliver(struct mqtt_client *client, struct driver_io *io, const char *topic,
    struct str payload, struct err *err) {
    int number = 0;
    bool dry = false;
    if (client->is_off != NULL && client->is_off(client->context)) {
        return err_set(err, ERR_CANCELLED, MSG_DEVICE_STOPPING, NO_ARGS);
    }
    int result = mosquitto_publish(
        client->session, &number, topic, (int)payload.size, payload.data, 1, false);
    if (result == MOSQ_ERR_OVERSIZE_PACKET || result == MOSQ_ERR_PAYLOAD_SIZE) {
        return err_set(err, ERR_LIMIT, MSG_MQTT_PUBLISH_LARGE,
            ARGS(A_CSTR(client->host.address), A_INT((int64_t)payload.size)));
    }
    while (result == MOSQ_ERR_SUCCESS && client->confirmed != number) {
        if (mosquitto_want_write(client->session)) {
            result = mosquitto_loop_write(client->session, 1);
            if (result != MOSQ_ERR_SUCCESS) {
                break;
            }
        }
        int read = mqtt_client_read(client, CONFIRMATIONS_AT_ONCE, &dry, err);
        if (client->confirmed == number) { // Also when the broker hung up behind its answer.
            break;
        }
        if (read < 0) {
            return read;
        }
        bool write = mosquitto_want_write(client->session);
        int waited = client_wait(client, io, (short)(POLLIN | (write ? POLLOUT : 0)), err);
        if (waited == -ERR_TIMEOUT) {
            return err_set(err, ERR_TIMEOUT, MSG_MQTT_NO_PUBACK,
                ARGS(A_CSTR(client->host.address), A_INT(io_settings(io)->link[LINK_TIMEOUT_MS])));
        }
        if (waited < 0) {
            return waited;
        }
    }
    return client->confirmed == number ? confirmation(client, topic, err)
                                       : broken(client, result, err);
}
