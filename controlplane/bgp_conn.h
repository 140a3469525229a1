/* SPDX-License-Identifier: BSD-3-Clause
 *
 * One TCP connection of a BGP session: the bytes of the stream in both directions, and whole messages at this
 * side of them. Knows no states. Control thread only.
 *
 * Bounds: what is read waits in a buffer that holds any one message; what is written waits in one of
 * BGP_CONN_OUT bytes, of which the last part is for control messages alone, so that these always fit. Both
 * exist only while the connection does, and until bgp_conn_reap(): frames of a connection stay readable after
 * its close.
 *
 * A connection without a socket (fd -1) is for tests: bytes come by bgp_conn_feed(), what is written
 * vanishes.
 */
#ifndef CONTROLPLANE_BGP_CONN_H
#define CONTROLPLANE_BGP_CONN_H

#include "controlplane/bgp_msg.h"

#include <event2/event.h>

#define BGP_CONN_IN      (128 * 1024)
#define BGP_CONN_TURN    (64 * 1024) /* read at most that much before others have their turn */
#define BGP_CONN_BULK    (192 * 1024)
#define BGP_CONN_CONTROL (3 * BGP_MSG_MAX)
#define BGP_CONN_OUT     (BGP_CONN_BULK + BGP_CONN_CONTROL)

/* Messages by type, enum bgp_type; 0 is not used. */
#define BGP_TYPES (BGP_ROUTE_REFRESH + 1)

struct bgp_traffic {
    uint64_t messages[BGP_TYPES];
    uint64_t bytes;
};

struct bgp_conn {
    bool open;
    bool connecting;
    int write_err; /* errno of a write: the read side ends the connection, after what it still holds */
    int fd;
    uint32_t serial; /* grows with each open: is it still the connection it was? */
    struct event *on_read, *on_write;
    uint8_t *in, *out;
    size_t in_at, in_len;
    size_t out_at;   /* first message that is not sent as a whole */
    size_t out_sent; /* bytes the socket took */
    size_t out_len;
    struct ipaddr local, remote;
    uint16_t local_port, remote_port;
};

/* What a read brought. */
enum bgp_read { BGP_READ_NOTHING, BGP_READ_BYTES, BGP_READ_END };

/* Takes over fd, closing it on failure too. `cb` is called with EV_READ or EV_WRITE and `arg`. 0 or -ENOMEM.
 */
int bgp_conn_open(struct bgp_conn *c, struct event_base *base, int fd, bool connecting, event_callback_fn cb,
                  void *arg);
/* The dial is through or failed: 0 or the errno. */
int bgp_conn_finish_connect(struct bgp_conn *c);
/* Sends what the socket takes, and closes; with a reset when something is left, so that the kernel does not
 * go on trying. Harmless when closed. */
void bgp_conn_close(struct bgp_conn *c);
/* Frees the buffers of a closed connection. */
void bgp_conn_reap(struct bgp_conn *c);

/* One bounded read. END: *err is the errno, 0 when the peer closed. */
enum bgp_read bgp_conn_read(struct bgp_conn *c, int *err);
/* As if read: how much of it fitted. */
size_t bgp_conn_feed(struct bgp_conn *c, const void *data, size_t len);
/* As bgp_frame_next(), and steps over the frame: it stays readable until the next read. */
int bgp_conn_next(struct bgp_conn *c, size_t max, struct bgp_frame *frame, struct bgp_error *err);
/* Bytes of a message that is not whole. */
size_t bgp_conn_unfinished(const struct bgp_conn *c);

/* Where to write the next message of at most `size` bytes, or NULL when there is no room; bgp_conn_put() then
 * queues the n bytes written there, if n > 0. Control messages may use the last part of the buffer too. */
uint8_t *bgp_conn_room(struct bgp_conn *c, size_t size, bool control);
void bgp_conn_put(struct bgp_conn *c, size_t n);
/* Forgets messages of which no byte was sent. */
void bgp_conn_drop_unsent(struct bgp_conn *c);
/* One write. Adds the whole messages that went to *sent; returns whether there were any. */
bool bgp_conn_flush(struct bgp_conn *c, struct bgp_traffic *sent);
/* Bytes waiting. */
size_t bgp_conn_queued(const struct bgp_conn *c);
/* Whether to be told when the socket takes more. */
void bgp_conn_want_write(struct bgp_conn *c, bool want);

#endif
