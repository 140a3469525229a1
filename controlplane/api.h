/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The API: a UNIX stream socket (mode 0660) on which each line is a JSON request and gets one JSON line back,
 * in order (api_request.h). causewayctl is its first user. A client that asked to watch gets a line for each
 * event as well, between its replies; an event is an object with a member "event", a reply has "ok".
 *
 * The peer is whoever may open the socket, and nothing it sends or fails to read may hold up or fill up the
 * daemon: at most API_LINE_MAX bytes a line, one request a turn of the loop and client, the next only after
 * the reply was taken, bounded clients, and a client that is idle or does not read is closed. Events that a
 * slow watcher has no room for are dropped, and it is told how many: {"event":"lost","count":N}.
 *
 * Control thread only.
 */
#ifndef CONTROLPLANE_API_H
#define CONTROLPLANE_API_H

#include "controlplane/api_request.h"

#include <stddef.h>

struct api;
struct event_base;
struct gateway;

/* Serves the commands of api_commands.h for this gateway. A missing parent directory is made (0755); the
 * socket of a dead daemon is replaced; a living one is an error. NULL with a sentence in err. */
struct api *api_start(struct event_base *base, struct gateway *g, const char *socket_path, char *err,
                      size_t err_len);
/* Closes all clients and removes the socket. NULL is fine. */
void api_stop(struct api *api);

/* ---- for handlers and those who have something to tell. api may be NULL: nothing happens. */

/* The reply to a call that was left open with API_LATER: error NULL and the result, which is taken; or a
 * sentence. Dropped when the client is gone. */
void api_reply(struct api *api, uint64_t call, cJSON *result, const char *error);
/* The client of this call gets events from now on. 0; -ENOENT: it is gone. */
int api_watch(struct api *api, uint64_t call);
/* Clients that watch: while there are none, an event need not be made. */
unsigned api_watchers(const struct api *api);
/* Takes event. */
void api_publish(struct api *api, cJSON *event);

/* The client of this call gets lines of its own from now on, for as long as it asks for nothing else. 0;
 * -ENOENT: it is gone. */
int api_stream(struct api *api, uint64_t call);
/* One line (without its newline), a JSON object with a member "event"; NULL: none, only to know whether it is
 * still there. 0; -EAGAIN: no room now; -ENOENT: it is gone. */
int api_stream_send(struct api *api, uint64_t call, const char *line);

/* What api_start() is made of: any commands, any limits. */
#define API_WATCH_BYTES 262144
struct api_config {
    const struct api_command *commands;
    size_t n_commands;
    void *ctx;            /* for the handlers */
    unsigned max_clients; /* more get an error reply and are closed */
    unsigned idle_ms;     /* no request for that long: closed */
    unsigned write_ms;    /* a reply not taken for that long: closed */
    unsigned watch_bytes; /* of events that wait for a slow watcher; 0: API_WATCH_BYTES */
};
struct api *api_open(struct event_base *base, const struct api_config *config, const char *socket_path,
                     char *err, size_t err_len);

#endif
