/* SPDX-License-Identifier: BSD-3-Clause
 *
 * How long the frames are that get to other gateways and are answered there: OAM_ECHO to many VTEPs at a
 * time, the longest that may be needed first, then by halves (R11.1). Some seconds at most, for whoever asks
 * (causewayctl doctor). Pure, over struct oam; control thread only.
 */
#ifndef CONTROLPLANE_SURVEY_H
#define CONTROLPLANE_SURVEY_H

#include "controlplane/oam.h"

#define SURVEY_MAX 128 /* of OAM_MAX_WAITING */

struct survey_path {
    dp_net_id net;
    dp_vtep_id vtep;
    uint16_t wanted; /* bytes of a frame, no FCS; at least OAM_FRAME_MIN */
    /* found: */
    bool answers;
    uint16_t reached;
    uint64_t rtt_ns; /* of the last frame that was answered */
};

struct survey;

/* All paths were tried; survey_path() has what was found. Not called from survey_start(). */
typedef void (*survey_done_fn)(void *arg);

/* NULL without memory. oam outlives it. */
struct survey *survey_new(struct oam *oam, survey_done_fn done, void *arg);
void survey_free(struct survey *s);
/* n of them, SURVEY_MAX at most. How many are under way now (0: done will not be called); -EBUSY: earlier
 * ones still are. */
int survey_start(struct survey *s, const struct survey_path *paths, unsigned n, mono_t now);
/* Of the last survey; NULL: no more. */
const struct survey_path *survey_path(const struct survey *s, unsigned i);

#endif
