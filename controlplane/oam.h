/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What two gateways say to each other inside the overlay, beside BGP: that a move is prepared, and
 * rehearsals. A message is one frame to DP_OAM_MAC with DP_OAM_ETHERTYPE in the network's VNI, straight to
 * one VTEP, so it takes the way that the hosts' frames take, and only a VTEP of that network can send it
 * (R1.9). Other vendors' VTEPs never get one unless an operator names them; they flood it, and nobody
 * answers.
 *
 * Every request has an id and is answered; it is repeated until it is, for a bounded time. The same request
 * twice does the same as once. This part is pure: encode, decode, and the table of what waits for an answer;
 * the sender is an op. Control thread only.
 */
#ifndef CONTROLPLANE_OAM_H
#define CONTROLPLANE_OAM_H

#include "controlplane/mactable.h"

struct oam;

enum oam_type {
    OAM_PREPARE = 1,   /* mac, seconds: it will move from the sender's site to the receiver's */
    OAM_COMMIT,        /* mac: it is there now, or: consider it there */
    OAM_CANCEL,        /* mac: it will not */
    OAM_TAKE,          /* rehearsal: mac, ip, seconds: take this synthetic MAC as if it came to you */
    OAM_LEAVE,         /* rehearsal: mac: let it go */
    OAM_ECHO,          /* answered with the same length, for path MTU and round trip */
    OAM_REPORT,        /* rehearsal: what was seen (oam_report) */
    OAM_ANSWER = 0x80, /* | the request's type */
};

/* In an answer: how it went. */
enum oam_status { OAM_OK, OAM_REFUSED, OAM_UNKNOWN_MAC, OAM_NOT_HERE, OAM_BUSY, OAM_UNSUPPORTED };

struct oam_message {
    uint8_t type;
    uint8_t status; /* answers */
    uint32_t id;
    struct mac mac;
    struct ipaddr ip; /* family 0: none */
    uint16_t seconds;
    uint32_t values[4]; /* OAM_REPORT: frames, bytes, or microseconds, see rehearse.h */
    uint16_t length;    /* OAM_ECHO: of the whole frame */
};

#define OAM_FRAME_MIN 60

/* Writes the whole frame (Ethernet header included); returns its length, at least OAM_FRAME_MIN; 0: it does
 * not fit. */
size_t oam_encode(const struct oam_message *m, struct mac source, uint8_t *frame, size_t size);
/* data: the first `have` bytes of a frame of `len` bytes. False: not one, or malformed. */
bool oam_decode(const uint8_t *data, size_t have, size_t len, struct oam_message *out);

struct oam_ops {
    /* dp_send_vtep(). */
    int (*send)(void *arg, dp_net_id net, dp_vtep_id vtep, const void *frame, size_t len);
    /* A request came: fill answer->status and what else the answer carries. */
    void (*request)(void *arg, dp_net_id net, dp_vtep_id from, const struct oam_message *m, mono_t at,
                    struct oam_message *answer);
};

/* How a request ended: answer NULL: none came in time. rtt_ns of the try that was answered. */
typedef void (*oam_done_fn)(void *arg, const struct oam_message *answer, uint64_t rtt_ns);

/* NULL without memory. seed: where ids start. */
struct oam *oam_new(struct mac own, uint32_t seed, const struct oam_ops *ops, void *arg);
void oam_free(struct oam *o);
/* Sends m (its id is given here), every interval_ms until it is answered, `tries` times at most. 0; -ENOSPC:
 * too many wait. done is never called from within. */
int oam_send(struct oam *o, dp_net_id net, dp_vtep_id vtep, struct oam_message *m, unsigned tries,
             unsigned interval_ms, mono_t now, oam_done_fn done, void *arg);
/* Nobody waits for it any more. */
void oam_forget(struct oam *o, const void *arg);
/* A frame came (dp_own_pop()); frames that are no message are counted and dropped. */
void oam_receive(struct oam *o, const struct dp_own_frame *f, mono_t now);
void oam_run(struct oam *o, mono_t now);
bool oam_next(const struct oam *o, mono_t *at);

struct oam_counts {
    uint64_t sent, received, answered, timeouts, malformed, refused, limited;
};
struct oam_counts oam_counts(const struct oam *o);

#endif
