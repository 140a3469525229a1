/* SPDX-License-Identifier: BSD-3-Clause
 *
 * causewayctl doctor: what is wrong with a host and its gateway, and what to do about it. Pure: a table of
 * checks over a struct of facts. doctor_host.h reads those of the host, doctor_gateway.h those that a running
 * gateway tells, and whatever could not be found out stays unknown: then the check says that it cannot tell.
 *
 * One thread.
 */
#ifndef CONTROLPLANE_DOCTOR_H
#define CONTROLPLANE_DOCTOR_H

#include "conf/conf.h"
#include "controlplane/doctor_firewall.h"

#define DOCTOR_TEXT 320

enum doctor_verdict { DOCTOR_OK, DOCTOR_CANNOT_TELL, DOCTOR_WARNING, DOCTOR_PROBLEM };
/* "ok", "cannot tell", "warning", "problem" */
const char *doctor_verdict_text(enum doctor_verdict v);

enum doctor_tri { DOCTOR_UNKNOWN, DOCTOR_NO, DOCTOR_YES };

/* ---- facts */

/* An access port or the underlay's. */
struct doctor_port {
    char name[CONF_NAME_LEN];      /* "underlay", or as configured */
    char interface[IFACE_NAMELEN]; /* of the kernel (of a PCI or DPDK underlay: the TAP); "": none */
    bool underlay;
    bool xdp; /* an `interface:` port: the rest of this struct is known for these alone */
    bool exists;
    enum doctor_tri up;
    unsigned mtu;    /* 0: not known */
    unsigned wanted; /* largest IP packet of the networks that it carries */
    char wanted_for[CONF_NAME_LEN];
    bool wanted_is_default; /* no network says it */
    char driver[32];        /* "": not known */
    char mode[16];          /* of XDP, as the gateway says: "native", "generic"; "": not known */
    /* offloads; checksum: of the other end of a veth, or of a tap */
    enum doctor_tri rx_vlan, lro, gro_hw, checksum;
    char checksum_at[IFACE_NAMELEN]; /* whose; "": it cannot be seen, or it does not matter */
    int rp_filter;                   /* the stricter of all and this one; -1: not known */
};

struct doctor_peer {
    char name[CONF_NAME_LEN + IPADDR_STRLEN];
    char state[32], error[128]; /* error: the last one; "": none */
    bool established;
};

struct doctor_network {
    char name[CONF_NAME_LEN];
    uint32_t vni;
    unsigned vteps;
};

struct doctor_vtep {
    char address[IPADDR_STRLEN];
    bool resolved;
    char state[64];
    unsigned mtu;      /* IP MTU of the way, as the kernel has it; 0: not known */
    unsigned networks; /* that have it on their flood list */
    /* what the gateway there says; asked: it was, within `network` */
    bool asked, answers;
    char network[CONF_NAME_LEN];
    unsigned reached, wanted; /* largest IP packet of a host that came there, and that should */
};

/* A network that is at one end alone. */
struct doctor_vni {
    uint32_t vni;
    char vtep[IPADDR_STRLEN];
    char network[CONF_NAME_LEN]; /* "": they tell of it, else it is ours and they do not */
    bool here;                   /* a network of ours has this VNI */
};

struct doctor_drop {
    char reason[64], text[128];
    uint64_t frames; /* while the doctor looked */
};

enum doctor_gateway { DOCTOR_NOT_ASKED, DOCTOR_NO_GATEWAY, DOCTOR_RUNS };

struct doctor_facts {
    const struct conf *conf; /* NULL: not known */
    /* the host */
    bool hugepages_known;
    uint64_t hugepages, hugepages_free;
    enum doctor_tri clock_synchronised;
    bool limits_known;
    uint64_t memlock, nofile; /* bytes, files; UINT64_MAX: no limit */
    struct doctor_firewall vxlan_in, bgp_in, bgp_out;
    struct doctor_port *ports;
    size_t n_ports;
    /* the gateway */
    enum doctor_gateway gateway;
    char gateway_error[512];
    enum doctor_tri gateway_hugepages;
    struct doctor_peer *peers;
    size_t n_peers;
    struct doctor_network *networks;
    size_t n_networks;
    struct doctor_vtep *vteps;
    size_t n_vteps;
    struct doctor_vni *vnis;
    size_t n_vnis;
    struct doctor_drop *drops;
    size_t n_drops;
    uint64_t frozen; /* duplicates */
    double looked_s; /* for how long drops were counted */
};

/* The ports that conf has, and what it wants of them; for a new (zeroed) f. conf must outlive f. False: no
 * memory. */
bool doctor_facts_init(struct doctor_facts *f, const struct conf *conf);
void doctor_facts_free(struct doctor_facts *f);

/* ---- findings */

struct doctor_finding {
    const char *check;
    enum doctor_verdict verdict;
    char text[DOCTOR_TEXT]; /* a sentence */
    char todo[DOCTOR_TEXT]; /* "": nothing */
};

struct doctor_report {
    struct doctor_finding *findings;
    size_t n;
    unsigned count[DOCTOR_PROBLEM + 1]; /* by verdict */
    bool no_memory;
};

/* All checks, each with one finding at least. *r is the caller's: doctor_report_free(). */
void doctor_run(const struct doctor_facts *f, struct doctor_report *r);
void doctor_report_free(struct doctor_report *r);
/* For scripts: 0 nothing, 1 a warning, 2 a problem. */
int doctor_status(const struct doctor_report *r);

#endif
