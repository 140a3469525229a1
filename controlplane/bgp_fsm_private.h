/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the parts of the BGP state machine share: bgp_fsm.c has the events, bgp_fsm_step.c what they do,
 * bgp_fsm_collide.c which of two connections becomes the session, bgp_fsm_rules.c the decisions,
 * bgp_fsm_words.c the words. For nobody else.
 */
#ifndef CONTROLPLANE_BGP_FSM_PRIVATE_H
#define CONTROLPLANE_BGP_FSM_PRIVATE_H

#include "controlplane/bgp_fsm.h"

#define BGP_FSM_NSEC        UINT64_C(1000000000)
#define BGP_FSM_LOG_AGAIN_S 60 /* the same fault is logged no more often */

static const mono_t bgp_fsm_never = {BGP_FSM_NEVER};
static const struct bgp_fsm_conn bgp_fsm_no_conn = {.wait_until = {BGP_FSM_NEVER},
                                                    .hold_at = {BGP_FSM_NEVER},
                                                    .keepalive_at = {BGP_FSM_NEVER},
                                                    .send_hold_at = {BGP_FSM_NEVER}};

struct bgp_fsm_data {
    const uint8_t *p;
    uint16_t len;
};

/* One call of the machine: what came, when, and what is to be done. */
struct bgp_fsm_step {
    struct bgp_fsm *f;
    const struct bgp_fsm_event *ev; /* NULL: timer */
    mono_t now;
    struct bgp_fsm_actions *out;
};

/* ---- bgp_fsm_step.c */

mono_t bgp_fsm_in(mono_t now, uint32_t secs);
mono_t bgp_fsm_in_jittered(struct bgp_fsm_step *s, uint32_t secs);
mono_t bgp_fsm_next_keepalive(struct bgp_fsm_step *s, uint16_t secs);
bool bgp_fsm_older(const struct bgp_fsm_step *s, mono_t since, uint32_t secs);
struct bgp_fsm_action *bgp_fsm_emit(struct bgp_fsm_step *s, enum bgp_act type, unsigned conn);
void bgp_fsm_report(struct bgp_fsm_step *s, unsigned c, const struct bgp_fsm_fault *fault);
struct bgp_fsm_data bgp_fsm_shutdown_text(struct bgp_fsm_step *s, uint8_t subcode);
void bgp_fsm_pause(struct bgp_fsm *f, mono_t until);
void bgp_fsm_drop(struct bgp_fsm_step *s, unsigned c, struct bgp_fsm_fault fault, struct bgp_fsm_data data);
void bgp_fsm_drop_plain(struct bgp_fsm_step *s, unsigned c, enum bgp_why why, uint8_t code, uint8_t subcode);
void bgp_fsm_begin(struct bgp_fsm_step *s, unsigned c, bool incoming);
void bgp_fsm_restart_send_hold(struct bgp_fsm_step *s, unsigned c);
void bgp_fsm_dial(struct bgp_fsm_step *s);
bool bgp_fsm_may_dial(const struct bgp_fsm *f);
void bgp_fsm_plan(struct bgp_fsm_step *s);

/* ---- bgp_fsm_collide.c */

/* Connection c just got a good OPEN, which is in conn.peer, beside another connection or none. */
void bgp_fsm_opened(struct bgp_fsm_step *s, unsigned c);
/* It got the KEEPALIVE that answers ours. */
void bgp_fsm_confirmed(struct bgp_fsm_step *s, unsigned c);
/* A connection that waits for the other one goes on, if nothing keeps it any more. */
void bgp_fsm_stop_waiting(struct bgp_fsm_step *s);

/* ---- bgp_fsm_rules.c */

/* Checks the peer's OPEN. fault->why is BGP_WHY_NONE when it is good. */
void bgp_fsm_check_open(const struct bgp_fsm_config *cfg, const struct bgp_fsm_open *open,
                        struct bgp_fsm_fault *fault, struct bgp_fsm_data *data);
/* Hold and keepalive time of a connection, from the OPENs on it. */
void bgp_fsm_negotiate(const struct bgp_fsm_config *cfg, struct bgp_fsm_conn *conn);
/* What both sides of the session can. */
void bgp_fsm_share(struct bgp_fsm_session *s);
/* Whether connection c, which had its OPEN, is the one of two colliding ones that stays. */
bool bgp_fsm_wins(const struct bgp_fsm_conn *c, const struct bgp_fsm_conn *other);
/* Whether it would only come again at once: the peer pauses. */
bool bgp_fsm_damps(const struct bgp_fsm_fault *fault);
/* Whether the peer's routes outlive the session (RFC 4724, RFC 8538). */
bool bgp_fsm_graceful(const struct bgp_fsm_session *s, const struct bgp_fsm_fault *fault);
/* Whether a Cease of ours must be a Hard Reset for a peer that knows RFC 8538. */
bool bgp_fsm_hard_cease(uint8_t subcode);
/* A NOTIFICATION received, Hard Reset unwrapped, and the text in it (RFC 9003), "" if there is none. */
void bgp_fsm_read_notification(const struct bgp_fsm_event *ev, struct bgp_fsm_fault *fault,
                               char text[BGP_SHUTDOWN_MAX + 1]);
/* Nanoseconds: secs, shortened by up to a quarter (RFC 4271 section 10). */
uint64_t bgp_fsm_jitter(uint64_t *random, uint32_t secs);

#endif
