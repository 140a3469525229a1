/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What rehearse.c (our own rehearsal: home) and rehearse_guest.c (another gateway's: away) share. Control
 * thread only.
 */
#ifndef CONTROLPLANE_REHEARSE_PRIVATE_H
#define CONTROLPLANE_REHEARSE_PRIVATE_H

#include "controlplane/rehearse.h"

#define REHEARSE_NS_UNKNOWN UINT64_MAX
#define REHEARSE_MS         UINT64_C(1000000)
#define REHEARSE_UNDER_WAY  (500 * REHEARSE_MS) /* a probe that is not answered by then is lost */

/* OAM_TAKE, OAM_LEAVE, OAM_REPORT: values[0] is the session. In the answer to OAM_REPORT (times in
 * microseconds, UINT32_MAX: not known): */
enum rehearse_value {
    REHEARSE_DARK_THERE,
    REHEARSE_DARK_BACK,
    REHEARSE_PROBES,
    REHEARSE_LOST,
    REHEARSE_ANNOUNCED,
    REHEARSE_ANSWERED,
};

enum rehearse_mac { REHEARSE_MOVER, REHEARSE_HOME_PROBER, REHEARSE_AWAY_PROBER };

struct rehearse_guest {
    bool used;
    dp_net_id net;
    dp_vtep_id home;
    uint32_t session;
    mono_t began, taken, first_probe; /* first_probe 0: none of home's reached us yet */
    mono_t next_probe;
    bool reported; /* no more probes */
    struct rehearse_train train;
};

struct rehearse {
    struct oam *oam;
    struct rehearse_ops ops;
    void *arg;
    /* home */
    struct rehearse_result result;
    uint32_t session;
    mono_t now; /* of the last call: OAM's answers come without it */
    mono_t stage_since, next_probe, next_take, taken_back;
    uint16_t echo, echo_low, echo_high; /* length being tried; longest answered, shortest not answered */
    unsigned echoes;
    struct rehearse_train train;
    /* away */
    struct rehearse_guest guests[REHEARSE_GUESTS];
};

/* The synthetic MACs of a session: locally administered. */
struct mac rehearse_mac(uint32_t session, enum rehearse_mac which);
/* Sends a probe of the train to the mover. */
void rehearse_probe_send(struct rehearse *r, dp_net_id net, uint32_t session, enum rehearse_mac prober,
                         struct rehearse_train *train, mono_t now);

/* ---- rehearse_guest.c */

struct rehearse_guest *rehearse_guest_find(struct rehearse *r, dp_net_id net, uint32_t session);
void rehearse_guest_end(struct rehearse *r, struct rehearse_guest *g);
/* A probe or an answer of a rehearsal that we take part in. */
void rehearse_guest_receive(struct rehearse *r, struct rehearse_guest *g, const struct rehearse_probe *p,
                            mono_t at);
void rehearse_guests_run(struct rehearse *r, mono_t now);

#endif
