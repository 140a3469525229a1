/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See doctor.h: the report, and the facts that follow from the configuration. The checks are in
 * doctor_checks.c. One thread.
 */
#include "controlplane/doctor_private.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define AT_MOST 8 /* findings of one verdict by one check; the rest is a number */

const char *doctor_verdict_text(enum doctor_verdict v)
{
    static const char *const texts[] = {[DOCTOR_OK] = "ok",
                                        [DOCTOR_CANNOT_TELL] = "cannot tell",
                                        [DOCTOR_WARNING] = "warning",
                                        [DOCTOR_PROBLEM] = "problem"};

    return (unsigned)v <= DOCTOR_PROBLEM ? texts[v] : "?";
}

/* ---- facts */

static void want(struct doctor_port *port, const struct conf_network *n)
{
    unsigned mtu = conf_network_mtu(n);

    if (mtu <= port->wanted)
        return;
    port->wanted = mtu;
    port->wanted_is_default = n->mtu == 0;
    memcpy(port->wanted_for, n->name, sizeof(port->wanted_for));
}

static void init_port(struct doctor_port *port, const char *name, const struct conf_port *conf)
{
    snprintf(port->name, sizeof(port->name), "%s", name);
    port->rp_filter = -1;
    port->xdp = conf->kind == CONF_PORT_INTERFACE;
    if (port->xdp)
        snprintf(port->interface, sizeof(port->interface), "%s", conf->device);
}

bool doctor_facts_init(struct doctor_facts *f, const struct conf *conf)
{
    struct doctor_port *wan;

    f->conf = conf;
    if (!conf)
        return true;
    f->ports = calloc(conf->n_access + 1, sizeof(*f->ports));
    if (!f->ports)
        return false;
    f->n_ports = conf->n_access + 1;
    for (size_t i = 0; i < conf->n_access; i++) {
        init_port(&f->ports[i], conf->access[i].name, &conf->access[i].port);
        for (size_t j = 0; j < conf->n_networks; j++) {
            uint16_t vlan;

            if (conf_access_carries(&conf->access[i], &conf->networks[j], &vlan))
                want(&f->ports[i], &conf->networks[j]);
        }
    }
    wan = &f->ports[conf->n_access];
    init_port(wan, "underlay", &conf->underlay.port);
    wan->underlay = true;
    if (!wan->xdp)
        memcpy(wan->interface, conf->underlay.tap, sizeof(wan->interface));
    for (size_t j = 0; j < conf->n_networks; j++)
        want(wan, &conf->networks[j]);
    return true;
}

void doctor_facts_free(struct doctor_facts *f)
{
    free(f->ports);
    free(f->peers);
    free(f->networks);
    free(f->vteps);
    free(f->vnis);
    free(f->drops);
    memset(f, 0, sizeof(*f));
}

/* ---- the report */

static struct doctor_finding *append(struct doctor_report *r, const char *check, enum doctor_verdict verdict)
{
    struct doctor_finding *grown = realloc(r->findings, (r->n + 1) * sizeof(*grown));

    if (!grown) {
        r->no_memory = true;
        return NULL;
    }
    r->findings = grown;
    r->findings[r->n] = (struct doctor_finding){.check = check, .verdict = verdict};
    return &r->findings[r->n++];
}

void doctor_say(struct doctor_check *c, enum doctor_verdict verdict, const char *todo, const char *fmt, ...)
{
    struct doctor_finding *f;
    va_list ap;

    c->report->count[verdict]++;
    if (c->said[verdict]++ >= AT_MOST)
        return;
    f = append(c->report, c->name, verdict);
    if (!f)
        return;
    va_start(ap, fmt);
    vsnprintf(f->text, sizeof(f->text), fmt, ap);
    va_end(ap);
    snprintf(f->todo, sizeof(f->todo), "%s", todo);
}

/* What was too much to be said one by one, and that all is well if nothing was said. */
static void end_check(struct doctor_check *c, const char *well)
{
    bool any = false;

    for (int v = DOCTOR_OK; v <= DOCTOR_PROBLEM; v++) {
        struct doctor_finding *f = NULL;

        any = any || c->said[v] > 0;
        if (c->said[v] > AT_MOST)
            f = append(c->report, c->name, (enum doctor_verdict)v);
        if (f)
            snprintf(f->text, sizeof(f->text), "and %u more of this kind", c->said[v] - AT_MOST);
    }
    if (!any)
        doctor_say(c, DOCTOR_OK, "", "%s", well);
}

static bool any_port(const struct doctor_facts *f)
{
    for (size_t i = 0; i < f->n_ports; i++)
        if (f->ports[i].xdp && f->ports[i].exists)
            return true;
    return false;
}

void doctor_run(const struct doctor_facts *f, struct doctor_report *r)
{
    memset(r, 0, sizeof(*r));
    for (const struct doctor_rule *rule = doctor_rules; rule->name; rule++) {
        struct doctor_check c = {.report = r, .name = rule->name};

        if ((rule->needs & DOCTOR_NEEDS_CONF) && !f->conf)
            continue;
        if ((rule->needs & DOCTOR_NEEDS_GATEWAY) && f->gateway != DOCTOR_RUNS)
            continue;
        if ((rule->needs & DOCTOR_NEEDS_PORTS) && !any_port(f))
            continue;
        rule->run(f, &c);
        end_check(&c, rule->well);
    }
}

void doctor_report_free(struct doctor_report *r)
{
    free(r->findings);
    memset(r, 0, sizeof(*r));
}

int doctor_status(const struct doctor_report *r)
{
    return r->count[DOCTOR_PROBLEM] || r->no_memory ? 2 : r->count[DOCTOR_WARNING] ? 1 : 0;
}
