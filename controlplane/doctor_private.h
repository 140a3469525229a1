/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Between doctor.c, which runs the checks, and the checks themselves: doctor_checks.c (the host),
 * doctor_checks_gateway.c.
 */
#ifndef CONTROLPLANE_DOCTOR_PRIVATE_H
#define CONTROLPLANE_DOCTOR_PRIVATE_H

#include "controlplane/doctor.h"

/* One check while it runs. */
struct doctor_check {
    struct doctor_report *report;
    const char *name;
    unsigned said[DOCTOR_PROBLEM + 1];
};

/* A finding of this check. todo: a command or what else helps; "": nothing. */
void doctor_say(struct doctor_check *c, enum doctor_verdict verdict, const char *todo, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

#define DOCTOR_NEEDS_CONF    1u
#define DOCTOR_NEEDS_GATEWAY 2u
#define DOCTOR_NEEDS_PORTS   4u /* an `interface:` port that exists */

struct doctor_rule {
    const char *name;
    unsigned needs;
    const char *well; /* said when the check says nothing */
    void (*run)(const struct doctor_facts *f, struct doctor_check *c);
};
/* In the order of the report; the last one has no name. */
extern const struct doctor_rule doctor_rules[];

/* doctor_checks_gateway.c */
void doctor_check_gateway(const struct doctor_facts *f, struct doctor_check *c);
void doctor_check_peers(const struct doctor_facts *f, struct doctor_check *c);
void doctor_check_vnis(const struct doctor_facts *f, struct doctor_check *c);
void doctor_check_networks(const struct doctor_facts *f, struct doctor_check *c);
void doctor_check_vteps(const struct doctor_facts *f, struct doctor_check *c);
void doctor_check_path(const struct doctor_facts *f, struct doctor_check *c);
void doctor_check_duplicates(const struct doctor_facts *f, struct doctor_check *c);
void doctor_check_drops(const struct doctor_facts *f, struct doctor_check *c);

#endif
