/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The configuration of one gateway, as C structs: what an operator wrote, with every default filled in.
 *
 *   conf_load()   YAML file -> struct conf, all mistakes at once as "FILE:LINE:COL: what is wrong, what would
 *                 be right"
 *   conf_print()  struct conf -> YAML that loads to the same struct
 *
 * A struct conf is immutable once loaded, so any thread may read it; nothing here touches the network or the
 * host.
 */
#ifndef CONF_CONF_H
#define CONF_CONF_H

#include "conf/log.h"
#include "conf/types.h"

#include <stdio.h>

#define CONF_NAME_LEN      32   /* names of sites, gateways, ports and networks, end included */
#define CONF_PATH_LEN      108  /* of a file: sun_path of a UNIX socket, end included */
#define CONF_DEVARGS_LEN   512  /* a DPDK vdev with its arguments, end included */
#define CONF_MAX_ACCESS    14   /* access ports of one gateway */
#define CONF_MAX_NETWORKS  4094 /* one per VLAN */
#define CONF_MAX_VTEPS     1023 /* distinct remote VTEPs of one gateway */
#define CONF_VLAN_NONE     0    /* network.vlan: untagged on the site's trunks */
#define CONF_DSCP_INHERIT  0xff /* network.dscp: copied from the inner packet (R1.8) */
#define CONF_NO_LIMIT      UINT32_MAX
#define CONF_API_SOCKET    "/run/causeway/api.sock"
#define CONF_FASTPATH_DIR  "/sys/fs/bpf/causeway"
#define CONF_MAX_BGP_PEERS 1023 /* as many as VTEPs: a full mesh */
#define CONF_MAX_RTS       64   /* route targets in one list */
#define CONF_MAX_ROUTERS   8    /* site gateways of one network */
#define CONF_MASK          "<hidden>"
#define CONF_PASSWORD_LEN  81 /* of a BGP session, end included: the kernel's TCP_MD5SIG_MAXKEYLEN is 80 */

enum conf_port_kind {
    CONF_PORT_INTERFACE, /* kernel-owned, AF_XDP; device is the interface name */
    CONF_PORT_PCI,       /* device is the PCI address */
    CONF_PORT_DPDK,      /* device is a vdev with arguments: "net_pcap0,rx_pcap=..." */
};

struct conf_port {
    enum conf_port_kind kind;
    char device[CONF_DEVARGS_LEN];
};

struct conf_route {
    struct ipprefix to;
    struct ipaddr via;
};

struct conf_underlay {
    struct ipaddr address; /* our VTEP */
    uint8_t prefix_len;    /* with pci/dpdk required (the TAP carries the address); 0xff: not given */
    struct conf_port port;
    char tap[IFACE_NAMELEN];   /* pci/dpdk: name of the TAP; default "cw-wan" */
    uint16_t mtu;              /* IP MTU of the WAN; 0: what the port has */
    uint16_t vxlan_port;       /* R1.1 */
    uint8_t ttl;               /* R1.8 */
    bool udp6_zero_csum_tx;    /* R1.3: IPv6: send checksum 0 */
    bool udp6_zero_csum_rx;    /* R1.3: IPv6: accept checksum 0 */
    bool offloads;             /* pci/dpdk: the NIC does what it can */
    struct conf_route *routes; /* pci/dpdk: installed on the TAP */
    size_t n_routes;
};

struct conf_access {
    char name[CONF_NAME_LEN];
    struct conf_port port;
    uint16_t mtu;                 /* largest IP packet; 0: what the port has */
    bool offloads;                /* pci/dpdk: the NIC does what it can */
    uint32_t mac_limit;           /* R8.4; CONF_NO_LIMIT: none */
    char untagged[CONF_NAME_LEN]; /* network of untagged frames, "" = the network with vlan: untagged, if any
                                   */
    char (*networks)[CONF_NAME_LEN]; /* networks carried; n_networks 0: all, or, with untagged set, that one
                                        only */
    size_t n_networks;
};

struct conf_static_mac {
    struct mac mac;
    char port[CONF_NAME_LEN]; /* an access port, or "" and then: */
    struct ipaddr vtep;
};

/* A route distinguisher (RFC 4364 section 4.2) and a route target (RFC 4360 section 4): the eight bytes of
 * the wire. conf_rt.h has their text. */
struct conf_rd {
    uint8_t b[8];
};
struct conf_rt {
    uint8_t b[8];
};

/* R6.4: the router that hosts of a network have at this site. */
struct conf_router {
    struct ipaddr address;
    struct mac mac;
};

struct conf_peer {
    struct ipaddr address;
    bool learning; /* R1.10: learn MACs from this VTEP's frames */
};

