/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The frames of a rehearsal (rehearse.h), and what their answers say. A probe goes from a synthetic MAC of
 * the prober to the synthetic MAC that moves; whichever gateway holds that one sends an answer back. Both are
 * ordinary unicast frames of the network, so they find their way by the same tables as a host's.
 *
 *   Ethernet header, EtherType DP_OAM_ETHERTYPE
 *   magic (4), session (4), sequence (4), kind (1), holder (1): 1 the gateway that rehearses, 2 the other one
 *
 * A probe train is a window of the last REHEARSE_WINDOW probes: when each was sent, and when and by whom it
 * was answered. Pure, control thread only.
 */
#ifndef CONTROLPLANE_REHEARSE_PROBE_H
#define CONTROLPLANE_REHEARSE_PROBE_H

#include "conf/types.h"

#define REHEARSE_WINDOW    16384u
#define REHEARSE_PROBE_LEN 60

enum rehearse_holder { REHEARSE_NOBODY, REHEARSE_HOME, REHEARSE_AWAY };

struct rehearse_probe {
    struct mac to, from;
    uint32_t session, sequence;
    bool answer;
    uint8_t holder; /* of an answer */
};

void rehearse_probe_encode(const struct rehearse_probe *p, uint8_t frame[REHEARSE_PROBE_LEN]);
/* False: not one. */
bool rehearse_probe_decode(const uint8_t *frame, size_t len, struct rehearse_probe *out);

struct rehearse_train {
    uint32_t sent, answered;
    uint32_t by[3];    /* answered by enum rehearse_holder */
    uint32_t in_a_row; /* last answers by the same holder */
    uint8_t last_holder;
    mono_t last[3];                     /* last answer of each holder */
    mono_t first[3];                    /* first answer of each holder since rehearse_train_mark() */
    uint64_t rtt_min, rtt_max, rtt_sum; /* ns, of answers by the other gateway */
    mono_t sent_at[REHEARSE_WINDOW];
    bool is_answered[REHEARSE_WINDOW];
};

void rehearse_train_start(struct rehearse_train *t);
/* The next probe's sequence. */
uint32_t rehearse_train_sent(struct rehearse_train *t, mono_t now);
/* `far`: the holder whose round trips count. False: an answer to nothing that is in the window, or the second
 * one. */
bool rehearse_train_answer(struct rehearse_train *t, uint32_t sequence, enum rehearse_holder holder, bool far,
                           mono_t at);
/* From here on the first answer of each holder is looked for again. */
void rehearse_train_mark(struct rehearse_train *t);
/* Probes sent at least `older_ns` ago and not answered. */
uint32_t rehearse_train_lost(const struct rehearse_train *t, mono_t now, uint64_t older_ns);

#endif
