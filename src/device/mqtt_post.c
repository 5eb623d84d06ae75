/*
 * The sender's side of mqtt_client.c, which was made for a link: the session gets a link that is
 * nobody's, with the deadline of the message. One message is on its way at a time, so the order is
 * ours alone and no broker's window matters.
 *
 * The name of the session is made anew each time ("maru" and 16 hexadecimal digits; MQTT 3.1.1
 * clause 3.1.3.1 promises 23 letters and digits): a broker throws out the older of two sessions of
 * one name, and two plants may well have consents of the same name at one broker. Nothing is lost
 * by it, as no session outlives its message.
 *
 * MQTT 5.0 is asked for because its PUBACK tells when the broker's rules threw a message away; a
 * broker of 3.1.1 has to confirm what it throws away (clause 3.3.5).
 */
#include "device/mqtt_post.h"

#include <stdio.h>

#include "core/mem.h"
#include "core/random.h"
#include "device/drivers/mqtt_client.h"
#include "device/io.h"

enum { KEEPALIVE_S = 60, FAREWELL_MS = 1000, CLIENT_ID_BYTES = 24, TOPIC_BYTES_MAX = 1024 };

struct mqtt_post {
    struct link *link;
    struct driver_settings settings;
    struct driver_io io;
    struct mqtt_client *client;
    struct mqtt_url url;
    char *topic;
    const _Atomic uint32_t *changes;
    uint32_t unchanged;
    bool failed;
};

_Static_assert((int)MQTT_POST_NO_SUBSCRIBER == (int)MQTT_NO_SUBSCRIBER, "one code, two rooms");

/* ---- Addresses ---- */

bool mqtt_post_is(struct str url) {
    return str_starts(url, STR("mqtt://")) || str_starts(url, STR("mqtts://"));
}

static bool topic_is_good(struct str topic) {
    if (topic.size == 0 || topic.size > TOPIC_BYTES_MAX || topic.data[0] == '$' ||
        !str_is_utf8(topic, NULL)) {
        return false;
    }
    for (size_t i = 0; i < topic.size; i++) {
        unsigned char c = (unsigned char)topic.data[i];
        if (c <= ' ' || c == 0x7f || c == '+' || c == '#' || c == '%' || c == '?') {
            return false;
        }
    }
    return true;
}

/* "host", "host:port", "[address]": whether a port stands there. */
static bool has_port(struct str place) {
    size_t i = place.size;
    while (i > 0 && place.data[i - 1] != ':' && place.data[i - 1] != ']') {
        i--;
    }
    return i > 0 && place.data[i - 1] == ':';
}

int mqtt_url_parse(struct str url, struct mqtt_url *ret_url, struct err *err) {
    struct mqtt_url parsed = {.tls = str_starts(url, STR("mqtts://"))};
    if (!mqtt_post_is(url)) {
        return err_set(err, ERR_INVALID, MSG_MQTT_POST_URL, ARGS(A_STR(url)));
    }
    struct str rest = str_slice(url, parsed.tls ? 8 : 7, url.size);
    size_t slash = str_find(rest, '/');
    struct str place = str_slice(rest, 0, slash);
    parsed.topic = str_slice(rest, slash + 1, rest.size);
    if (str_find(place, '@') < place.size) { // Not repeated here either.
        return err_set(err, ERR_INVALID, MSG_MQTT_POST_USER, NO_ARGS);
    }
    const char *port = has_port(place) ? "" : parsed.tls ? ":8883" : ":1883";
    int length = snprintf(parsed.address, sizeof parsed.address, "%.*s%s", STR_ARG(place), port);
    if (place.size == 0 || length < 0 || (size_t)length >= sizeof parsed.address) {
        return err_set(err, ERR_INVALID, MSG_MQTT_POST_URL, ARGS(A_STR(url)));
    }
    int result = link_host_check(str_of(parsed.address), err);
    if (result < 0) {
        return result;
    }
    if (!topic_is_good(parsed.topic)) {
        return err_set(err, ERR_INVALID, MSG_MQTT_POST_TOPIC, ARGS(A_STR(parsed.topic)));
    }
    *ret_url = parsed;
    return 0;
}