struct conf_network {
    char name[CONF_NAME_LEN];
    uint16_t vlan;          /* 1..4094, or CONF_VLAN_NONE */
    uint32_t vni;           /* 1..VNI_MAX */
    uint16_t mtu;           /* largest IP packet of the VLAN; 0: not given */
    bool qinq;              /* R1.6: inner frames may carry a tag */
    uint8_t dscp;           /* 0..63 or CONF_DSCP_INHERIT */
    bool flood_unknown;     /* R8.2 */
    struct mac *flood_macs; /* R8.2 exceptions */
    size_t n_flood_macs;
    uint32_t limit_broadcast; /* R8.3: frames/s per access port, or CONF_NO_LIMIT */
    uint32_t limit_multicast;
    uint32_t limit_unknown_unicast;
    uint32_t mac_limit; /* R8.4: or CONF_NO_LIMIT */
    uint32_t ageing;    /* seconds; 0: never */
    struct conf_static_mac *static_macs;
    size_t n_static_macs;
    struct conf_peer *peers; /* static VTEPs */
    size_t n_peers;
    bool proxy;                  /* R7.2: known IPs are answered at the edge */
    struct conf_router *routers; /* site_gateways; at most CONF_MAX_ROUTERS */
    size_t n_routers;
    /* R3.3. auto: router id : VLAN, and for the untagged networks router id : 4095 and up in the order of the
     * file; so a network keeps its RD when others come and go. */
    struct conf_rd rd; /* with a bgp section always the one in force */
    bool rd_auto;
    struct conf_rt *rt_import; /* R3.3; both lists empty: auto, see enum conf_rt_form */
    size_t n_rt_import;
    struct conf_rt *rt_export;
    size_t n_rt_export;
};

enum conf_hugepages { CONF_HUGEPAGES_AUTO, CONF_HUGEPAGES_ON, CONF_HUGEPAGES_OFF };

#define CONF_MAX_WORKERS 16

struct conf_dataplane {
    uint32_t max_macs; /* 1,024..1,048,576 */
    uint32_t workers;  /* 1..CONF_MAX_WORKERS */
    bool spread;       /* a port's frames are dealt out to all, if it has fewer receive queues */
    int cpu;           /* of the first worker, the others have the next ones; -1: any */
    bool busy_poll;    /* poll: busy | adaptive */
    enum conf_hugepages hugepages;
};

enum conf_fastpath_mode { CONF_FASTPATH_AUTO, CONF_FASTPATH_ON, CONF_FASTPATH_OFF };

/* XDP programs that carry known unicast between `interface:` ports. In the file also as one word, the mode.
 */
struct conf_fastpath {
    enum conf_fastpath_mode mode;
    bool persist;            /* goes on when the daemon is stopped */
    char dir[CONF_PATH_LEN]; /* in a bpffs; gateways have theirs below it */
    uint32_t punt_limit;     /* frames/s of a port, on each of its CPUs, to the worker; or CONF_NO_LIMIT */
};

/* The route targets of networks that list none (R3.3). Both forms have a 2-octet AS, as the VNI needs the
 * other four bytes (RFC 8365 section 5.1.2.1); of a longer AS number its low 16 bits stand there, as FRR does
 * it. conf_print() says so where it is the case. */
enum conf_rt_form {
    CONF_RT_AUTO,    /* ASN:VNI */
    CONF_RT_RFC8365, /* ASN:(0x10000000 | VNI): "automatic, VXLAN, domain 0" before the VNI */
};

struct conf_bgp_peer {
    struct ipaddr address;
    uint32_t asn;                     /* default: ours, so iBGP */
    char name[CONF_NAME_LEN];         /* for people; "": none */
    struct ipaddr source;             /* of the peer's family */
    uint16_t port;                    /* where we connect to */
    bool passive;                     /* never connect, only accept */
    char password[CONF_PASSWORD_LEN]; /* TCP MD5 (R2.6); "": none. Print with conf_print_masked() */
    uint8_t ttl_security;  /* GTSM (R2.6): hops at most, so TTL >= 256 - hops is accepted; 0: off */
    uint8_t multihop;      /* eBGP: TTL sent; 0: the neighbour only, TTL 1. iBGP: always 0, any distance */
    uint32_t max_prefixes; /* R2.6; default: three for each MAC of dataplane.max_macs. CONF_NO_LIMIT: none */
    uint8_t max_prefixes_warning; /* percent of it */
    bool graceful_restart;        /* R2.7: with this peer; conf_bgp.graceful_restart 0 is off for all */
    bool default_vxlan; /* R3.4: routes without encapsulation community are VXLAN; else they are ignored */
};

