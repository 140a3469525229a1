/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The rehearsal of a move: a synthetic MAC with an IP of 169.254.0.0/16 lives at DP_OWN_PORT of this gateway,
 * moves to another site's gateway and comes back, through the same MAC table, BGP, FDBs and WAN as any VM.
 * Meanwhile both gateways send it a probe each millisecond, and whoever holds it answers. Nothing real is
 * disturbed: no host's MAC or IP is touched, and what is announced on the access ports is of the synthetic
 * MAC alone.
 *
 *   home (who rehearses)                            away (the other site)
 *   path: OAM_ECHO, growing                         answers
 *   takes the MAC and a prober's
 *   OAM_TAKE, again while the MAC is unknown there  takes the MAC (it moves), and a prober's of its own
 *   probes until `away` answers without a gap
 *   takes it back (it moves again)                  probes until `home` answers
 *   OAM_REPORT                                      says what it saw
 *   OAM_LEAVE, forgets both MACs                    forgets both
 *
 * Each side ends by itself when the other does not go on (REHEARSE_SECONDS), and leaves nothing behind. Pure:
 * time comes in, frames, MACs and messages go through ops. Control thread only.
 */
#ifndef CONTROLPLANE_REHEARSE_H
#define CONTROLPLANE_REHEARSE_H

#include "controlplane/oam.h"
#include "controlplane/rehearse_probe.h"

#define REHEARSE_SECONDS   30
#define REHEARSE_GUESTS    4 /* rehearsals of others that we take part in at a time */
#define REHEARSE_PROBE_NS  UINT64_C(1000000)
#define REHEARSE_MTU_STEPS 12

struct rehearse;

struct rehearse_ops {
    /* As if a host with this MAC (and IP, if ip is not NULL) spoke on DP_OWN_PORT now. 0; -errno: it was not
     * learned. */
    int (*take)(void *arg, dp_net_id net, struct mac mac, const struct ipaddr *ip);
    /* The MAC table has it at another gateway. */
    bool (*known_away)(void *arg, dp_net_id net, struct mac mac);
    void (*forget)(void *arg, dp_net_id net, struct mac mac);
    /* dp_send_own(). */
    int (*send)(void *arg, dp_net_id net, const void *frame, size_t len);
    /* Announcement frames sent for it so far. */
    unsigned (*announced)(void *arg, dp_net_id net, struct mac mac);
};

enum rehearse_stage {
    REHEARSE_IDLE,
    REHEARSE_PATH,   /* round trip and path MTU */
    REHEARSE_TAKING, /* the other gateway gets to know the MAC, and takes it */
    REHEARSE_THERE,  /* probes until it answers from there */
    REHEARSE_BACK,
    REHEARSE_REPORTING,
    REHEARSE_DONE,
    REHEARSE_FAILED,
    REHEARSE_STAGES
};
const char *rehearse_stage_name(enum rehearse_stage s);

#define REHEARSE_ERR 128

/* Nanoseconds; UINT64_MAX: not known. */
struct rehearse_result {
    enum rehearse_stage stage;
    char error[REHEARSE_ERR]; /* REHEARSE_FAILED */
    dp_net_id net;
    dp_vtep_id vtep;
    struct mac mac;
    struct ipaddr ip;
    uint64_t rtt;          /* of the path */
    uint16_t frame_max;    /* longest inner frame (no FCS) that was answered */
    uint16_t frame_wanted; /* longest that the network may have */
    uint64_t
        dark_there; /* seen from here: last answer from here to first from there, less one probe's interval */
    uint64_t dark_there_away; /* seen from there: taken, to the first probe of ours that reached it */
    uint64_t dark_back;       /* seen from here: taken back, to the first answer from here */
    uint64_t
        dark_back_away;    /* seen from there: last answer from there to first from here, less one interval */
    uint32_t probes, lost; /* ours */
    uint32_t probes_away, lost_away;
    uint32_t answered, answered_away;   /* answers that came through */
    uint32_t announced, announced_away; /* frames sent on access ports; no gateway sees them arrive */
};

/* NULL without memory. oam: for our requests. */
struct rehearse *rehearse_new(struct oam *oam, const struct rehearse_ops *ops, void *arg);
void rehearse_free(struct rehearse *r);

/* Starts one. session: a random number that names it. frame_wanted: as in the result. -EBUSY: one is under
 * way. */
int rehearse_start(struct rehearse *r, dp_net_id net, dp_vtep_id vtep, const struct ipaddr *ip,
                   uint16_t frame_wanted, uint32_t session, mono_t now);
/* Of the one under way, or the last one. */
void rehearse_result(const struct rehearse *r, struct rehearse_result *out);
/* Ends what is under way, ours and others'. */
void rehearse_abort(struct rehearse *r, mono_t now);

/* A request of type OAM_TAKE, OAM_LEAVE or OAM_REPORT. */
void rehearse_request(struct rehearse *r, dp_net_id net, dp_vtep_id from, const struct oam_message *m,
                      mono_t now, struct oam_message *answer);
/* A frame to DP_OWN_PORT that is no OAM message. False: none of ours. */
bool rehearse_receive(struct rehearse *r, const struct dp_own_frame *f, mono_t now);
void rehearse_run(struct rehearse *r, mono_t now);
/* When rehearse_run() is due; false: nothing is under way. */
bool rehearse_next(const struct rehearse *r, mono_t *at);
/* A synthetic MAC of a rehearsal under way: the journal leaves it out. */
bool rehearse_is_ours(const struct rehearse *r, dp_net_id net, struct mac mac);

#endif