int mqtt_post_check(struct str url, struct str login, struct err *err) {
    struct mqtt_url parsed;
    if (login.size > 0 && login.data[0] == ':') {
        return err_set(err, ERR_INVALID, MSG_MQTT_POST_LOGIN, NO_ARGS);
    }
    return mqtt_url_parse(url, &parsed, err);
}

/* ---- Sessions ---- */

static bool is_off(void *context) {
    const struct mqtt_post *post = context;
    return *post->changes != post->unchanged;
}

/* The words of the client are for devices, whose options are not there for who sends. */
static int words(const struct mqtt_post *post, int result, struct err *err) {
    static const struct {
        enum msg_id of_device;
        enum msg_id ours;
    } WORDS[] = {{MSG_MQTT_TLS_UNTRUSTED, MSG_MQTT_POST_UNTRUSTED},
        {MSG_MQTT_TLS_NOT_SPOKEN, MSG_MQTT_POST_NO_TALK},
        {MSG_MQTT_PROTOCOL, MSG_MQTT_POST_NO_TALK}, {MSG_MQTT_NO_CONNACK, MSG_MQTT_POST_NO_TALK},
        {MSG_MQTT_LOST, MSG_MQTT_POST_LOST}};
    for (size_t i = 0; i < sizeof WORDS / sizeof WORDS[0] && err != NULL; i++) {
        if (err->note_count > 0 && err->notes[0].msg == WORDS[i].of_device) {
            return err_set(
                err, (enum err_code) - result, WORDS[i].ours, ARGS(A_CSTR(post->url.address)));
        }
    }
    return result;
}

static void put_client_id(char *to) {
    struct random random;
    random_seed_system(&random);
    (void)snprintf(to, CLIENT_ID_BYTES, "maru%016llx", (unsigned long long)random_u64(&random));
}

int mqtt_post_open(
    const struct mqtt_post_options *options, struct mqtt_post **ret_post, struct err *err) {
    struct mqtt_url url;
    int result = mqtt_url_parse(options->url, &url, err);
    if (result < 0) {
        return result;
    }
    struct mqtt_post *post = MEM_NEW(struct mqtt_post);
    post->url = url;
    post->topic = mem_copy_z(url.topic);
    post->url.topic = str_of(post->topic);
    post->changes = options->changes;
    post->unchanged = options->unchanged;
    post->settings.link[LINK_TIMEOUT_MS] = options->timeout_ms;
    post->link = link_own_new(clock_system(), -1);
    post->io.link = post->link;
    post->io.clock = clock_system();
    post->io.settings = &post->settings;
    post->io.address = str_of(post->url.address);
    char client_id[CLIENT_ID_BYTES];
    put_client_id(client_id);
    struct str password = options->login;
    struct str user = str_cut(&password, ':');
    const struct mqtt_client_options session = {.client_id = str_of(client_id),
        .user = user,
        .password = password.size > 0 ? password : STR_NONE,
        .ca_file = options->ca_file,
        .keepalive_s = KEEPALIVE_S,
        .tls = url.tls,
        .clean = true,
        .version5 = true,
        .context = post,
        .is_off = is_off};
    io_begin(&post->io);
    result = mqtt_client_open(&post->io, &session, &post->client, err);
    if (result < 0) {
        result = words(post, result, err);
        mqtt_post_close(post);
        return result;
    }
    *ret_post = post;
    return 0;
}

int mqtt_post_send(struct mqtt_post *post, struct str payload, struct err *err) {
    io_begin(&post->io);
    int result = mqtt_client_deliver(post->client, &post->io, post->topic, payload, err);
    post->failed = result < 0;
    return result < 0 ? words(post, result, err) : result;
}

void mqtt_post_close(struct mqtt_post *post) {
    if (post == NULL) {
        return;
    }
    post->settings.link[LINK_TIMEOUT_MS] = FAREWELL_MS;
    io_begin(&post->io);
    mqtt_client_close(post->client, &post->io, !post->failed);
    link_free(post->link);
    mem_free(post->topic);
    mem_free(post);
}
