/* SPDX-License-Identifier: BSD-3-Clause
 *
 * One table of cases for both data planes: a frame that comes in, the world it comes into, what must become
 * of it to the byte, and what is counted. test_cases.c drives the DPDK stages with it, tests/bpf/
 * test_fp_cases.c the XDP programs. What is expected is built here field by field, with nothing of either
 * but the hash of a flow.
 */
#ifndef TESTS_FLOW_CASES_H
#define TESTS_FLOW_CASES_H

#include "ebpf/fp.h"
#include "tests/flow/flow.h"

#define CASE_MACS  3
#define CASE_FRAME 9300

/* What is inside: Ethernet payload. */
enum case_kind {
    CASE_UDP4,
    CASE_UDP6,
    CASE_UDP4_FIRST_FRAGMENT,
    CASE_UDP4_LATER_FRAGMENT,
    CASE_TCP4,     /* ACK */
    CASE_TCP4_SYN, /* and IP options */
    CASE_TCP4_SYNACK,
    CASE_TCP6,
    CASE_TCP6_SYN,
    CASE_ARP,
    CASE_RARP,
    CASE_NS,
    CASE_NA,
    CASE_ECHO6,
    CASE_BAD_IP4, /* version 5: no IP, whatever the EtherType says */
    CASE_OTHER,   /* EtherType 0x9999 */
    CASE_TAGGED,  /* a tag inside, and UDP4 behind it */
    CASE_TAGGED_AD,
    CASE_OAM,     /* DP_OAM_ETHERTYPE */
    CASE_NOTHING, /* no payload */
};

/* Where a byte that is damaged is counted from. */
enum case_base { CASE_AT_ETH, CASE_AT_IP, CASE_AT_UDP, CASE_AT_VXLAN };

enum case_verdict {
    CASE_TO_PORT,   /* out by the access port `to` */
    CASE_TO_VTEP,   /* out to the VTEP `to` */
    CASE_DROP,      /* for the reason `drop` */
    CASE_TO_KERNEL, /* not ours: as it is */
    CASE_FLOODED,   /* `copies` come out */
    CASE_TAKEN,     /* for the gateway itself */
};

/* What is counted, each once and with the length of the inner frame. */
#define CASE_ACCESS_IN  0x01
#define CASE_ACCESS_OUT 0x02
#define CASE_WAN_IN     0x04
#define CASE_WAN_OUT    0x08
#define CASE_BOUNCED    0x10
#define CASE_VTEP_RX    0x20 /* from the outer source */
#define CASE_VTEP_TX    0x40 /* to `to` */
#define CASE_PORT_DROP  0x80 /* the port it came in by counts the drop, too */

/* The worker carries or drops it, and so does the fast path. */
#define CASE_FAST_TOO (-1)

struct case_mac {
    uint8_t net; /* 0: the end */
    uint8_t host;
    uint8_t where; /* enum dp_where */
    uint8_t target;
    bool is_static, bounce, watch, bicast;
};

struct flow_case {
    const char *name;          /* with the rule's number */
    bool only_ipv4, only_ipv6; /* underlay */
    /* the frame */
    uint8_t port;
    uint8_t kind; /* enum case_kind */
    struct mac dst, src;
    uint16_t vlan; /* its tag, from an access port; FLOW_UNTAGGED */
    uint8_t tos;
    uint16_t payload;
    struct flow_outer outer; /* from the WAN */
    uint8_t outer_ttl;       /* 0: 64 */
    uint16_t tail;           /* bytes behind the outer packet */
    uint16_t cut;            /* bytes missing at the end of the frame */
    struct {
        uint8_t base; /* enum case_base */
        uint8_t at;   /* bytes behind it */
        uint8_t flip;
        bool fix_ip, fix_udp; /* checksums mended afterwards */
    } damage;
    /* the world */
    struct case_mac macs[CASE_MACS];
    bool qinq, flood_unknown;
    bool zero_csum_tx, zero_csum_rx;
    bool unresolved;
    uint8_t dscp;          /* 0: the inner packet's, else this plus 1 */
    uint16_t vtep_mtu;     /* 0: 1600 */
    bool not_redirectable; /* the port it leaves by */
    /* what must become of it */
    uint8_t verdict; /* enum case_verdict */
    uint8_t to;
    int drop; /* enum drop_reason */
    uint8_t copies;
    int inner_tos;          /* -1: as it was */
    uint8_t outer_tos, ttl; /* ttl 0: 64 */
    unsigned counts;
    int fast; /* CASE_FAST_TOO, or why the fast path gives it to the worker: enum fp_punt */
};

extern const struct flow_case flow_cases[];
extern const size_t n_flow_cases;

bool case_runs_over(const struct flow_case *c, bool ipv6);

/* The networks and VTEPs that a case comes into. web (NET_WEB): VLAN 100 on port A, 300 on port B. db
 * (NET_DB): VLAN 200 on port A, untagged on port B. VTEPs as in flow.h. */
struct case_world {
    struct dp_network nets[2];
    struct dp_vtep vteps[2];
    struct dp_topology topology;
};
void case_world(struct case_world *w, const struct flow_case *c, bool ipv6);

/* The frame that comes in, and the one that must come out (CASE_TO_PORT, CASE_TO_VTEP, CASE_TO_KERNEL): their
 * lengths. */
size_t case_frame_in(const struct flow_case *c, bool ipv6, uint8_t *buf);
size_t case_frame_out(const struct flow_case *c, bool ipv6, uint8_t *buf);
/* Length of the inner frame, for the counters. */
size_t case_inner_len(const struct flow_case *c);
/* Network the frame belongs to. */
dp_net_id case_net(const struct flow_case *c);

#endif
