/*
 * The live stream's route: the event to go on after comes by header from a browser that reconnects
 * and by `since` from a client that cannot set headers. The work is in stream.c.
 */
#include "serve/call.h"

#include "serve/server.h"

int api_stream(struct call *call, struct err *err) {
    struct str last_event = http_header(call->http, "Last-Event-ID");
    if (last_event.size == 0) {
        (void)call_param(call, "since", &last_event); // Absent: everything from the start.
    }
    struct stream_options options = {
        .exchange = call->http,
        .plant = call->plant,
        .last_event = last_event,
        .secret = call->secret,
        .is_session = call->principal.is_session,
        .person = str_of(call->principal.id),
        .is_grantee = call->principal.role == ROLE_GRANTEE,
        .organisation = str_of(call->principal.organisation),
        .expires_ns = call->principal.expires_ns,
    };
    struct http_source source;
    int rc = stream_open(call->server->streams, &options, &source, err);
    if (rc < 0) {
        return rc;
    }
    http_answer_header(call->http, "X-Accel-Buffering", STR("no")); // For a proxy in between.
    call_source(call, "text/event-stream; charset=utf-8", source);
    return 0;
}
