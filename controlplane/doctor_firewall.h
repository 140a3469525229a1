/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Whether a new packet to a port gets past the host's firewall, by the text of `nft list ruleset` or of
 * `iptables -S`. Chains count that it comes by: input or output, and before and after routing. Rules whose
 * conditions are not understood (sets by name, jumps, marks, limits) are neither believed nor ignored: where
 * one of them might decide, the answer is that it cannot be told.
 *
 * Pure; any thread.
 */
#ifndef CONTROLPLANE_DOCTOR_FIREWALL_H
#define CONTROLPLANE_DOCTOR_FIREWALL_H

#include <stdbool.h>
#include <stdint.h>

enum doctor_pass { DOCTOR_PASS_UNKNOWN, DOCTOR_PASS, DOCTOR_BLOCKED };

struct doctor_firewall {
    enum doctor_pass pass;
    char rule[160]; /* that decides, or may; or why it is not known */
};

struct doctor_packet {
    bool out;           /* sent by this host, else to it */
    bool tcp;           /* else UDP */
    uint16_t port;      /* destination */
    const char *ifname; /* where it comes or leaves; "": not known */
};

struct doctor_firewall doctor_firewall_nft(const char *ruleset, const struct doctor_packet *p);
struct doctor_firewall doctor_firewall_iptables(const char *rules, const struct doctor_packet *p);

#endif
