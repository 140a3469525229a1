/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The checks of a running gateway, by what it says of itself. One thread.
 */
#include "controlplane/doctor_private.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

void doctor_check_gateway(const struct doctor_facts *f, struct doctor_check *c)
{
    if (f->gateway == DOCTOR_NOT_ASKED)
        doctor_say(c, DOCTOR_OK, "", "not asked: this is about the host alone");
    else if (f->gateway == DOCTOR_NO_GATEWAY)
        doctor_say(c, DOCTOR_PROBLEM,
                   "systemctl status causewayd; journalctl -u causewayd -e; for the host alone: "
                   "causewayctl doctor --config FILE",
                   "%s", f->gateway_error);
    else if (f->gateway_error[0])
        doctor_say(c, DOCTOR_CANNOT_TELL, "causewayctl --version; causewayd --version",
                   "the gateway did not answer all: %s", f->gateway_error);
}

void doctor_check_peers(const struct doctor_facts *f, struct doctor_check *c)
{
    for (size_t i = 0; i < f->n_peers; i++) {
        const struct doctor_peer *p = &f->peers[i];
        char todo[DOCTOR_TEXT];

        snprintf(todo, sizeof(todo), "causewayctl show bgp peers %s", p->name);
        if (!p->established)
            doctor_say(c, DOCTOR_PROBLEM, todo, "the BGP session with %s is down (%s): %s", p->name, p->state,
                       p->error[0] ? p->error : "no answer so far");
    }
}

void doctor_check_vnis(const struct doctor_facts *f, struct doctor_check *c)
{
    for (size_t i = 0; i < f->n_vnis; i++) {
        const struct doctor_vni *v = &f->vnis[i];
        char todo[DOCTOR_TEXT];

        if (v->network[0]) {
            snprintf(todo, sizeof(todo),
                     "at the site of %s: a network with vni: %u; if it is not meant to be there: "
                     "nothing",
                     v->vtep, v->vni);
            doctor_say(c, DOCTOR_WARNING, todo, "%s does not have VNI %u (network %s), which is here",
                       v->vtep, v->vni, v->network);
        } else if (v->here) {
            doctor_say(c, DOCTOR_PROBLEM,
                       "causewayctl show routes --type 3; compare route_targets of both sites",
                       "%s has VNI %u as well, but no route target of its route is one that is imported here",
                       v->vtep, v->vni);
        } else {
            snprintf(todo, sizeof(todo),
                     "here: a network with vni: %u (is that a typing mistake there or here?); if it "
                     "is not meant to be here: nothing",
                     v->vni);
            doctor_say(c, DOCTOR_WARNING, todo, "%s has VNI %u, and no network here has", v->vtep, v->vni);
        }
    }
}

void doctor_check_networks(const struct doctor_facts *f, struct doctor_check *c)
{
    for (size_t i = 0; i < f->n_networks; i++) {
        char todo[DOCTOR_TEXT];

        snprintf(todo, sizeof(todo),
                 "causewayctl show routes --type 3; causewayctl show networks --network %s",
                 f->networks[i].name);
        if (f->networks[i].vteps == 0)
            doctor_say(c, DOCTOR_PROBLEM, todo, "network %s (VNI %u) has no other site", f->networks[i].name,
                       f->networks[i].vni);
    }
}

void doctor_check_vteps(const struct doctor_facts *f, struct doctor_check *c)
{
    for (size_t i = 0; i < f->n_vteps; i++) {
        const struct doctor_vtep *v = &f->vteps[i];
        char todo[DOCTOR_TEXT];

        snprintf(todo, sizeof(todo), "ip route get %s; ip neigh; ping %s", v->address, v->address);
        if (!v->resolved)
            doctor_say(c, DOCTOR_PROBLEM, todo, "no frame can go to VTEP %s: %s", v->address, v->state);
    }
}

static void path_of(const struct doctor_facts *f, struct doctor_check *c, const struct doctor_vtep *v)
{
    unsigned overhead = f->conf ? conf_overhead(f->conf) : strchr(v->address, ':') ? 70 : 50;
    char todo[DOCTOR_TEXT];

    snprintf(todo, sizeof(todo), "ping -M do -s %u %s; raise the MTU on the way, or mtu: in the network",
             v->wanted + overhead - (strchr(v->address, ':') ? 48u : 28u), v->address);
    if (v->asked && v->answers && v->reached < v->wanted)
        doctor_say(
            c, DOCTOR_PROBLEM, todo,
            "packets of %u bytes in network %s reach %s, and %u bytes should: the way there has MTU %u at "
            "most, and must have %u",
            v->reached, v->network, v->address, v->wanted, v->reached + overhead, v->wanted + overhead);
    else if (v->mtu && v->wanted && v->mtu < v->wanted + overhead)
        doctor_say(c, DOCTOR_PROBLEM, todo, "the way to %s has MTU %u as the kernel knows it, and needs %u",
                   v->address, v->mtu, v->wanted + overhead);
    else if (v->asked && v->answers)
        doctor_say(c, DOCTOR_OK, "", "%s answers packets of %u bytes in network %s", v->address, v->reached,
                   v->network);
    else if (v->resolved)
        doctor_say(
            c, DOCTOR_CANNOT_TELL, todo,
            "%s does not answer (it may be no Causeway, or the way to it is broken): the kernel says MTU %u",
            v->address, v->mtu);
}

/* R11.1 */
void doctor_check_path(const struct doctor_facts *f, struct doctor_check *c)
{
    for (size_t i = 0; i < f->n_vteps; i++)
        if (f->vteps[i].resolved && f->vteps[i].networks > 0)
            path_of(f, c, &f->vteps[i]);
}

void doctor_check_duplicates(const struct doctor_facts *f, struct doctor_check *c)
{
    if (f->frozen)
        doctor_say(c, DOCTOR_PROBLEM, "causewayctl show macs --duplicates; causewayctl clear duplicate MAC",
                   "%" PRIu64 " MACs are at two places at a time, and frozen", f->frozen);
}

/* What happens in every network, or while hosts come and go. */
static bool is_everyday(const char *reason)
{
    static const char *const names[] = {"link_local", "split_horizon",  "unknown_unicast", "no_target",
                                        "same_port",  "outer_not_ours", "bounce_ttl",      "source_here"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (strcmp(reason, names[i]) == 0)
            return true;
    return false;
}

void doctor_check_drops(const struct doctor_facts *f, struct doctor_check *c)
{
    for (size_t i = 0; i < f->n_drops; i++) {
        const struct doctor_drop *d = &f->drops[i];
        char todo[DOCTOR_TEXT];

        if (d->frames == 0 || is_everyday(d->reason))
            continue;
        snprintf(todo, sizeof(todo), "causewayctl show drops");
        doctor_say(c, DOCTOR_WARNING, todo, "%" PRIu64 " frames were dropped in %.1f s (%s): %s", d->frames,
                   f->looked_s, d->reason, d->text);
    }
}
