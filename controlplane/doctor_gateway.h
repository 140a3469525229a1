/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What a running gateway tells by its API, as facts for the doctor. Any member of an answer may be missing or
 * of the wrong type: then it is not known. Pure; one thread.
 */
#ifndef CONTROLPLANE_DOCTOR_GATEWAY_H
#define CONTROLPLANE_DOCTOR_GATEWAY_H

#include "controlplane/doctor.h"

#include <cjson/cJSON.h>

/* The commands to be asked, in this order, NULL at the end; and with what `type`, 0: none. "show drops" is
 * twice there, with some time in between. */
struct doctor_question {
    const char *command;
    unsigned type;
    bool all;
};
extern const struct doctor_question doctor_questions[];

struct doctor_told;

/* After doctor_facts_init(). f outlives it. NULL without memory. */
struct doctor_told *doctor_told_new(struct doctor_facts *f);
/* One page of an answer to a question. */
void doctor_told_page(struct doctor_told *t, const char *command, const cJSON *page);
/* All was asked: what follows from several answers. Frees t. */
void doctor_told_end(struct doctor_told *t);

#endif