struct conf_bgp {
    bool on;                   /* there is a bgp section; without it nothing below means anything */
    uint32_t asn;              /* 0: no bgp section */
    uint32_t router_id;        /* host order, never 0 */
    struct ipaddr source;      /* for peers of its family that name none, see conf_bgp_peer.source */
    uint16_t port;             /* where we listen */
    uint16_t hold_time;        /* seconds; 0: never, no keepalives; else 3 and up */
    uint16_t keepalive;        /* seconds, at most hold_time / 3; 0: hold_time is 0 */
    uint16_t connect_retry;    /* seconds between two attempts */
    uint16_t graceful_restart; /* R2.7: seconds that peers wait for us; 0: off */
    enum conf_rt_form rt_form;
    uint32_t duplicate_moves;     /* R5.1: that many moves ... 0: off */
    uint32_t duplicate_seconds;   /* ... within that time are a duplicate */
    uint32_t duplicate_hold_down; /* seconds frozen; 0: until an operator clears it */
    struct conf_bgp_peer *peers;
    size_t n_peers;
};

/* A site by its name, as `move prepare --to` and `show site` take it: the VTEPs of its gateways. Our own site
 * is not among them. */
struct conf_site {
    char name[CONF_NAME_LEN];
    struct ipaddr *vteps;
    size_t n_vteps;
};

struct conf_moves {
    uint32_t repeats;      /* R6.3: bursts after the first one, 0..10 */
    uint32_t interval_ms;  /* between two bursts: more than a second, or Linux ignores the second (R6.3) */
    uint32_t limit;        /* announcement frames/s and network, or CONF_NO_LIMIT */
    uint32_t bounce;       /* R6.5: seconds; 0: off */
    uint32_t journal_size; /* moves that are remembered */
    char journal[CONF_PATH_LEN]; /* where they outlive the daemon; "": nowhere */
};

struct conf {
    char site[CONF_NAME_LEN];
    char gateway[CONF_NAME_LEN];
    struct conf_underlay underlay;
    struct conf_access *access;
    size_t n_access;
    struct conf_network *networks;
    size_t n_networks;
    struct conf_dataplane dataplane;
    struct conf_fastpath fastpath;
    struct conf_site *sites;
    size_t n_sites;
    struct conf_moves moves;
    char api_socket[CONF_PATH_LEN];
    struct conf_bgp bgp;
    struct ipaddr metrics_address; /* family 0: no metrics section */
    uint16_t metrics_port;
    enum log_level log_level;
    enum log_format log_format;
};

/* Mistakes found in a file, in line order, each a complete line of text without newline. */
struct conf_errors {
    char **text;
    size_t n;
};

/* Reads and checks FILE. Returns NULL when there is at least one mistake; errors is then not empty. Both
 * results are the caller's: conf_free(), conf_errors_free(). */
struct conf *conf_load(const char *path, struct conf_errors *errors);
/* The same from memory; name is what stands for FILE in the messages. */
struct conf *conf_load_string(const char *name, const char *yaml, size_t len, struct conf_errors *errors);
void conf_free(struct conf *c);
void conf_errors_free(struct conf_errors *errors);

/* Writes the complete effective configuration as YAML, passwords and all: only for who may read the file. */
void conf_print(const struct conf *c, FILE *out);
/* The same with CONF_MASK for each password; that text does not load. */
void conf_print_masked(const struct conf *c, FILE *out);

/* Every key that a file may have, a line each: its path and what it takes. */
void conf_keys_print(FILE *out);
/* Of the library that reads the file. */
const char *conf_yaml_version(void);
const struct conf_network *conf_network_find(const struct conf *c, const char *name);
/* Its IP MTU, or what a network has that says nothing. */
uint16_t conf_network_mtu(const struct conf_network *n);
/* By its address, or NULL. */
const struct conf_bgp_peer *conf_bgp_peer_find(const struct conf_bgp *b, const struct ipaddr *address);
/* What it is called; "": it has no name, or there is none. */
const char *conf_bgp_peer_name(const struct conf_bgp *b, const struct ipaddr *address);
/* True when access port a carries network n (see conf_access); *vlan is then its tag there, 0 = untagged. */
bool conf_access_carries(const struct conf_access *a, const struct conf_network *n, uint16_t *vlan);
/* True when the kernel's XDP programs have to be looked into, or PCI devices driven, for some port of it. */
bool conf_needs_sys_admin(const struct conf *c);
/* Bytes that VXLAN adds between an inner packet's IP MTU and the WAN's: 50 over IPv4, 70 over IPv6 (R1.7). */
unsigned conf_overhead(const struct conf *c);

#endif
