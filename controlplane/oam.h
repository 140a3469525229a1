/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What two gateways say to each other inside the overlay, beside BGP: that a move is prepared, and
 * rehearsals. A message is one frame to DP_OAM_MAC with DP_OAM_ETHERTYPE in the network's VNI, straight to
 * one VTEP, so it takes the way that the hosts' frames take, and only a VTEP of that network can send it
 * (R1.9), or who forges its address: what matters is not done on a message's word alone (move_prepare.h,
 * rehearse_guest.c). Other vendors' VTEPs never get one unless an operator names them; they flood it, and
 * nobody answers.
 *
 * Every request has an id and is answered; it is repeated until it is, for a bounded time. The same request
 * twice is carried out once: the answer is remembered for a while. Pure: what waits for an answer, and what
 * was answered; the sender is an op. Control thread only.
 */
#ifndef CONTROLPLANE_OAM_H
#define CONTROLPLANE_OAM_H

#include "controlplane/oam_msg.h"
#include "dataplane/dp.h"

struct oam;

struct oam_ops {
    /* dp_send_vtep(). */
    int (*send)(void *arg, dp_net_id net, dp_vtep_id vtep, const void *frame, size_t len);
    /* Whether that VTEP is one of the network's: told by BGP, or configured. NULL: all are. What others say
     * is not heard. */
    bool (*known)(void *arg, dp_net_id net, dp_vtep_id vtep);
    /* A request came: fill answer->status and what else the answer carries. */
    void (*request)(void *arg, dp_net_id net, dp_vtep_id from, const struct oam_message *m, mono_t at,
                    struct oam_message *answer);
};

#define OAM_RATE        200 /* requests a second that one VTEP gets answered */
#define OAM_MAX_WAITING 256

/* How a request ended: answer NULL: none came in time. rtt_ns of the try that was answered. */
typedef void (*oam_done_fn)(void *arg, const struct oam_message *answer, uint64_t rtt_ns, mono_t now);

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
    uint64_t sent;      /* frames, repeats and answers included */
    uint64_t requests;  /* received, repeats included */
    uint64_t answers;   /* received, and waited for */
    uint64_t stray;     /* answers that nobody waits for (any more) */
    uint64_t timeouts;  /* requests of ours that nobody answered */
    uint64_t malformed; /* frames that are no message of a version that we know */
    uint64_t strangers; /* messages of who is no VTEP of the network */
    uint64_t limited;   /* requests beyond OAM_RATE a second from one VTEP: not answered */
};
struct oam_counts oam_counts(const struct oam *o);

#endif
